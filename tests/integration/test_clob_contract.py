"""The off-chain order book against the contract: digests, arithmetic, and what is refused."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chain_kit import toolchain
from chain_kit.clob.matching import MatchKind
from chain_kit.clob.orders import PRICE_TICK_E18, SIZE_LOT_UNITS, Side, SignedOrder
from chain_kit.clob.settlement import MakerPart, Match, Settled, settled
from chain_kit.contracts import Question, call_many
from chain_kit.devnet import Anvil
from chain_kit.errors import MatchRefusedError
from chain_kit.units import checksum_address, keccak256
from tests.clob_support.live import OPERATOR, LiveBook
from tests.clob_support.orders import random_order
from tests.keeper_support.kit import START, UNIT, Kit, transact

pytestmark = pytest.mark.asyncio(loop_scope="module")

EPOCH = 3
SALTS = count(1)
ROOT = Path(__file__).resolve().parents[2]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def book() -> AsyncIterator[LiveBook]:
    """An epoch that is far from its end, of which every trader has shares."""
    async with Anvil(timestamp=START) as anvil:
        kit = await Kit.deploy(anvil)
        made = await LiveBook.open(anvil, kit, EPOCH)
        for account in made.accounts:
            await kit.send(account, kit.hub, "split", 1, EPOCH, 50 * UNIT)
        yield made


@pytest.mark.slow
async def test_ten_thousand_digests_are_the_contracts(book: LiveBook) -> None:
    """Random orders with extremes among them: each digest is what `hashOrder` says."""
    chance = random.Random(6909)
    orders = [random_order(chance) for _ in range(10_000)]
    asked: list[Question] = [(book.kit.hub, "hashOrder", (order.as_struct(),)) for order in orders]
    answers = await call_many(book.kit.anvil.rpc, asked)

    differing = [o for o, answer in zip(orders, answers, strict=True) if book.domain.digest(o) != answer[0]]
    assert differing == []


async def _settled(book: LiveBook, match: Match) -> Settled | str:
    try:
        return settled(match, book.domain, await book.view(match))
    except MatchRefusedError as refused:
        return refused.error_name


async def _settle_and_compare(book: LiveBook, match: Match, expected: Settled) -> None:
    """Sends the match; every balance, share, set and fill is then what was worked out before."""
    digests = list(expected.filled)
    asked: list[Question] = [(book.kit.hub, "orderState", (digest,)) for digest in digests]
    strangers = sorted(set(expected.collateral) - set(book.accounts))
    before, filled_before = await book.holdings(strangers), await call_many(book.kit.anvil.rpc, asked)
    await book.settle(match)
    after, filled_after = await book.holdings(strangers), await call_many(book.kit.anvil.rpc, asked)

    paid = Counter({account: expected.collateral[account] for account in before.collateral})
    paid[OPERATOR] += expected.fees_units
    assert {a: after.collateral[a] - n for a, n in before.collateral.items()} == paid
    moved = {p: after.shares[p] - n for p, n in before.shares.items()}
    assert moved == {position: expected.shares[position] for position in before.shares}
    assert after.sets - before.sets == expected.minted_units - expected.merged_units
    grown = [now[0] - then[0] for then, now in zip(filled_before, filled_after, strict=True)]
    assert grown == [expected.filled[digest] for digest in digests]


def _spoil_taker(match: Match, **changes: Any) -> Match:
    return replace(match, taker=replace(match.taker, order=replace(match.taker.order, **changes)))


def _spoil_maker(match: Match, book: LiveBook, **changes: Any) -> Match:
    first, *others = match.makers
    order = replace(first.signed.order, **changes)
    return replace(match, makers=(replace(first, signed=book.sign(order)), *others))


def _huge(match: Match, book: LiveBook) -> Match:
    """More than anybody has, of shares or of collateral."""
    (part, *others), size_units = match.makers, 10**24
    taker, maker = (
        book.sign(replace(signed.order, size_units=2 * size_units)) for signed in (match.taker, part.signed)
    )
    return replace(match, taker=taker, makers=(replace(part, signed=maker, size_units=size_units), *others))


def _faults(book: LiveBook, chance: random.Random) -> list[Callable[[Match], Match]]:
    """What can be wrong with a match, one thing each."""

    def part(match: Match, **changes: Any) -> Match:
        return replace(match, makers=(replace(match.makers[0], **changes), *match.makers[1:]))

    return [
        lambda m: replace(m, makers=()),
        lambda m: replace(m, taker_fee_units=10**24),
        lambda m: part(m, fee_units=m.makers[0].signed.order.size_units + 1),
        lambda m: part(m, size_units=m.makers[0].size_units + 1),
        lambda m: part(m, size_units=m.makers[0].signed.order.size_units + SIZE_LOT_UNITS),
        lambda m: part(m, size_units=0),
        lambda m: part(m, signed=SignedOrder(m.makers[0].signed.order, chance.randbytes(65))),
        lambda m: _spoil_maker(m, book, price_e18=chance.choice((0, 1, 10**18, 10**18 + PRICE_TICK_E18))),
        lambda m: _spoil_maker(m, book, price_e18=chance.randint(1, 999) * PRICE_TICK_E18),
        lambda m: _spoil_maker(m, book, expiry=chance.choice((0, START - 1))),
        lambda m: _spoil_maker(m, book, epoch=EPOCH + 1),
        lambda m: _spoil_maker(m, book, market_id=2),
        lambda m: _spoil_maker(m, book, maker=m.taker.order.maker),
        lambda m: _spoil_maker(m, book, is_buy=chance.random() < 0.5, side=chance.choice(list(Side))),
        lambda m: _spoil_maker(m, book, size_units=2**200 * SIZE_LOT_UNITS),
        lambda m: _huge(m, book),
        lambda m: _huge(m, book),
        lambda m: _spoil_taker(m, salt=0),
        lambda m: _spoil_taker(m, price_e18=m.taker.order.price_e18 + 1),
        lambda m: replace(m, makers=(*m.makers, m.makers[0])),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_contract_does_what_was_worked_out(book: LiveBook, seed: int) -> None:
    """Swaps, mints and merges with one to five makers, in part and in full, wrong ones among them.

    What is refused here the contract refuses with the same error; what is not has the same effect on it.
    """
    chance = random.Random(seed)
    kinds: Counter[MatchKind] = Counter()
    refused: Counter[str] = Counter()
    resting: list[MakerPart] = []
    for _ in range(90):
        match = book.crossing(chance, chance.randint(1, 5))
        if chance.random() < 0.5:
            match = chance.choice(_faults(book, chance))(match)
        elif resting and chance.random() < 0.5:
            match = _against(book, chance, chance.choice(resting))
        expected, would = await _settled(book, match), await book.would(match)
        if isinstance(expected, str):
            assert would == expected
            refused[expected] += 1
            continue
        assert would == (expected.size_units, expected.amount_units)
        await _settle_and_compare(book, match, expected)
        kinds.update(fill.kind for fill in expected.fills)
        resting += match.makers
    assert min(kinds[kind] for kind in MatchKind) > 5
    assert len(refused) > 9, refused
    assert {"InsufficientCollateral", "InsufficientShares"} <= refused.keys()


def _against(book: LiveBook, chance: random.Random, part: MakerPart) -> Match:
    """A taker for some more of an order that has been settled before."""
    maker = part.signed.order
    others = [account for account in book.accounts if account != maker.maker]
    taker = replace(
        maker,
        maker=chance.choice(others),
        is_buy=not maker.is_buy,
        salt=chance.getrandbits(256),
        expiry=2**40,
    )
    return Match(
        book.sign(taker), (replace(part, size_units=chance.randint(1, 5) * SIZE_LOT_UNITS, fee_units=0),)
    )


def _pair(book: LiveBook, seller: int = 1, **changes: Any) -> Match:
    """A buyer of a lot of YES and its seller, made with changes to the seller's order."""
    taker = book.order(book.accounts[0], salt=next(SALTS))
    maker = book.order(book.accounts[seller], is_buy=False, salt=next(SALTS), **changes)
    return Match(book.sign(taker), (MakerPart(book.sign(maker), SIZE_LOT_UNITS),))


