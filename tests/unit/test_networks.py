from __future__ import annotations

import pytest
from eth_account import Account

from chain_kit.errors import DevKeyRefusedError, UnknownNetworkError
from chain_kit.networks import (
    ANVIL_ADDRESSES,
    ANVIL_KEYS,
    BASE,
    NETWORKS,
    addresses_of,
    require_dev_chain,
    resolve_network,
)
from chain_kit.units import checksum_address


def test_known_networks_are_found_by_name() -> None:
    """The documented names resolve to themselves."""
    assert ["local", "base", "base-sepolia"] == list(NETWORKS)
    assert [31337, 8453, 84532] == [resolve_network(name).chain_id for name in NETWORKS]


def test_url_is_a_network_of_its_own() -> None:
    """A URL resolves to itself, with no expectation of the chain behind it."""
    network = resolve_network("http://127.0.0.1:9")

    assert ("custom", None, "http://127.0.0.1:9") == (network.name, network.chain_id, network.rpc_url)


@pytest.mark.parametrize("name", ["", "mainnet", "Base", "ws://node"])
def test_unknown_network_lists_the_known(name: str) -> None:
    """Any other name is refused, and the hint says what may be written."""
    with pytest.raises(UnknownNetworkError) as caught:
        resolve_network(name)

    assert "base-sepolia" in caught.value.hint


def test_addresses_are_checksummed() -> None:
    """Every address of the tables is in the form that everything else compares with."""
    listed = [address for network in NETWORKS.values() for address in network.addresses.values()]

    assert [checksum_address(address.lower()) for address in listed] == listed


def test_addresses_are_found_by_chain_id() -> None:
    """A fork of Base has Base's addresses; an unknown chain has none."""
    assert addresses_of(8453) == BASE.addresses
    assert addresses_of(1) == {}


def test_anvil_keys_are_those_of_the_addresses() -> None:
    """Each key opens the address that stands at its place."""
    assert [Account.from_key(key).address for key in ANVIL_KEYS] == list(ANVIL_ADDRESSES)


@pytest.mark.parametrize("chain_id", [31337, 8453])
def test_anvil_may_use_its_keys_on_any_chain_id(chain_id: int) -> None:
    """A fork of Base on anvil is a test chain as well."""
    require_dev_chain(chain_id, "anvil/v1.7.1")


@pytest.mark.parametrize("version", ["Geth/v1.14.0", "", "reth/anvil", "op-geth"])
@pytest.mark.parametrize("chain_id", [31337, 8453])
def test_public_keys_are_refused_elsewhere(chain_id: int, version: str) -> None:
    """Whatever the chain id is, a node that is not anvil gets no signature of a public key."""
    with pytest.raises(DevKeyRefusedError, match=f"chain {chain_id}"):
        require_dev_chain(chain_id, version)
