"""The kit's contracts on an anvil, deployed from forge's output, and short ways to use them in a test."""

from __future__ import annotations

import asyncio
import fcntl
import json
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Any

from chain_kit import toolchain
from chain_kit.abi_codec import AbiEntry, load_abi
from chain_kit.contracts import Contract
from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import feed_id
from chain_kit.prices import EPOCH

START = 1_700_000_100 // EPOCH * EPOCH
"""When the test chains begin: a boundary."""
REGISTER_FEED = "registerFeed(bytes32,address,uint256)"
FEED = "BTC/USD"
DEADLINE = 3 * EPOCH
ROOT_DELAY = 600
UNIT = 10**18
OWNER, KEEPER, TRADERS = ANVIL_ADDRESSES[0], ANVIL_ADDRESSES[9], ANVIL_ADDRESSES[1:4]
REPORTERS = (5, 6, 7)
"""Which of anvil's accounts sign reports; two must."""


def house_terms(
    fee_bps: int = 100, *, closing_liquidity_bps: int = 10_000, closing_fee_bps: int | None = None
) -> tuple[int, ...]:
    """How the house of a market trades, b being 100 units; evenly all through an epoch, unless it is said."""
    closing = fee_bps if closing_fee_bps is None else closing_fee_bps
    return 100 * UNIT, closing_liquidity_bps, fee_bps, closing, 10_000 * UNIT


@cache
def bytecode(name: str) -> bytes:
    """A contract's creation code. Builds the contracts first, which is quick when nothing has changed."""
    cache_folder = toolchain.cache_folder()
    with (cache_folder / "forge.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [toolchain.forge(), "build", "--quiet", "contracts"],
            cwd=toolchain.root(),
            env=toolchain.environment(),
            check=True,
        )
    artifact = cache_folder / "forge" / "out" / f"{name}.sol" / f"{name}.json"
    return bytes.fromhex(json.loads(artifact.read_text())["bytecode"]["object"].removeprefix("0x"))


