from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chain_kit.abi_codec import AbiEntry, load_abi
from chain_kit.clob.matching import MatchKind, crosses, fee_most, fill_of
from chain_kit.clob.orders import PRICE_TICK_E18, SIZE_LOT_UNITS, WAD, Side
from chain_kit.clob.settlement import ChainView, MakerPart, Match, OrderState, settled
from chain_kit.clob.signing import OrderDomain
from chain_kit.contracts import Contract
from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import MatchRefusedError
from tests.clob_support.orders import HUB, an_order, makers_and_takers

DOMAIN = OrderDomain(31337, HUB)
TAKER, MAKER, THIRD = dev_signer(1), dev_signer(2), dev_signer(3)
NOW = 1_700_000_000
LOT = SIZE_LOT_UNITS
SIGNERS = {signer.address: signer for signer in (TAKER, MAKER, THIRD)}


def a_match(*makers: dict[str, Any], fees: tuple[int, ...] = (), **taker: Any) -> Match:
    """A buyer of 10 lots of YES at 0.4 against sellers of 5 lots each at 0.4, made with changes."""
    changes = makers or ({},)
    charged = fees or (0,) * (len(changes) + 1)
    parts: list[MakerPart] = []
    for change, fee_units in zip(changes, charged[1:], strict=True):
        size_units = change.pop("fill", 5 * LOT)
        plain = {"maker": MAKER.address, "is_buy": False, "salt": len(parts) + 2}
        order = an_order(**(plain | change))
        parts.append(MakerPart(DOMAIN.sign(order, SIGNERS[order.maker]), size_units, fee_units))
    order = an_order(**({"maker": TAKER.address} | taker))
    return Match(DOMAIN.sign(order, SIGNERS[order.maker]), tuple(parts), charged[0])


def digest_of(match: Match, number: int | None = None) -> bytes:
    """The digest of the taker's order, or of the maker's of that number."""
    signed = match.taker if number is None else match.makers[number].signed
    return DOMAIN.digest(signed.order)


def test_a_match_does_what_its_fills_say() -> None:
    """A swap and a mint: who pays what, who gets which shares, what is minted, what the operator has."""
    match = a_match(
        {"fill": 3 * LOT},
        {
            "fill": 4 * LOT,
            "maker": THIRD.address,
            "side": Side.NO,
            "is_buy": True,
            "price_e18": 7 * WAD // 10,
        },
        fees=(12, 5, 7),
    )
    done = settled(match, DOMAIN, ChainView(NOW))

    assert (done.size_units, done.amount_units) == (7 * LOT, 1_200 + 1_200)
    assert (done.minted_units, done.merged_units, done.fees_units) == (4 * LOT, 0, 24)
    assert [fill.kind for fill in done.fills] == [MatchKind.COMPLEMENTARY, MatchKind.MINT]
    yes, no = match.taker.order.position_id, match.makers[1].signed.order.position_id
    assert done.collateral == {TAKER.address: -2_412, MAKER.address: 1_195, THIRD.address: -2_807}
    assert done.shares == {
        (TAKER.address, yes): 7_000,
        (MAKER.address, yes): -3_000,
        (THIRD.address, no): 4_000,
    }
    assert done.filled == {digest_of(match): 7_000, digest_of(match, 0): 3_000, digest_of(match, 1): 4_000}


@st.composite
def _matches(draw: st.DrawFn) -> tuple[Match, ChainView]:
    """Some makers' orders that cross a taker's, filled in part, with fees up to the cap."""
    taker, _ = draw(makers_and_takers())
    parts: list[MakerPart] = []
    left_units = taker.size_units
    for number in range(draw(st.integers(1, 5))):
        _, maker = draw(makers_and_takers())
        maker = replace(maker, salt=number + 2)
        most = min(left_units, maker.size_units) // LOT
        if crosses(taker, maker) is None or not most:
            continue
        size_units = draw(st.integers(1, most)) * LOT
        left_units -= size_units
        fill = fill_of(taker, maker, size_units)
        assert fill is not None
        fee_units = draw(st.integers(0, fee_most(maker, fill.maker_amount_units)))
        parts.append(MakerPart(DOMAIN.sign(maker, MAKER), size_units, fee_units))
    assume(parts)
    proven = {
        DOMAIN.digest(one): OrderState(proven=True) for one in (taker, *(p.signed.order for p in parts))
    }
    return Match(DOMAIN.sign(taker, TAKER), tuple(parts), 0), ChainView(NOW, orders=proven)


