"""Hanson's rule in sixty digits, from its definition, and random cases of it, extremes included.

    python -m tests.differential.lmsr      measures and writes errors.json

A house with `own` and `other` shares of the two sides keeps e^(-own/b) + e^(-other/b) where it is. Everything
is told in base units as mpmath numbers; differences of exponentials are taken by expm1 and log1p, never by
cancelling.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mpmath import exp, expm1, log, log1p, mp, mpf

from tests.differential.harness import CASES, SEED, Harness, chain

Case = tuple[int, int, int, int]
"""b, own, other, and the amount or shares given."""

COMMITTED = Path(__file__).with_name("errors.json")
B_MIN, B_MAX = 10**6, 2**80
HOLDING_MAX = 2**84 - 1
mp.dps = 60
ULP = mpf(10) ** -18
# Sixty digits are not all of them: what is below a billionth of a base unit is not seen.
UNSEEN = mpf(10) ** -9


def opening_shares(case: Case) -> Any:
    """b·ln 2."""
    return case[0] * log(mpf(2))


def _terms(case: Case) -> tuple[Any, Any]:
    """e^(-own/b) and e^(-other/b), both divided by the larger."""
    b, own, other, _ = case
    least = min(own, other)
    return exp(-mpf(own - least) / b), exp(-mpf(other - least) / b)


def shares(case: Case) -> Any:
    """What the amount buys: all of `own` and of the amount, but for what keeps the sum where it is."""
    b, own, other, given = case
    kept = min(own, other) - b * log(_left(case))
    return own + given - max(kept, mpf(0)) if given else mpf(0)


def _left(case: Case) -> Any:
    """The larger term's share of the sum that a buy leaves to the side bought."""
    own_term, other_term = _terms(case)
    return own_term - other_term * expm1(-mpf(case[3]) / case[0])


def amount(case: Case) -> Any:
    """What the house pays for the shares."""
    b, _, _, given = case
    own_term, other_term = _terms(case)
    fall = own_term * expm1(-mpf(given) / b) / (own_term + other_term)
    return -b * (log1p(fall) if fall > -0.5 else log(_part_left(case)))


def _part_left(case: Case) -> Any:
    """What a sale leaves of the sum, as a part of it."""
    own_term, other_term = _terms(case)
    return (own_term * exp(-mpf(case[3]) / case[0]) + other_term) / (own_term + other_term)


def price(case: Case) -> Any:
    """The price of a share of the `own` side, in units of 1e-18."""
    own_term, other_term = _terms(case)
    return own_term / (own_term + other_term) / ULP


def _opening_bound(case: Case) -> Any:
    return case[0] * ULP + 1


def _shares_bound(case: Case) -> Any:
    """Twelve units of the last place in what is left, two in its logarithm, and roundings of whole units."""
    return _log_bound(case[0], _left(case))


def _amount_bound(case: Case) -> Any:
    """The same of the part of the sum that is left."""
    return _log_bound(case[0], _part_left(case))


def _log_bound(b: int, part: Any) -> Any:
    lost = 12 * ULP / part
    return mpf("inf") if lost >= 1 else -b * log1p(-lost) + 4 * b * ULP + 2


def _price_bound(_: Case) -> Any:
    return mpf(4)


@dataclass(frozen=True)
class Rule:
    """What a function should answer: the exact value, and on which side of it, and how far off, it may be."""

    exact: Callable[[Case], Any]
    bound: Callable[[Case], Any]
    sign: int
    """1 if the answer must not be below the exact value, -1 if not above it, 0 if it may be either."""


RULES = {
    "openingSharesUp": Rule(opening_shares, _opening_bound, 1),
    "sharesDown": Rule(shares, _shares_bound, -1),
    "amountDown": Rule(amount, _amount_bound, -1),
    "price": Rule(price, _price_bound, 0),
}


def cases(function: str, count: int = CASES) -> list[Case]:
    """`count` cases of a function: every combination of extremes first, then random ones of three kinds."""
    source = random.Random(f"{SEED} {function}")
    found = list(_extremes())[:count]
    kinds = (_any, _ordinary, _lopsided)
    found += [kinds[index % 3](source) for index in range(count - len(found))]
    return found


