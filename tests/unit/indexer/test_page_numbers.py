"""How the page shows decimal strings: the browser's own code, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.http import page

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")

SOURCE = (Path(page.__file__).with_name("static") / "js" / "decimal.js").read_text(encoding="utf-8")
SCRIPT = """
const source = process.argv[1];
const decimal = await import("data:text/javascript," + encodeURIComponent(source));
let text = "";
for await (const part of process.stdin) text += part;
const calls = JSON.parse(text);
console.log(JSON.stringify(calls.map(([name, ...given]) => decimal[name](...given))));
"""


def ask(*calls: Sequence[Any]) -> list[Any]:
    """What the page's functions return."""
    done = subprocess.run(
        [shutil.which("node") or "node", "--input-type=module", "-e", SCRIPT, SOURCE],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["0"], "0"),
        (["1234567.899"], "1,234,567.89"),
        (["-1234.5"], "−1,234.5"),
        (["12", 2, {"plus": True}], "+12"),
        (["12.5", 2, {"pad": True}], "12.50"),
        (["0.004"], "< 0.01"),
        (["-0.004"], "> −0.01"),
        (["0.44687", 4, {"near": True}], "0.4469"),
        (["-0.44687", 4, {"near": True}], "−0.4469"),
        (["100871.962026056366323677", 18], "100,871.962026056366323677"),
        (["9" * 15], "999,999,999,999,999"),
        (["1234" + "0" * 74], "1.234 × 10⁷⁷"),
        (["1e5"], "–"),
        ([None], "–"),
        (["<b>"], "–"),
    ],
)
def test_amounts_are_shown_for_people(given: list[Any], shown: str) -> None:
    """Grouped and cut towards zero; what is too small or too long is told; no number is a dash."""
    assert [shown] == ask(["show", *given])


@pytest.mark.parametrize(
    ("price", "shown"),
    [("42021", "42,021.00"), ("3.14159", "3.1415"), ("0.00001234", "0.00001234"), ("-349.75", "−349.75")],
)
def test_prices_have_digits_by_their_size(price: str, shown: str) -> None:
    """A coin of a thousandth of a cent is told apart from the next."""
    assert [shown] == ask(["showPrice", price])


def test_per_cent_is_cut_and_of_nothing_is_null() -> None:
    """A reserve one base unit short is not shown as whole."""
    calls: list[list[Any]] = [
        ["percent", "0.999999999999999999", "1"],
        ["percent", "1", "0"],
        ["percent", "-1", "3", 3],
    ]

    assert ["99.99", None, "-33.333"] == ask(*calls)


amounts = st.decimals(min_value=-(10**40), max_value=10**40, places=18, allow_nan=False).map(
    lambda value: format(value, "f")
)


@settings(max_examples=8)
@given(st.lists(st.lists(amounts, min_size=1, max_size=6), min_size=20, max_size=20))
def test_sums_and_differences_are_exact(cases: list[list[str]]) -> None:
    """However long the numbers are, all digits of a sum and a difference are right, and so is the sign."""
    answers = ask(
        *(["sum", case] for case in cases),
        *(["difference", case[0], case[-1]] for case in cases),
        *(["sign", case[0]] for case in cases),
    )
    count = len(cases)

    assert [sum(map(exactly, case)) for case in cases] == [exactly(text) for text in answers[:count]]
    assert [exactly(case[0]) - exactly(case[-1]) for case in cases] == [
        exactly(text) for text in answers[count : 2 * count]
    ]
    assert [(value > 0) - (value < 0) for value in (exactly(case[0]) for case in cases)] == answers[
        2 * count :
    ]


def exactly(text: str) -> int:
    """A decimal string of up to 18 places as a whole number."""
    whole, _, part = text.partition(".")
    return int(whole + part.ljust(18, "0"))


@settings(max_examples=8)
@given(
    st.lists(
        st.decimals(min_value=-(10**15) + 1, max_value=10**15 - 1, places=18, allow_nan=False),
        min_size=50,
        max_size=50,
    )
)
def test_what_is_shown_is_never_more_than_there_is(values: list[Decimal]) -> None:
    """Cut to two places, an amount differs from the exact one by less than one of the last place, inwards."""
    shown = ask(*(["show", format(value, "f"), 2] for value in values))
    for value, text in zip(values, shown, strict=True):
        if text[:1] in "<>":
            assert 0 < abs(value) < Decimal("0.01")
        else:
            cut = value.quantize(Decimal("0.01"), ROUND_DOWN)
            assert cut == Decimal(text.replace(",", "").replace("−", "-"))