@given(_matches())
def test_nothing_is_made_and_nothing_is_lost(made: tuple[Match, ChainView]) -> None:
    """Collateral goes into sets and fees and nowhere else; shares of each side come and go with the sets."""
    match, view = made
    done = settled(match, DOMAIN, view)
    sets_units = done.minted_units - done.merged_units

    assert done.collateral.total() == -sets_units - done.fees_units
    for side in Side:
        changed = sum(units for (_, number), units in done.shares.items() if number & 0xFF == side)
        assert changed == sets_units
    assert not (done.minted_units and done.merged_units)


def _refused(match: Match, view: ChainView | None = None) -> MatchRefusedError:
    with pytest.raises(MatchRefusedError) as refused:
        settled(match, DOMAIN, view or ChainView(NOW))
    return refused.value


REFUSALS: dict[str, tuple[Match, ChainView | None, str]] = {
    "NoFills": (replace(a_match(), makers=()), None, "without makers' orders"),
    "EpochEnded": (a_match(), ChainView(NOW, ends_at=NOW), f"ended at {NOW}"),
    "SelfMatch": (a_match({"maker": TAKER.address}), None, f"{TAKER.address} made both"),
    "DifferentBooks": (a_match({"epoch": 8}), None, "market 1, epoch 8, the taker's for market 1, epoch 7"),
    "OrdersDoNotCross": (
        a_match({"price_e18": 401 * PRICE_TICK_E18}),
        None,
        "buy YES at 400000000000000000 does not cross sell YES at 401000000000000000",
    ),
    "PriceOffTick": (a_match({"price_e18": 1}), None, "price 1, not a multiple of 1000000000000000"),
    "SizeOffLot": (a_match({"fill": 1_500}), None, "1500 shares is not a multiple of 1000"),
    "OrderExpired": (a_match({"expiry": NOW - 1}), None, f"expired at {NOW - 1}, it is {NOW}"),
    "NonceTooLow": (
        a_match({"nonce": 6}),
        ChainView(NOW, nonce_floors={MAKER.address: 7}),
        "nonce 6, its maker has cancelled all below 7",
    ),
    "OrderOverfilled": (a_match({"fill": 11 * LOT}), None, "has 10000 shares left, not 11000"),
    "FeeAboveCap": (a_match({}, fees=(0, 21)), None, "charged 20, not 21"),
    "InsufficientCollateral": (
        a_match(),
        ChainView(NOW, collateral={TAKER.address: 1_999}),
        f"{TAKER.address} has 1999 of collateral on its internal balance, not 2000",
    ),
    "InsufficientShares": (a_match(), ChainView(NOW, shares={}), f"{MAKER.address} has 0 shares of position"),
    "InvalidSignature": (
        replace(a_match(), taker=replace(a_match().taker, signature=b"")),
        None,
        "bears no signature of its maker: it is none",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_a_sentence_and_the_contracts_error(name: str) -> None:
    """What the contract would revert with is named, and said with the values."""
    match, view, words = REFUSALS[name]
    refusal = _refused(match, view)
    assert refusal.error_name == name
    assert words in refusal.message
    assert name in {entry["name"] for entry in load_abi("EpochHub") if entry["type"] == "error"}


def test_a_cancelled_order_is_refused_from_that_second_on() -> None:
    """Not before: cancelling takes its time in trading mode."""
    match = a_match()
    digest = digest_of(match, 0)
    settled(match, DOMAIN, ChainView(NOW - 1, orders={digest: OrderState(cancelled_at=NOW)}))
    view = ChainView(NOW, orders={digest: OrderState(cancelled_at=NOW)})
    assert _refused(match, view).error_name == "OrderIsCancelled"


def test_what_is_filled_already_counts() -> None:
    """By the chain, and by earlier parts of the same match."""
    match = a_match()
    digest = digest_of(match, 0)
    settled(match, DOMAIN, ChainView(NOW, orders={digest: OrderState(filled_units=5 * LOT)}))
    over = ChainView(NOW, orders={digest: OrderState(filled_units=6 * LOT)})
    full = ChainView(NOW, orders={digest: OrderState(filled_units=10 * LOT)})
    twice = a_match({"fill": 6 * LOT, "salt": 2}, {"fill": 6 * LOT, "salt": 2}, size_units=20 * LOT)
    names = [_refused(match, over), _refused(match, full), _refused(twice)]
    assert [refusal.error_name for refusal in names] == [
        "OrderOverfilled",
        "OrderIsFilled",
        "OrderOverfilled",
    ]


def test_the_taker_is_checked_like_a_maker() -> None:
    """Its own time, size, fee and means, after those of the makers."""
    cases = {
        "OrderExpired": a_match(expiry=NOW - 1),
        "OrderOverfilled": a_match(size_units=4 * LOT),
        "FeeAboveCap": a_match({}, fees=(21, 0)),
        "PriceOffTick": a_match(price_e18=400 * PRICE_TICK_E18 + 1),
    }
    assert {name: _refused(match).error_name for name, match in cases.items()} == {
        name: name for name in cases
    }


def test_somebody_elses_signature_is_named() -> None:
    """The sentence says whose it is."""
    match = a_match()
    forged = replace(match, taker=DOMAIN.sign(match.taker.order, THIRD))
    assert f"it is that of {THIRD.address}" in _refused(forged).message


@pytest.mark.parametrize("known", ["registered", "contract"])
def test_a_signature_that_is_not_judged_here(known: str) -> None:
    """A registered order needs none; that of a contract is for the chain to judge."""
    match = a_match()
    unsigned = replace(match, taker=replace(match.taker, signature=b""))
    views = {
        "registered": ChainView(NOW, orders={digest_of(match): OrderState(proven=True)}),
        "contract": ChainView(NOW, contracts={TAKER.address}),
    }
    assert settled(unsigned, DOMAIN, views[known]).size_units == 5 * LOT


def test_what_a_buyer_has_just_been_paid_it_can_spend() -> None:
    """Balances are followed through the match: a maker that sells in one part buys in the next."""
    match = a_match(
        {"fill": 5 * LOT},
        {"fill": 3 * LOT, "side": Side.NO, "is_buy": True, "price_e18": 600 * PRICE_TICK_E18},
    )
    yes = match.taker.order.position_id
    held: dict[str, Any] = {"shares": {(MAKER.address, yes): 5 * LOT}}
    settled(match, DOMAIN, ChainView(NOW, collateral={TAKER.address: 3_200}, **held))
    more = replace(match, makers=(match.makers[0], replace(match.makers[1], size_units=5 * LOT)))
    refusal = _refused(more, ChainView(NOW, collateral={TAKER.address: 4_000}, **held))
    assert "has 2000 of collateral on its internal balance, not 3000" in refusal.message


def test_the_arguments_are_those_of_match_orders() -> None:
    """The contract's codec takes them, and gives the same values back."""
    match = a_match({}, {"maker": THIRD.address}, fees=(3, 2, 1))
    data = Contract("EpochHub", HUB).encode_call("matchOrders", *match.arguments())
    function = next(e for e in load_abi("EpochHub") if e.get("name") == "matchOrders")
    taker, fee_units, makers = AbiEntry.of(function).decode_inputs(data[4:])

    assert (taker, fee_units) == ((match.taker.order.as_struct(), match.taker.signature), 3)
    assert makers == tuple(
        (part.signed.order.as_struct(), part.signed.signature, part.size_units, part.fee_units)
        for part in match.makers
    )
