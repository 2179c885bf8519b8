from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from chain_kit.lmsr import amount_down, opening_shares_up, price_e18, shares_down
from tests.differential.harness import CASES, Harness, chain
from tests.differential.lmsr import Case, cases

PYTHON: dict[str, Callable[[Case], int]] = {
    "openingSharesUp": lambda case: opening_shares_up(case[0]),
    "sharesDown": lambda case: shares_down(*case),
    "amountDown": lambda case: amount_down(*case),
    "price": lambda case: price_e18(*case[:3]),
}


@pytest.fixture(scope="module")
async def harness() -> AsyncIterator[Harness]:
    """The contract's rule on a chain."""
    async with chain() as anvil:
        yield await Harness.deploy(anvil)


@pytest.mark.parametrize("function", PYTHON)
async def test_the_traders_rule_is_the_house_s_to_the_unit(harness: Harness, function: str) -> None:
    """What sizes a trade before it is sent answers what the contract then answers, extremes included."""
    chosen = cases(function, min(CASES, 3_000))

    assert [PYTHON[function](case) for case in chosen] == await harness.ask_all(function, chosen)