@dataclass(frozen=True)
class Kit:
    """One deployment with one market (id 1, "BTC") whose house has a budget, and traders with collateral."""

    anvil: Anvil
    collateral: Contract
    usdc: Contract
    oracle: Contract
    adapter: Contract
    hub: Contract
    vault: Contract
    genesis: int

    @classmethod
    async def deploy(cls, anvil: Anvil, *, genesis: int = START, terms: tuple[int, ...] | None = None) -> Kit:
        """Deploys everything from account 0, which also is the vault's operator."""
        collateral = await _create(anvil, "TestToken", "CYM1", "CYM1", 18, OWNER)
        usdc = await _create(anvil, "TestToken", "USDC", "USDC", 6, OWNER)
        oracle = await _create(anvil, "BoundaryOracle", OWNER)
        reporters = [ANVIL_ADDRESSES[index] for index in REPORTERS]
        adapter = await _create(anvil, "SignedReportAdapter", reporters, 2)
        hub = await _create(anvil, "EpochHub", OWNER, collateral.address, oracle.address, OWNER)
        vault = await _create(anvil, "PayoutVault", OWNER, usdc.address, OWNER, OWNER, ROOT_DELAY, ROOT_DELAY)
        kit = cls(anvil, collateral, usdc, oracle, adapter, hub, vault, genesis)
        await kit.send(OWNER, oracle, REGISTER_FEED, feed_id(FEED), adapter.address, DEADLINE)
        market = (feed_id(FEED), "BTC", genesis, terms or house_terms())
        await kit.send(OWNER, hub, "createMarket", *market)
        for account in (OWNER, *TRADERS):
            await kit.send(OWNER, collateral, "mint", account, 10_000 * UNIT)
            await kit.send(account, collateral, "approve", hub.address, 10_000 * UNIT)
            await kit.send(account, hub, "deposit", account, 10_000 * UNIT)
        await kit.send(OWNER, hub, "fundHouse", 1, 10_000 * UNIT)
        await kit.send(OWNER, usdc, "mint", vault.address, 10**12)
        return kit

    async def send(self, sender: str, contract: Contract, fn: str, *args: Any) -> dict[str, Any]:
        """Sends from one of anvil's accounts, mines, and gives the receipt; the transaction must succeed."""
        data = "0x" + contract.encode_call(fn, *args).hex()
        return await transact(self.anvil, {"from": sender, "to": contract.address, "data": data})

    async def ask(self, contract: Contract, fn: str, *args: Any) -> Any:
        """What a function returns now; its one value, if it returns one."""
        answer = await contract.call(self.anvil.rpc, fn, *args)
        return answer[0] if len(answer) == 1 else answer

    async def move_to(self, timestamp: int) -> None:
        """Mines a block with this time."""
        await self.anvil.set_next_timestamp(timestamp)
        await self.anvil.mine()

    async def buy(self, trader: str, side: int, epoch: int, amount: int = UNIT) -> None:
        """The trader buys YES (0) or NO (1) of `epoch`, which must be running."""
        await self.send(trader, self.hub, "buy", 1, side, amount, 0, epoch, 2**64)

    async def split(self, trader: str, epoch: int, amount: int = UNIT) -> None:
        """The trader makes complete sets of `epoch`."""
        await self.send(trader, self.hub, "split", 1, epoch, amount)

    async def boundary(self, timestamp: int) -> tuple[int, int]:
        """Status (0 none, 1 posted, 2 void) and price of a boundary of the feed."""
        status, price_e18 = await self.oracle.call(self.anvil.rpc, "boundaryOf", feed_id(FEED), timestamp)
        return status, price_e18

    async def outcome(self, epoch: int) -> int:
        """0 open, 1 YES, 2 NO, 3 void."""
        return int((await self.ask(self.hub, "outcomeOf", 1, epoch))[0])

    async def posts(self) -> list[tuple[int, int]]:
        """Boundary and price of every BoundaryPosted event, in order."""
        return [
            (int(log["topics"][2], 16), int(log["data"], 16))
            for log in await self.logs(self.oracle, "BoundaryPosted(bytes32,uint256,uint256)")
        ]

    async def logs(self, contract: Contract, signature: str) -> list[dict[str, Any]]:
        """All logs of an event of a contract."""
        topic = await self.anvil.rpc.call("web3_sha3", ["0x" + signature.encode().hex()])
        query = {"address": contract.address, "topics": [topic], "fromBlock": "0x0", "toBlock": "latest"}
        logs: list[dict[str, Any]] = await self.anvil.rpc.call("eth_getLogs", [query])
        return logs


def quorum() -> list[Any]:
    """The keys of all three reporters."""
    return [dev_signer(index) for index in REPORTERS]


async def transact(anvil: Anvil, fields: dict[str, Any]) -> dict[str, Any]:
    """Sends from one of anvil's unlocked accounts; gives the receipt of a success."""
    tx_hash = await anvil.rpc.call("eth_sendTransaction", [{"gas": hex(12_000_000), **fields}])
    receipt = await _receipt(anvil, tx_hash)
    assert receipt["status"] == "0x1", receipt
    return receipt


async def _receipt(anvil: Anvil, tx_hash: str) -> dict[str, Any]:
    # Mining at once is not quite at once, and under load anvil may forget to.
    for _ in range(100):
        receipt = await anvil.rpc.call("eth_getTransactionReceipt", [tx_hash])
        if receipt is not None:
            return dict(receipt)
        await asyncio.sleep(0.01)
    await anvil.mine()
    return dict(await anvil.rpc.call("eth_getTransactionReceipt", [tx_hash]))


async def _create(anvil: Anvil, name: str, *args: Any) -> Contract:
    return (await create(anvil, name, *args))[0]


async def create(anvil: Anvil, name: str, *args: Any) -> tuple[Contract, int]:
    """Deploys a contract from account 0; the contract and the gas that it took."""
    constructors = [item for item in load_abi(name) if item["type"] == "constructor"]
    inputs = tuple(constructors[0]["inputs"]) if constructors else ()
    arguments = AbiEntry(name, inputs).encode(args)[4:]
    data = "0x" + (bytecode(name) + arguments).hex()
    receipt = await transact(anvil, {"from": OWNER, "data": data})
    return Contract(name, receipt["contractAddress"]), int(receipt["gasUsed"], 16)
