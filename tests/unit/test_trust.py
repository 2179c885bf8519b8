"""The page of powers says what the tests hold, and the contracts run no code but their own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chain_kit import toolchain

ROOT = toolchain.root()
PAGES = ("trust.md", "contracts.md")
HOLDING = (
    *("EpochHub", "RaceMarket", "BoundaryOracle", "PayoutVault", "MrtCurve", "MrtToken", "LiquidityLock"),
    *("LpStaking", "SignedReportAdapter", "PythAdapter", "ChainlinkAdapter", "MarketFactory"),
)
FOREIGN = {0xF2: "CALLCODE", 0xF4: "DELEGATECALL", 0xFF: "SELFDESTRUCT"}
PUSH1, PUSH32 = 0x60, 0x7F
INVALID = 0xFE
ITS_OWN = {"EpochHub": {"DELEGATECALL"}, "RaceMarket": {"DELEGATECALL"}}
"""Several calls in one: OpenZeppelin's Multicall calls the contract itself, and nobody else."""
CODE_MAX = 24_576


def names_of_tests() -> set[str]:
    """The name of every test, Solidity's and Python's."""
    names: set[str] = set()
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix == ".sol":
            names |= set(
                re.findall(r"function ((?:test|invariant|check)\w*)\(", path.read_text(encoding="utf-8"))
            )
        elif path.suffix == ".py":
            names |= set(re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8")))
    return names


@pytest.mark.parametrize("page", PAGES)
def test_every_line_names_its_test(page: str) -> None:
    """What a page calls a test is one."""
    named = re.findall(r"`((?:test|testFuzz|invariant|check)_\w+)`", (ROOT / "docs" / page).read_text())
    assert named
    assert [name for name in named if name not in names_of_tests()] == []


def test_every_power_has_a_test() -> None:
    """Each row of the tables of powers ends with a test's name."""
    rows = re.findall(r"^\|(?! ---|---)(.*)\|$", (ROOT / "docs" / "trust.md").read_text(), re.MULTILINE)
    bare = [row for row in rows if not re.search(r"`\w+` *$", row) and not re.search(r"\btest *$", row)]
    assert bare == []


def opcodes(code: bytes) -> set[int]:
    """The instructions of a contract's code, without what they push and without the data behind them."""
    found, at = set(), 0
    while at < len(code) and code[at] != INVALID:
        found.add(code[at])
        at += 1 + (code[at] - PUSH1 + 1 if PUSH1 <= code[at] <= PUSH32 else 0)
    return found


def runtime_code(build: Path, contract: str) -> bytes:
    """What the compiler says will stand on chain."""
    artifact = json.loads((build / f"{contract}.sol" / f"{contract}.json").read_text())
    return bytes.fromhex(artifact["deployedBytecode"]["object"].removeprefix("0x"))


@pytest.mark.slow
@pytest.mark.parametrize("contract", HOLDING)
def test_no_contract_runs_foreign_code(contract: str, built_contracts: Path) -> None:
    """Nothing that holds or decides money delegates to other code, or can be destroyed."""
    found = opcodes(runtime_code(built_contracts, contract))
    assert {FOREIGN[op] for op in found & FOREIGN.keys()} == ITS_OWN.get(contract, set())


@pytest.mark.slow
@pytest.mark.parametrize("contract", [*HOLDING, "MarketFacade", "Timelock"])
def test_every_contract_fits(contract: str, built_contracts: Path) -> None:
    """Runtime code is within the 24,576 bytes of EIP-170, and the contracts page states its size."""
    size = len(runtime_code(built_contracts, contract))
    assert size <= CODE_MAX
    assert f"| {contract} | {size:,} |" in (ROOT / "docs" / "contracts.md").read_text()
