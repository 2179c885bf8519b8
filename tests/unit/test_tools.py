from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _load_tool(name: str) -> ModuleType:
    """Tools are scripts, not a package."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module


coverage = _load_tool("coverage")
mutate = _load_tool("mutate")

LCOV = """\
TN:
SF:contracts/hub/EpochHub.sol
DA:10,3
DA:11,{hits}
BRDA:11,0,0,2
BRDA:11,0,1,{hits}
end_of_record
TN:
SF:contracts/testing/TestToken.sol
DA:1,0
end_of_record
TN:
SF:tests/contracts/support/Kit.sol
DA:1,0
end_of_record
"""
MUTANT: dict[str, Any] = {
    "file": "contracts/libraries/A.sol",
    "start": 4,
    "end": 7,
    "before": "a+b",
    "after": "a-b",
}


def test_all_reached(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the contracts count, without those for testing; all of them reached is enough."""
    file = tmp_path / "lcov"
    file.write_text(LCOV.format(hits=1))

    assert coverage.main([str(file)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["all", *(2 * ["2/2", "100.0", "%"])]


@pytest.mark.parametrize("hits", ["0", "-"])
def test_below_the_floor(tmp_path: Path, capsys: pytest.CaptureFixture[str], hits: str) -> None:
    """What was not reached is named, and below the floor the tool fails."""
    file = tmp_path / "lcov"
    file.write_text(LCOV.format(hits="0").replace("BRDA:11,0,1,0", f"BRDA:11,0,1,{hits}"))

    assert coverage.main([str(file)]) == 1
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "not reached: contracts/hub/EpochHub.sol, line 11",
        "not reached: contracts/hub/EpochHub.sol, a branch of line 11",
        "below the floor of 99 % of lines and 95 % of branches",
    ]


def test_no_contract_is_below_the_floor(tmp_path: Path) -> None:
    """A file that knows none of the contracts is no proof of coverage."""
    file = tmp_path / "lcov"
    file.write_text("TN:\nend_of_record\n")

    assert coverage.main([str(file)]) == 1


def test_a_mutant_is_made_in_its_place() -> None:
    """Offsets are bytes: what stands before may be more than ASCII."""
    assert mutate.patched("·: a+b;".encode(), MUTANT) == "·: a-b;".encode()


def test_the_place_of_a_part_is_the_statements() -> None:
    """A mutator that replaces a statement, but tells the place of a part of it, is put right."""
    source = b"a = 1; a = 1; b = 2;"
    mutant = {"start": 11, "end": 12, "before": "a = 1;", "after": "a = 0;"}

    assert mutate.placed(source, mutant) == {**mutant, "start": 7, "end": 13}
    assert mutate.placed(source, {**mutant, "start": 14}) is None
    assert mutate.placed(source, {**mutant, "before": "c = 3;"}) is None


def test_a_mutant_of_another_source_is_refused() -> None:
    """The source has changed since the mutants were found."""
    with pytest.raises(ValueError, match=r"contracts/libraries/A\.sol has changed at byte 4"):
        mutate.patched(b"x = b+a;", MUTANT)


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("contracts/libraries/LmsrMath.sol", "tests/contracts/{unit/libraries,fuzz}/LmsrMath.t.sol"),
        ("contracts/vault/PayoutVault.sol", "tests/contracts/{unit/vault,fuzz,attack}/**"),
        ("contracts/race/RaceMarket.sol", mutate.ANY_TEST),
    ],
)
def test_what_judges_a_file(file: str, tests: str) -> None:
    """A library's own tests; the tests of the folder; any test for a folder that is not known."""
    assert mutate.tests_of(file) == tests


@pytest.mark.parametrize(
    ("status", "output", "verdict"),
    [
        (0, "[PASS] test_A()", "survived"),
        (1, "[PASS] test_A()\n[FAIL: 1 != 2] test_B()", "killed"),
        (1, "Error: Compiler run failed", "invalid"),
    ],
)
def test_what_forge_says(status: int, output: str, verdict: str) -> None:
    """A failed test kills, a failed compilation makes invalid, all else has survived."""
    assert mutate.verdict(status, output) == verdict


def test_a_run_without_tests_judges_nothing() -> None:
    """Tests that do not run would let every mutant survive."""
    with pytest.raises(RuntimeError, match="no test ran"):
        mutate.verdict(0, "No tests found")
