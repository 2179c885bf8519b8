from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import PriceFileError, PriceMissingError
from chain_kit.prices import PriceSeries, parse_price_e18

E18 = 10**18
START = 1_641_600_000
"""Midnight UTC."""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a price file."""

    def write(text: str) -> Path:
        path = tmp_path / "prices.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def series(*timestamps: int) -> PriceSeries:
    """Prices at these times, each a different one."""
    return PriceSeries("prices.csv", {ts: (ts % 1000 + 1) * E18 for ts in timestamps})


class TestParsing:
    """Decimal text to 1e18 fixed point."""

    @pytest.mark.parametrize(
        ("text", "price_e18"),
        [
            ("46377.5", 463775 * 10**17),
            ("0.1", 10**17),
            ("1e-18", 1),
            ("1E+5", 10**23),
            (".5", 5 * 10**17),
            ("0.00005290", 5_290 * 10**10),
            ("46377.123456789012345678", 46_377_123_456_789_012_345_678),
            (7, 7 * E18),
            (Decimal("0.3"), 3 * 10**17),
        ],
    )
    def test_is_exact(self, text: str | int | Decimal, price_e18: int) -> None:
        """Every digit counts, and none is invented."""
        assert parse_price_e18(text) == price_e18

    @given(st.integers(1, 10**39))
    def test_brings_back_any_price(self, price_e18: int) -> None:
        """Written as a decimal with 18 places and read again it is the same."""
        assert parse_price_e18(f"{price_e18 // E18}.{price_e18 % E18:018d}") == price_e18

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("abc", "not a number"),
            ("", "not a number"),
            ("1,5", "not a number"),
            ("1_000", "not a number"),
            ("٣", "not a number"),
            ("0x10", "not a number"),
            ("NaN", "not a finite number"),
            ("inf", "not a finite number"),
            ("-Infinity", "not a finite number"),
            ("0", "not above zero"),
            ("-5", "not above zero"),
            ("1e-19", "more than 18 decimals"),
            ("1e40", "too large"),
            ("1e999999999", "too large"),
        ],
    )
    def test_refuses_what_is_no_price(self, text: str, reason: str) -> None:
        """Each for its own reason, with the value."""
        with pytest.raises(ValueError, match=f"{reason}"):
            parse_price_e18(text)


class TestFile:
    """Reading a CSV file."""

    def test_reads_ts_and_close_and_ignores_the_rest(self, write: Callable[[str], Path]) -> None:
        """In whatever order the columns come, with a byte order mark, blank lines and Windows line ends."""
        path = write("﻿open, close ,ts\r\n1,46377.5,1641600000\r\n\r\n2,46411.0,1641600060\r\n")

        prices = PriceSeries.from_csv(path)

        assert prices.price_e18(1_641_600_000) == 463_775 * 10**17
        assert prices.price_e18(1_641_600_060) == 46_411 * E18
        assert (prices.first, prices.last) == (1_641_600_000, 1_641_600_060)

    def test_has_a_price_at_its_own_seconds_only(self, write: Callable[[str], Path]) -> None:
        """Nothing is interpolated."""
        prices = PriceSeries.from_csv(write("ts,close\n300,1\n900,2\n"))

        assert prices.price_e18(600) is None
        assert prices.price_e18(301) is None

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "the file is empty"),
            ("ts,close\n", "the file holds no prices"),
            ("ts,open\n300,1\n", "line 1: no column 'close' among ts, open"),
            ("close,Ts\n300,1\n", "line 1: no column 'ts' among close, Ts"),
            ("ts,close\n300,1\n600,2\n300,1\n", "line 4: ts 300 comes after 600; sort the file by ts"),
            ("ts,close\n300,1\n300,1\n", "line 3: a second price for ts 300; keep one"),
            ("ts,close\nx,1\n", "line 2: ts 'x' is not a time in whole seconds"),
            ("ts,close\n300.5,1\n", "line 2: ts '300.5' is not a time in whole seconds"),
            ("ts,close\n-300,1\n", "line 2: ts '-300' is not a time in whole seconds"),
            ("ts,close\n300,abc\n", "line 2: close 'abc' is not a number"),
            ("ts,close\n300,1\n600,-2\n", "line 3: close '-2' is not above zero"),
            ("ts,close\n300,0\n", "line 2: close '0' is not above zero"),
            ("ts,close\n300,NaN\n", "line 2: close 'NaN' is not a finite number"),
            ("ts,close\n300,inf\n", "line 2: close 'inf' is not a finite number"),
            ("ts,close\n300,\n", "line 2: close '' is not a number"),
            ("ts,close\n300\n", "line 2: the line has only 1 fields"),
            ('ts,close\n300,"1\n', "not a CSV text file"),
        ],
    )
    def test_names_the_line_and_the_value_that_is_wrong(
        self, write: Callable[[str], Path], text: str, message: str
    ) -> None:
        """Exit code 2, with the path."""
        with pytest.raises(PriceFileError) as caught:
            PriceSeries.from_csv(write(text))

        assert message in caught.value.message
        assert "prices.csv" in caught.value.message
        assert caught.value.exit_code == 2

    def test_counts_lines_within_quoted_fields(self, write: Callable[[str], Path]) -> None:
        """The line is the one that an editor shows."""
        with pytest.raises(PriceFileError, match="line 4: close 'x'"):
            PriceSeries.from_csv(write('ts,note,close\n300,"two\nlines",1\n600,,x\n'))

    def test_says_when_there_is_none(self, tmp_path: Path) -> None:
        """The path is named."""
        with pytest.raises(PriceFileError, match=r"none\.csv: no such file"):
            PriceSeries.from_csv(tmp_path / "none.csv")

    def test_says_when_it_is_no_file_of_text(self, tmp_path: Path) -> None:
        """A folder, and bytes that are no UTF-8."""
        with pytest.raises(PriceFileError, match="cannot be read: Is a directory"):
            PriceSeries.from_csv(tmp_path)
        (tmp_path / "bytes.csv").write_bytes(b"ts,close\n300,\xff\xfe\n")
        with pytest.raises(PriceFileError, match="not a CSV text file"):
            PriceSeries.from_csv(tmp_path / "bytes.csv")


class TestCover:
    """Whether a file is long enough."""

    def test_the_first_start_is_the_first_boundary_with_a_price(self) -> None:
        """Minutes before it do not count."""
        assert series(540, 600, 660, 900, 1200).first_start(2) == 600

    def test_says_when_the_file_ends_early_and_how_far_it_reaches(self) -> None:
        """The last price, and how many epochs fit."""
        with pytest.raises(PriceMissingError) as caught:
            series(*range(600, 1801, 60)).first_start(12)

        assert "ends at 1800 (1970-01-01T00:30:00Z): 4 of 12 epochs from 600" in caught.value.message
        assert "--epochs" in caught.value.hint

    def test_says_when_it_begins_too_late(self) -> None:
        """A start before the first price."""
        with pytest.raises(PriceMissingError, match=r"starts at 600 .*, after 300"):
            series(600, 900, 1200).require(300, 1)

    def test_says_when_there_is_no_boundary(self) -> None:
        """Prices at odd seconds only."""
        with pytest.raises(PriceMissingError, match="no ts is a multiple of 300"):
            series(601, 661).first_start(1)

    def test_a_start_after_the_end_fits_nothing(self) -> None:
        """No negative number of epochs."""
        with pytest.raises(PriceMissingError, match="0 of 1 epochs"):
            series(600, 900).require(3000, 1)

    def test_allows_gaps(self) -> None:
        """A boundary without a price makes its epochs void: that is an outcome, not an error."""
        prices = series(600, 1200)

        prices.require(600, 2)
        assert prices.price_e18(900) is None
