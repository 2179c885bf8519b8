"""Orders at random: any that the contract's struct can hold, and plausible ones that can meet."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from chain_kit.clob.orders import PRICE_TICK_E18, SIZE_LOT_UNITS, Order, Side
from chain_kit.units import checksum_address

__all__ = ["EXTREMES", "HUB", "an_order", "any_orders", "makers_and_takers", "random_order"]

HUB = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
EXTREMES = (0, 1, 2**8 - 1, 2**64 - 1, 2**128, 2**255, 2**256 - 1)
_NUMBERS = ("market_id", "epoch", "price_e18", "size_units", "fee_bps_max", "expiry", "nonce", "salt")

addresses = st.binary(min_size=20, max_size=20).map(lambda raw: checksum_address("0x" + raw.hex()))
uints = st.one_of(st.sampled_from(EXTREMES), st.integers(0, 2**256 - 1))
any_orders = st.builds(
    Order,
    maker=addresses,
    side=st.sampled_from(Side),
    is_buy=st.booleans(),
    **dict.fromkeys(_NUMBERS, uints),
)


def an_order(**changes: Any) -> Order:
    """A buy of 10,000 YES at 0.4, made with `changes`."""
    plain = Order(
        maker=checksum_address("0x" + "ab" * 20),
        market_id=1,
        epoch=7,
        side=Side.YES,
        is_buy=True,
        price_e18=400 * PRICE_TICK_E18,
        size_units=10 * SIZE_LOT_UNITS,
        fee_bps_max=100,
        expiry=2_000_000_000,
        nonce=0,
        salt=1,
    )
    return replace(plain, **changes)


def random_order(chance: random.Random) -> Order:
    """Any order, with extremes among its numbers; faster than hypothesis where there are thousands."""

    def number() -> int:
        return chance.choice(EXTREMES) if chance.random() < 0.3 else chance.getrandbits(256)

    return Order(
        maker=checksum_address("0x" + chance.choice((chance.randbytes(20), bytes(20), b"\xff" * 20)).hex()),
        side=chance.choice((Side.YES, Side.NO)),
        is_buy=chance.random() < 0.5,
        **{name: number() for name in _NUMBERS},
    )


@st.composite
def makers_and_takers(draw: st.DrawFn) -> tuple[Order, Order]:
    """Two orders of one epoch, with prices on the tick."""
    taker, maker = (
        an_order(
            maker="0x" + letter * 40,
            side=draw(st.sampled_from(Side)),
            is_buy=draw(st.booleans()),
            price_e18=draw(st.integers(1, 999)) * PRICE_TICK_E18,
            size_units=draw(st.integers(1, 10**15)) * SIZE_LOT_UNITS,
            fee_bps_max=draw(st.integers(0, 20_000)),
        )
        for letter in "ab"
    )
    return taker, maker
