from __future__ import annotations

from datetime import datetime
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import BadAddressError, BadAmountError
from chain_kit.units import checksum_address, format_units, iso_utc, keccak256, parse_units

# EIP-55's own examples.
CHECKSUMMED = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
]
AMOUNTS = st.integers(min_value=-(2**256), max_value=2**256)
DECIMALS = st.integers(min_value=0, max_value=36)


@pytest.mark.parametrize(
    ("amount_units", "decimals", "text"),
    [
        (0, 18, "0"),
        (1, 18, "0.000000000000000001"),
        (1_500_000, 6, "1.5"),
        (-1_500_000, 6, "-1.5"),
        (-1, 2, "-0.01"),
        (10, 0, "10"),
        (2**256 - 1, 18, "115792089237316195423570985008687907853269984665640564039457.584007913129639935"),
    ],
)
def test_format_units_is_exact_and_short(amount_units: int, decimals: int, text: str) -> None:
    """No digit is lost, and no zero is written that says nothing."""
    assert text == format_units(amount_units, decimals)


@given(AMOUNTS, DECIMALS)
def test_what_is_formatted_parses_back(amount_units: int, decimals: int) -> None:
    """`parse_units` is the inverse of `format_units` for every amount that a token can have."""
    assert amount_units == parse_units(format_units(amount_units, decimals), decimals)


@given(AMOUNTS, DECIMALS)
def test_format_units_equals_decimal_arithmetic(amount_units: int, decimals: int) -> None:
    """The string is the number that exact decimal division gives."""
    with localcontext() as context:
        context.prec = 200
        assert Decimal(amount_units) / 10**decimals == Decimal(format_units(amount_units, decimals))


@pytest.mark.parametrize(
    ("text", "amount_units"),
    [("1", 10**6), ("+1.50", 1_500_000), ("1.", 10**6), ("-0.000001", -1), ("007", 7_000_000)],
)
def test_parse_units_reads_plain_decimals(text: str, amount_units: int) -> None:
    """A sign, leading zeros and trailing zeros are understood."""
    assert amount_units == parse_units(text, 6)


@pytest.mark.parametrize(
    "text", ["", ".5", "1e6", "1,5", "1_000", "NaN", "inf", "0x10", " 1", "1 ", "--1", "1.2.3", "١"]
)
def test_parse_units_refuses_anything_else(text: str) -> None:
    """What is not a plain decimal number is refused, and the message shows it."""
    with pytest.raises(BadAmountError) as caught:
        parse_units(text, 6)

    assert repr(text) in caught.value.message


def test_parse_units_never_rounds() -> None:
    """More digits than the token has are an error, unless they are zeros."""
    assert parse_units("1.1234560", 6) == 1_123_456
    with pytest.raises(BadAmountError, match="more than 6 digits"):
        parse_units("1.1234561", 6)


def test_parse_units_refuses_absurd_lengths_at_once() -> None:
    """A text of a million digits is refused without being converted."""
    with pytest.raises(BadAmountError):
        parse_units("9" * 1_000_000, 18)


@pytest.mark.parametrize("address", CHECKSUMMED)
def test_checksum_address_takes_every_plain_form(address: str) -> None:
    """Lower case, upper case and the right checksum all give the checksummed form."""
    upper = "0x" + address[2:].upper()

    assert [address] * 3 == [checksum_address(form) for form in (address, address.lower(), upper)]


def test_wrong_checksum_is_refused() -> None:
    """One letter in the wrong case is taken for a typing error."""
    with pytest.raises(BadAddressError, match="wrong checksum"):
        checksum_address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed")


@pytest.mark.parametrize(
    "value", ["", "0x", "0x12", CHECKSUMMED[0][2:], CHECKSUMMED[0] + "0", "0x" + "g" * 40, None, 5]
)
def test_what_is_no_address_is_refused(value: str) -> None:
    """Anything but 0x and 40 digits is refused, whatever its type, and the message shows it."""
    with pytest.raises(BadAddressError) as caught:
        checksum_address(value)

    assert repr(value) in caught.value.message


@given(st.integers(min_value=0, max_value=2**160 - 1))
def test_checksum_address_is_idempotent(number: int) -> None:
    """A checksummed address is its own checksummed form, and still the same number."""
    address = checksum_address(f"0x{number:040x}")

    assert address == checksum_address(address)
    assert number == int(address, 16)


def test_keccak256_is_ethereums_hash() -> None:
    """It is Keccak and not the later SHA3: the hash of nothing is the well-known one."""
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@given(st.integers(min_value=0, max_value=2**33))
def test_iso_utc_is_the_same_instant(timestamp: int) -> None:
    """The text is ISO 8601 in UTC, to the second, and reads back as the same instant."""
    text = iso_utc(timestamp)

    assert text.endswith("Z")
    assert timestamp == datetime.fromisoformat(text).timestamp()
