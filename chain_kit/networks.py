"""The networks that chain-kit knows by name, the addresses that stand there, and anvil's public keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chain_kit.errors import DevKeyRefusedError, UnknownNetworkError

__all__ = [
    "ANVIL_ADDRESSES",
    "ANVIL_KEYS",
    "ANVIL_MNEMONIC",
    "BASE",
    "BASE_SEPOLIA",
    "LOCAL",
    "NETWORKS",
    "PYTH_IDS",
    "Network",
    "addresses_of",
    "require_dev_chain",
    "resolve_network",
]

_EVERYWHERE = {
    "GasPriceOracle": "0x420000000000000000000000000000000000000F",
    "Multicall3": "0xcA11bde05977b3631167028862bE2a173976CA11",
}


@dataclass(frozen=True)
class Network:
    """A chain that can be named. `chain_id` is None for one that is known by its URL only."""

    name: str
    chain_id: int | None
    rpc_url: str
    addresses: Mapping[str, str] = field(default_factory=dict)


LOCAL: Final = Network("local", 31337, "http://127.0.0.1:8545")
BASE: Final = Network(
    "base",
    8453,
    "https://mainnet.base.org",
    {
        "USDC": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
        "AerodromeFactory": "0x420DD381b31aEf6683db6B902084cB0FFECe40Da",
        "AerodromeRouter": "0xcF77a3Ba9A5CA399B7c97c74d54e5b1Beb874E43",
        "Pyth": "0x8250f4aF4B972684F7b336503E2D6dFeDeB1487a",
        "Chainlink BTC/USD": "0x64c911996D3c6aC71f9b455B1E8E7266BcbD848F",
        "Chainlink ETH/USD": "0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70",
        **_EVERYWHERE,
    },
)
BASE_SEPOLIA: Final = Network(
    "base-sepolia",
    84532,
    "https://sepolia.base.org",
    {
        "USDC": "0x036CbD53842c5426634e7929541eC2318f3dCF7e",
        "Pyth": "0xA2aa501b19aff244D90cc15a4Cf739D2725B5729",
        "Chainlink BTC/USD": "0x0FB99723Aee6f420beAD13e6bBB79b7E6F034298",
        **_EVERYWHERE,
    },
)
PYTH_IDS: Final[Mapping[str, str]] = {
    "BTC/USD": "0xe62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43",
    "ETH/USD": "0xff61491a931112ddf1bd8147cd1b641375f79f5825126d665480874634fd0ace",
}
"""Pyth's ids of its prices, the same on every chain."""
NETWORKS: Final[Mapping[str, Network]] = {network.name: network for network in (LOCAL, BASE, BASE_SEPOLIA)}


def resolve_network(name: str) -> Network:
    """The network called `name`, or a nameless one for an http(s) URL. Raises UnknownNetworkError."""
    if name.startswith(("http://", "https://")):
        return Network("custom", None, name)
    network = NETWORKS.get(name)
    if network is None:
        raise UnknownNetworkError(name, NETWORKS)
    return network


def addresses_of(chain_id: int) -> Mapping[str, str]:
    """What stands on the chain with this id, by name; empty for a chain that is not known."""
    return next((n.addresses for n in NETWORKS.values() if n.chain_id == chain_id), {})


ANVIL_MNEMONIC: Final = "test test test test test test test test test test test junk"
"""Every anvil derives its accounts from these words (m/44'/60'/0'/0/index) unless it is told others."""

ANVIL_KEYS: Final = (
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
)
"""Anvil's first ten private keys. Everybody knows them: `require_dev_chain` before any use."""

ANVIL_ADDRESSES: Final = (
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
    "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9",
    "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
    "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f",
    "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
)


def require_dev_chain(chain_id: int, client_version: str) -> None:
    """Raises DevKeyRefusedError unless the node says (`web3_clientVersion`) that it is an anvil.

    The chain id does not decide: an anvil may fork Base and wear its id, and 31337 may be anybody's.
    """
    if not client_version.lower().startswith("anvil"):
        node = client_version or "an unknown node"
        raise DevKeyRefusedError(
            f"a public test key is not for chain {chain_id}, which {node} serves, not anvil"
        )
