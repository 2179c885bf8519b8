from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.keepers import AccrualError, AccrualFile, FixedAccruals
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.units import format_units

ALICE, BOB = ANVIL_ADDRESSES[1:3]


def write(path: Path, *rows: str) -> None:
    """A file with these rows, in base units."""
    path.write_text("\n".join(["account,total_units", *rows]))


async def read(path: Path, text: str, decimals: int = 6) -> dict[str, int]:
    """The totals of a file with this text."""
    await asyncio.to_thread(path.write_text, text)
    return dict(await AccrualFile(path, decimals=decimals).totals())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the accruals are."""
    return tmp_path / "accruals.csv"


@pytest.mark.parametrize(
    "text",
    [
        f"account,total_units\n{ALICE},1500000\n{BOB},1\n",
        f"account,total_tokens\n{ALICE},1.5\n{BOB},0.000001\n",
        f"\ufeffname, total_tokens ,account\na,1.50, {ALICE.lower()}\n\nb,0.000001,{BOB}\n",
    ],
)
async def test_the_column_says_the_unit(path: Path, text: str) -> None:
    """Base units, or tokens of so many decimals; other columns and empty lines are passed over."""
    assert await read(path, text) == {ALICE: 1_500_000, BOB: 1}


async def test_a_total_of_nothing_is_not_owed_yet(path: Path) -> None:
    """The account is in no tree."""
    assert await read(path, f"account,total_units\n{ALICE},0\n{BOB},5\n") == {BOB: 5}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: its columns are none"),
        ("account,total\n", "line 1: its columns are account, total; give account, and one of"),
        ("account,total_units,total_tokens\n", "line 1: its columns are"),
        ("account,account,total_units\n", "line 1: its columns are"),
        (f"account,total_units\n{ALICE}\n", "line 2: the line has only 1 fields"),
        (f"account,total_units\n\n{ALICE},1.5\n", "line 3: total_units '1.5' has more than 0 digits"),
        (f"account,total_tokens\n{ALICE},1.0000001\n", "line 2: total_tokens '1.0000001' has more than 6"),
        (f"account,total_tokens\n{ALICE},1e3\n", "line 2: total_tokens '1e3' is not a decimal number"),
        (f"account,total_tokens\n{ALICE},\n", "line 2: total_tokens '' is not a decimal number"),
        (f"account,total_tokens\n{ALICE},NaN\n", "line 2: total_tokens 'NaN' is not a decimal number"),
        (f"account,total_units\n{ALICE},-1\n", "line 2: total_units is -1, it must be from 0"),
        (f"account,total_units\n{ALICE},{2**128}\n", "it must be from 0"),
        ("account,total_units\n0x12,1\n", "line 2: '0x12' is not an address"),
        (
            f"account,total_units\n{ALICE},1\n{BOB},1\n{ALICE.lower()},2\n",
            f"line 4: {ALICE} comes twice, in line 2 too",
        ),
        (f'account,total_units\n{ALICE},"1\n', "not a CSV text file"),
    ],
)
async def test_refuses_what_is_no_total_and_says_where(path: Path, text: str, reason: str) -> None:
    """The file, the line, the value."""
    with pytest.raises(AccrualError) as caught:
        await read(path, text)

    assert reason in caught.value.message
    assert str(path) in caught.value.message


async def test_says_when_there_is_no_file(path: Path) -> None:
    """Its name is in the message; a folder is none either."""
    with pytest.raises(AccrualError, match="no such file"):
        await AccrualFile(path, decimals=6).totals()
    with pytest.raises(AccrualError, match="cannot be read"):
        await AccrualFile(path.parent, decimals=6).totals()


async def test_knows_the_line_of_an_account(path: Path) -> None:
    """As it was last read; of one that is not in the file it knows the file."""
    write(path, f"{ALICE},1")
    file = AccrualFile(path, decimals=6)
    await file.totals()

    assert file.place(ALICE) == f"{path}, line 2"
    assert file.place(BOB) == str(path)


async def test_is_read_anew(path: Path) -> None:
    """A file that was moved into its place counts at the next round."""
    write(path, f"{ALICE},1")
    file = AccrualFile(path, decimals=6)
    await file.totals()
    write(path, f"{ALICE},2")

    assert await file.totals() == {ALICE: 2}


@given(
    st.dictionaries(st.integers(1, 2**160 - 1), st.integers(1, 2**128 - 1), max_size=9), st.integers(0, 18)
)
async def test_both_units_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, amounts: dict[int, int], decimals: int
) -> None:
    """No digit is lost between a decimal and its base units."""
    path = tmp_path_factory.mktemp("accruals") / "accruals.csv"
    rows = [(f"0x{account:040x}", units) for account, units in amounts.items()]
    units = "".join(f"{account},{units}\n" for account, units in rows)
    tokens = "".join(f"{account},{format_units(units, decimals)}\n" for account, units in rows)

    one = await read(path, "account,total_units\n" + units, decimals)
    other = await read(path, "account,total_tokens\n" + tokens, decimals)

    assert one == other
    assert sorted(one.values()) == sorted(amounts.values())


async def test_fixed_totals_are_what_they_are() -> None:
    """By checksummed account."""
    fixed = FixedAccruals({ALICE.lower(): 5})

    assert await fixed.totals() == {ALICE: 5}
    assert fixed.place(ALICE) == "the payouts"
