from __future__ import annotations

import json

import pytest

from tests.differential.harness import CASES, Harness, chain
from tests.differential.lmsr import COMMITTED, RULES, Case, Finding, cases, measure, wrong_cases


@pytest.fixture(scope="module")
async def found() -> dict[str, Finding]:
    """Every function over all its cases."""
    async with chain() as anvil:
        return await measure(await Harness.deploy(anvil))


@pytest.mark.parametrize("function", RULES)
async def test_the_house_never_loses_by_rounding(found: dict[str, Finding], function: str) -> None:
    """Every answer is on the house's side of the exact value, and within the stated bound of it."""
    assert found[function].wrong == []


@pytest.mark.skipif(CASES != 10_000, reason="the committed figures are of ten thousand cases")
async def test_the_largest_errors_are_as_committed(found: dict[str, Finding]) -> None:
    """What the errors are now is what errors.json says; `python -m tests.differential.lmsr` writes it."""
    assert {name: one.figures for name, one in found.items()} == json.loads(COMMITTED.read_text())


@pytest.mark.parametrize("function", RULES)
def test_the_cases_hold_the_extremes(function: str) -> None:
    """The least and the largest liquidity, holding and trade are among the cases of each function."""
    columns = list(zip(*cases(function), strict=True))

    assert [(min(column), max(column)) for column in columns] == [
        (10**6, 2**80),
        (1, 2**84 - 1),
        (1, 2**84 - 1),
        (0, 2**84 - 1),
    ]


@pytest.mark.parametrize(
    ("function", "case", "exact"),
    [
        ("openingSharesUp", (10**18, 1, 1, 0), 693147180559945310),
        # 1 + ln(2 - 1/e) and -ln((1 + 1/e)/2), of b.
        ("sharesDown", (10**18, 10**18, 10**18, 10**18), 1489880125644749976),
        ("amountDown", (10**18, 10**18, 10**18, 10**18), 379885493041722475),
        ("price", (10**18, 10**18, 10**18, 0), 5 * 10**17),
    ],
)
def test_a_unit_on_the_wrong_side_is_found(function: str, case: Case, exact: int) -> None:
    """The comparison takes the rounded value, and refuses its neighbour against the house, or one far off."""
    against = -1 if function == "openingSharesUp" else 1
    off = 100 if RULES[function].sign == 0 else against

    assert wrong_cases(function, [case], [exact]) == []
    assert wrong_cases(function, [case], [exact + off]) == [case]
    assert wrong_cases(function, [case], [exact - against * 10**3]) == [case]
