"""The slots of the proofs are where the compiler puts the variables."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import Any

import pytest

from chain_kit import toolchain
from chain_kit.units import keccak256
from indexer.reserve_proof.layout import (
    LEDGERS,
    VAULT,
    balance_layouts,
    balance_slot,
    mapping_slot,
    number_slot,
)

FILES = {
    "EpochHub": "contracts/hub/EpochHub.sol",
    "RaceMarket": "contracts/race/RaceMarket.sol",
    "PayoutVault": "contracts/vault/PayoutVault.sol",
}
REMAPPINGS = {"@openzeppelin/": "@openzeppelin/", "solady/": "solady/src/"}
HOLDER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@cache
def _layouts() -> dict[str, Any]:
    """What solc says of each contract's storage; it is quick, for no code is asked for."""
    root = toolchain.root()
    settings = {
        "remappings": [f"{name}=node_modules/{path}" for name, path in REMAPPINGS.items()],
        "outputSelection": {"*": {"*": ["storageLayout"]}},
    }
    sources = {path: {"content": (root / path).read_text(encoding="utf-8")} for path in FILES.values()}
    document = {"language": "Solidity", "sources": sources, "settings": settings}
    done = subprocess.run(
        [str(root / "tools" / "solc.cjs"), "--standard-json", "--base-path", str(root)],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
    )
    compiled = json.loads(done.stdout)["contracts"]
    return {name: compiled[path][name]["storageLayout"] for name, path in FILES.items()}


def _variable(contract: str, label: str) -> tuple[int, int, str]:
    """Slot, offset in bytes, and type."""
    layout = _layouts()[contract]
    (found,) = [one for one in layout["storage"] if one["label"] == label]
    return int(found["slot"]), found["offset"], layout["types"][found["type"]]["label"]


def _member(contract: str, struct: str, label: str) -> tuple[int, int, str]:
    """The same of a struct's member, from the struct's first slot on."""
    types = _layouts()[contract]["types"].values()
    (of,) = [one for one in types if one["label"] == f"struct {struct}"]
    (found,) = [one for one in of["members"] if one["label"] == label]
    return int(found["slot"]), found["offset"], _layouts()[contract]["types"][found["type"]]["label"]


@pytest.mark.parametrize("contract", ["EpochHub", "RaceMarket"])
def test_a_ledgers_slots_are_the_compilers(contract: str) -> None:
    """Liabilities, accounts and positions, and where in their slots the numbers stand."""
    slots = LEDGERS[contract]
    assert _variable(contract, "_liabilities") == (slots.liabilities, 0, "uint112")
    account = "mapping(address => struct CollateralLedger.Account)"
    assert _variable(contract, "_accounts") == (slots.accounts, 0, account)
    assert _member(contract, "CollateralLedger.Account", "collateral") == (0, 0, "uint112")
    position = "mapping(uint256 => mapping(address => struct Positions.Position))"
    assert _variable(contract, "_positions") == (slots.positions, 0, position)
    assert _member(contract, "Positions.Position", "packed") == (0, 0, "uint256")


def test_the_vaults_slots_are_the_compilers() -> None:
    """Both roots, their totals, and what was claimed in all and by each."""
    assert _variable("PayoutVault", "_root") == (VAULT.root, 0, "bytes32")
    assert _variable("PayoutVault", "_total") == (VAULT.totals, 0, "uint128")
    assert _variable("PayoutVault", "_claimedTotal") == (VAULT.totals, 16, "uint128")
    assert _variable("PayoutVault", "_pending") == (VAULT.pending_root, 0, "struct PayoutVault.Root")
    assert _member("PayoutVault", "PayoutVault.Root", "root") == (0, 0, "bytes32")
    assert _member("PayoutVault", "PayoutVault.Root", "total") == (1, 0, "uint128")
    assert VAULT.pending_root + 1 == VAULT.pending_total
    assert _variable("PayoutVault", "claimed") == (VAULT.claimed, 0, "mapping(address => uint256)")


def test_a_mappings_slot_is_hashed_as_solidity_does() -> None:
    """The key's word, then the mapping's slot; for an inner mapping the slot of the outer value."""
    word = bytes.fromhex(HOLDER[2:].rjust(64, "0"))
    assert mapping_slot(9, HOLDER) == keccak256(word + number_slot(9))
    inner = mapping_slot(mapping_slot(9, 1 << 56 | 12), HOLDER)
    assert inner == keccak256(word + keccak256(number_slot(1 << 56 | 12) + number_slot(9)))


def test_each_layout_of_balances_is_another_slot() -> None:
    """And all of them are known by their names, the kit's own token's and USDC's first."""
    layouts = balance_layouts()
    assert layouts[:2] == ["solady", "mapping 9"]
    assert len({balance_slot(layout, HOLDER) for layout in layouts}) == len(layouts)
    assert None not in {balance_slot(layout, HOLDER) for layout in layouts}


@pytest.mark.parametrize(
    "layout",
    ["", "mapping", "mapping -1", "mapping 09", "mapping 60", "mapping 9 ", "Solady", "vyper x", "x 1"],
)
def test_no_other_layout_is_known(layout: str) -> None:
    """A file may not name a place of its own choice."""
    assert balance_slot(layout, HOLDER) is None


def test_openzeppelins_namespace_is_that_of_erc_7201() -> None:
    """keccak256(keccak256(name) - 1), its last byte cleared."""
    base = int.from_bytes(keccak256(b"openzeppelin.storage.ERC20"), "big") - 1
    namespace = int.from_bytes(keccak256(base.to_bytes(32, "big")), "big") & ~0xFF
    assert balance_slot("openzeppelin", HOLDER) == mapping_slot(namespace, HOLDER)