async def test_a_cancelled_order_is_refused_alike(book: LiveBook) -> None:
    """By itself or by its nonce, each at once where the maker is not in trading mode."""
    one, low = _pair(book), _pair(book, seller=2, nonce=4)
    maker, order = book.accounts[1], one.makers[0].signed.order
    await book.kit.send(maker, book.kit.hub, "cancelOrder", order.as_struct())
    await book.kit.send(book.accounts[2], book.kit.hub, "cancelOrdersBelow", 5)

    assert [await _settled(book, one), await book.would(one)] == ["OrderIsCancelled"] * 2
    assert [await _settled(book, low), await book.would(low)] == ["NonceTooLow"] * 2
    allowed = _pair(book, seller=2, nonce=5)
    assert await book.would(allowed) == (SIZE_LOT_UNITS, SIZE_LOT_UNITS // 2)


async def test_in_trading_mode_a_cancellation_takes_its_time(book: LiveBook) -> None:
    """Until then the order is settled, here as there."""
    match, maker = _pair(book, seller=3), book.accounts[3]
    await book.kit.send(maker, book.kit.hub, "enterTradingMode")
    await book.kit.send(maker, book.kit.hub, "cancelOrder", match.makers[0].signed.order.as_struct())
    await _settle_and_compare(book, match, settled(match, book.domain, await book.view(match)))
    await book.kit.move_to(await book.kit.anvil.timestamp() + 60)

    assert [await _settled(book, match), await book.would(match)] == ["OrderIsCancelled"] * 2


def _wallet_code() -> str:
    """Creation code of the Solidity tests' ERC-1271 double."""
    source = ROOT / "tests" / "contracts" / "doubles" / "SmartWallet.sol"
    document = {
        "language": "Solidity",
        "sources": {"SmartWallet.sol": {"content": source.read_text()}},
        "settings": {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
    }
    done = subprocess.run(
        [ROOT / "tools" / "solc.cjs", "--standard-json"],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        check=True,
        env=toolchain.environment(),
    )
    made = json.loads(done.stdout)["contracts"]["SmartWallet.sol"]["SmartWallet"]
    return "0x" + str(made["evm"]["bytecode"]["object"])


async def _wallet(book: LiveBook) -> str:
    """An ERC-1271 account with collateral."""
    receipt = await transact(book.kit.anvil, {"from": OPERATOR, "data": _wallet_code()})
    wallet = str(receipt["contractAddress"])
    await book.kit.send(book.accounts[3], book.kit.hub, "deposit", wallet, UNIT)
    return checksum_address(wallet)


async def test_a_registered_order_of_a_contract_is_settled(book: LiveBook) -> None:
    """The wallet answers for its order once; from then on no signature is asked for."""
    wallet = await _wallet(book)
    seller = book.order(book.accounts[1], is_buy=False, salt=71)
    buyer = SignedOrder(book.order(wallet, salt=72))
    match = Match(buyer, (MakerPart(book.sign(seller), 5 * SIZE_LOT_UNITS, 3),), 4)
    digest = book.domain.digest(buyer.order)
    assert [await _settled(book, match), await book.would(match)] == ["InvalidSignature"] * 2

    approve = keccak256(b"approve(bytes32)")[:4] + digest
    await transact(book.kit.anvil, {"from": OPERATOR, "to": wallet, "data": "0x" + approve.hex()})
    judged = settled(match, book.domain, await book.view(match, contracts=[wallet]))
    assert await book.would(match) == (judged.size_units, judged.amount_units)

    await book.kit.send(OPERATOR, book.kit.hub, "registerOrder", buyer.order.as_struct(), b"")
    expected = settled(match, book.domain, await book.view(match))
    await _settle_and_compare(book, match, expected)
    assert expected.collateral[wallet] == -(5 * SIZE_LOT_UNITS // 2 + 4)


async def test_an_ended_epoch_is_refused_alike(book: LiveBook) -> None:
    """From the epoch's last second on, here as there; the last test, as it moves the clock."""
    match = _pair(book)
    await book.kit.move_to(book.kit.genesis + EPOCH * 300)
    assert [await _settled(book, match), await book.would(match)] == ["EpochEnded"] * 2
