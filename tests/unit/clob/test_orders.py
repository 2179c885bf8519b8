from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.abi_codec import load_abi
from chain_kit.clob.orders import ORDER_FIELDS, PRICE_TICK_E18, SIZE_LOT_UNITS, WAD, Order, Side, SignedOrder
from chain_kit.contracts import Contract
from chain_kit.errors import OrderInvalidError
from tests.clob_support.orders import HUB, an_order, any_orders

NUMBERS = [field.name for field in fields(Order) if field.name not in ("maker", "side", "is_buy")]


def test_the_struct_is_the_contracts() -> None:
    """Names and types, in order, are those of the ABI, and an order's own fields follow them."""
    function = next(e for e in load_abi("EpochHub") if e.get("name") == "hashOrder")
    components = function["inputs"][0]["components"]

    assert tuple((item["name"], item["type"]) for item in components) == ORDER_FIELDS
    assert len(fields(Order)) == len(ORDER_FIELDS)


@given(any_orders)
def test_the_codec_takes_any_order(order: Order) -> None:
    """What an order can hold, the contract's arguments can."""
    data = Contract("EpochHub", HUB).encode_call("hashOrder", order.as_struct())

    assert len(data) == 4 + 32 * len(ORDER_FIELDS)
    assert int.from_bytes(data[-32:], "big") == order.salt


@given(any_orders, st.binary(max_size=100))
def test_the_wire_form_gives_the_same_order_back(order: Order, signature: bytes) -> None:
    """JSON there and back, of the order and of the signed one."""
    signed = SignedOrder(order, signature)

    assert Order.from_json(order.to_json()) == order
    assert SignedOrder.from_json(signed.to_json()) == signed


def test_the_wire_form_is_readable() -> None:
    """Decimal strings, a checksummed maker, the side by its name; fields in the order of the struct."""
    order = an_order(maker="0x" + "ab" * 20, side=Side.NO, salt=2**256 - 1)

    assert list(order.to_json().items()) == [
        ("maker", "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"),
        ("market_id", "1"),
        ("epoch", "7"),
        ("side", "NO"),
        ("is_buy", True),
        ("price_e18", "400000000000000000"),
        ("size_units", "10000"),
        ("fee_bps_max", "100"),
        ("expiry", "2000000000"),
        ("nonce", "0"),
        ("salt", str(2**256 - 1)),
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("maker", "0x12"),
        ("maker", "0xaBaBaBaBABabABabAbAbABAbABabababaBaBABaB"),
        ("maker", None),
        ("side", "MAYBE"),
        ("side", 0),
        ("side", ""),
        ("is_buy", "true"),
        ("is_buy", 1),
        ("price_e18", 400),
        ("price_e18", "0.4"),
        ("size_units", "-1"),
        ("nonce", "1e3"),
        ("nonce", ""),
        ("salt", str(2**256)),
        ("expiry", None),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any) -> None:
    """What is no order is refused with the name of the field, and a hint."""
    with pytest.raises(OrderInvalidError, match=field) as refused:
        Order.from_json(an_order().to_json() | {field: value})
    assert refused.value.hint


@pytest.mark.parametrize("field", [field.name for field in fields(Order)])
def test_a_missing_field_is_named(field: str) -> None:
    """Every field must be there."""
    data = an_order().to_json()
    del data[field]
    with pytest.raises(OrderInvalidError, match=f"{field} is missing"):
        Order.from_json(data)


def test_a_field_too_many_is_named() -> None:
    """What the maker did not sign is not passed over."""
    with pytest.raises(OrderInvalidError, match="price is no field"):
        Order.from_json(an_order().to_json() | {"price": "1"})


@pytest.mark.parametrize("data", [None, [], "order", 7, {"order": {}}, {"signature": "0x"}])
def test_what_is_no_signed_order_is_refused(data: Any) -> None:
    """Anything may come in from outside."""
    with pytest.raises(OrderInvalidError):
        SignedOrder.from_json(data)
    with pytest.raises(OrderInvalidError):
        Order.from_json(data)


@pytest.mark.parametrize("signature", [None, "", "0x1", "0xzz", "1234", 7])
def test_a_signature_must_be_hexadecimal(signature: Any) -> None:
    """Whole bytes, after 0x."""
    with pytest.raises(OrderInvalidError, match="signature"):
        SignedOrder.from_json({"order": an_order().to_json(), "signature": signature})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1, 2**256, "1", 1.0, True, None])
def test_what_the_struct_cannot_hold_is_no_order(name: str, value: Any) -> None:
    """A number must be a uint256."""
    with pytest.raises(OrderInvalidError, match=name):
        an_order(**{name: value})


@pytest.mark.parametrize(("name", "value"), [("maker", "0x12"), ("maker", 7), ("side", 2), ("side", "YES")])
def test_maker_and_side_are_checked(name: str, value: Any) -> None:
    """An address, and one of the two sides."""
    with pytest.raises(OrderInvalidError, match=name):
        an_order(**{name: value})


def test_a_maker_is_checksummed() -> None:
    """However it was written, so that equal makers are equal strings."""
    assert an_order(maker="0x" + "ab" * 20) == an_order(maker="0x" + "AB" * 20)


@given(st.integers(1, 999), st.integers(1, 2**200))
def test_whole_ticks_and_lots_can_be_settled(ticks: int, lots: int) -> None:
    """Any price on the tick between 0 and 1, any size of whole lots."""
    order = an_order(price_e18=ticks * PRICE_TICK_E18, size_units=lots * SIZE_LOT_UNITS)
    order.check()
    assert (order.price_e18 * order.size_units) % WAD == 0


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("price_e18", 0, "price 0 is off the tick"),
        ("price_e18", WAD, "off the tick"),
        ("price_e18", WAD + PRICE_TICK_E18, "off the tick"),
        ("price_e18", PRICE_TICK_E18 - 1, "off the tick"),
        ("price_e18", 500 * PRICE_TICK_E18 + 1, "off the tick"),
        ("size_units", 0, "size 0 is off the lot"),
        ("size_units", 999, "size 999 is off the lot"),
        ("size_units", 1001, "off the lot"),
        ("market_id", 0, "market 0"),
        ("epoch", 0, "epoch 0"),
    ],
)
def test_what_could_never_be_settled_is_refused(field: str, value: int, words: str) -> None:
    """The sentence has the value, the hint says what would do."""
    order = replace(an_order(), **{field: value})  # type: ignore[arg-type]
    with pytest.raises(OrderInvalidError, match=words) as refused:
        order.check()
    assert refused.value.hint != OrderInvalidError.default_hint


def test_the_position_is_that_of_erc_6909() -> None:
    """Market, epoch and side, packed as the hub packs them."""
    assert an_order(market_id=3, epoch=5, side=Side.NO).position_id == 3 << 64 | 5 << 8 | 1