def ordinary(case: Case) -> bool:
    """Whether holdings and trade are what a working house sees: a tenth of b to eight times b."""
    b = case[0]
    return all(b <= 10 * value and value <= 8 * b for value in case[1:])


def _extremes() -> Iterator[Case]:
    holdings = (1, HOLDING_MAX // 2, HOLDING_MAX)
    for b in (B_MIN, 10**18, B_MAX):
        opening = -(-b * 693147180559945310 // 10**18)
        edge = 42 * b
        for own in (*holdings, opening):
            for other in (*holdings, opening, min(own + edge, HOLDING_MAX)):
                yield from ((b, own, other, given) for given in (0, 1, b, HOLDING_MAX))


def _spread(source: random.Random, least: int, most: int) -> int:
    """A number whose size in digits, too, is spread evenly."""
    return min(most, max(least, int(least * math.exp(source.random() * math.log(most / least)))))


def _any(source: random.Random) -> Case:
    own, other, given = (_spread(source, 1, HOLDING_MAX) for _ in range(3))
    return _spread(source, B_MIN, B_MAX), own, other, given


def _ordinary(source: random.Random) -> Case:
    b = _spread(source, B_MIN, B_MAX)
    own, other, given = (source.randint(-(-b // 10), 8 * b) for _ in range(3))
    return b, own, other, given


def _lopsided(source: random.Random) -> Case:
    """Holdings up to fifty b apart, where the smaller term goes under in eighteen digits."""
    b = _spread(source, B_MIN, B_MAX // 64)
    near = source.randint(1, 2 * b)
    own, other = source.sample((near, near + source.randint(0, 50 * b)), 2)
    return b, own, other, _spread(source, 1, 50 * b)


@dataclass(frozen=True)
class Finding:
    """What a comparison has found: the cases on the wrong side or too far off, and the largest errors."""

    wrong: list[Case]
    figures: dict[str, str | int]


def wrong_cases(function: str, given: Sequence[Case], answers: Sequence[int]) -> list[Case]:
    """The cases whose answer is on the wrong side of the exact value, or beyond the bound."""
    rule = RULES[function]
    wrong: list[Case] = []
    for case, answer in zip(given, answers, strict=True):
        error = answer - rule.exact(case)
        if abs(error) > rule.bound(case) or error * rule.sign < -UNSEEN:
            wrong.append(case)
    return wrong


def largest_errors(function: str, given: Sequence[Case], answers: Sequence[int]) -> dict[str, str | int]:
    """The figures that are committed; what goes under in eighteen digits has no bound and is counted only."""
    rule = RULES[function]
    errors = [(case, abs(answer - rule.exact(case))) for case, answer in zip(given, answers, strict=True)]
    bounded = [(case, error) for case, error in errors if rule.bound(case) < mp.inf]
    usual = [(case, error) for case, error in bounded if ordinary(case)]
    unit = "1e-18" if function == "price" else "base units"
    figures = {
        f"largest error, {unit}": max(error for _, error in bounded),
        f"largest error of an ordinary trade, {unit}": max(error for _, error in usual),
        "largest part of the bound": max(error / rule.bound(case) for case, error in bounded),
    }
    if function != "price":
        beyond = max(max(error - 1, mpf(0)) / case[0] / ULP for case, error in usual)
        figures["largest error of an ordinary trade beyond one unit, 1e-18 of b"] = beyond
    shown = {name: mp.nstr(figure, 6) for name, figure in figures.items()}
    return {"cases": len(given), "below eighteen digits": len(given) - len(bounded), **shown}


async def measure(harness: Harness) -> dict[str, Finding]:
    """All functions over all their cases."""
    found = {}
    for name in RULES:
        given = cases(name)
        answers = await harness.ask_all(name, given)
        found[name] = Finding(wrong_cases(name, given, answers), largest_errors(name, given, answers))
    return found


async def _write() -> None:
    async with chain() as anvil:
        found = await measure(await Harness.deploy(anvil))
    figures = {name: finding.figures for name, finding in found.items()}
    text = json.dumps(figures, indent=2, ensure_ascii=False)
    COMMITTED.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201
    for name, finding in found.items():
        print(f"{name}: {len(finding.wrong)} wrong", *finding.wrong[:5])  # noqa: T201


if __name__ == "__main__":
    asyncio.run(_write())
