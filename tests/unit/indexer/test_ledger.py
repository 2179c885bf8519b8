from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.accounts import (
    CLAIMED,
    COLLATERAL,
    ROOT,
    Key,
    Stake,
    curve_asset,
    curve_tokens_asset,
    quotes_asset,
    token_asset,
)
from indexer.accounts_house import SWITCHES
from indexer.accounts_mrt import mrt_asset
from indexer.blocks import Log
from indexer.decode import Decoder, Event, Saying
from indexer.events import EVENTS, FillTransfer
from indexer.holdings import Holdings
from indexer.ledger import Book, keys_read
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of
from tests.index_support.world import Books, World


def _events(chain: FakeChain, last: int | None = None) -> list[Event]:
    until = chain.tip.number if last is None else last
    return Decoder(DEPLOYMENT).decode_all(chain.logs_between(0, until))


FORMS = {
    (form.emitter.address, form.name): form
    for forms in Decoder(DEPLOYMENT)._forms.values()
    for form in forms.values()
}
ADDRESSES = {form.emitter.label: form.emitter.address for form in FORMS.values()}


def _said(events: Iterable[Event]) -> list[Saying]:
    """What the ledger has to know of them."""
    return [
        Saying(event.log.position, FORMS[event.address, event.name], event.data)
        for event in events
        if event.data is not None and not isinstance(event.data, FillTransfer)
    ]


class _Entry(NamedTuple):
    block: int
    key: Key
    delta: int


def _book(events: Iterable[Event]) -> Book:
    book = Book(DEPLOYMENT.holders, Holdings())
    _add(book, events)
    return book


def _add(book: Book, events: Iterable[Event]) -> list[_Entry]:
    """Adds events, and says what they change of which keys."""
    changes, _ = book.add(_said(events))
    keys = {
        id(holding): Key(account, name)
        for name, asset in book.holdings.assets.items()
        for account, holding in asset.accounts.items()
    }
    return [_Entry(block, keys[id(holding)], delta) for block, holding, delta, _ in changes]


def _expected(books: Books) -> dict[Key, int]:
    """The model's own books under the ledger's names."""
    sums: dict[Key, int] = {Key("budget:1", COLLATERAL): books.budget}
    sums |= {Key(f"balance:{account}", COLLATERAL): n for account, n in books.balance.items()}
    sums |= {Key(f"pot:1:{epoch}", COLLATERAL): n for epoch, n in books.pot.items()}
    sums[Key("external", COLLATERAL)] = -books.liabilities()
    names = ("YES", "NO")
    for (account, epoch, side), amount in books.shares.items():
        sums[Key(account, Stake(1, epoch, names[side]).shares)] = amount
    for (account, epoch, side), amount in books.cost.items():
        sums[Key(account, Stake(1, epoch, names[side]).cost)] = amount
    for (account, epoch), amount in books.realized.items():
        sums[Key(account, f"realized:1:{epoch}")] = amount
    for (epoch, side), amount in books.house.items():
        account = "house-settled" if epoch in books.settled else "house"
        sums[Key(account, Stake(1, epoch, names[side]).shares)] = amount
    for (epoch, side), amount in books.retired.items():
        sums[Key(f"retired:{names[side]}", quotes_asset(1, epoch))] = amount
    for epoch, amount in books.sets.items():
        sums |= {Key("issued", Stake(1, epoch, name).shares): -amount for name in names}
    sums[Key(DEPLOYMENT.hub, token_asset(DEPLOYMENT.collateral.address))] = books.hub_tokens
    sums[Key(DEPLOYMENT.vault, token_asset(DEPLOYMENT.payout_token.address))] = books.vault_tokens
    sums[Key("active", ROOT)], sums[Key("pending", ROOT)] = books.active, books.pending or 0
    sums |= {Key(account, CLAIMED): n for account, n in books.claimed.items()}
    curve = {"raised": books.raised, "fees": books.fees, "pool": books.pooled}
    sums |= {Key(account, curve_asset("BTC")): amount for account, amount in curve.items()}
    sums |= {Key(account, curve_tokens_asset("BTC")): n for account, n in books.curve_tokens.items()}
    sums |= {Key(account, mrt_asset("BTC")): n for account, n in books.mrt.items()}
    return sums


@pytest.mark.parametrize("seed", range(8))
def test_sums_agree_with_a_model_of_the_contracts(seed: int) -> None:
    """Over random trading, every sum is what a model that keeps its own books says."""
    world = World(FakeChain(), seed)
    world.run(450)
    sums = _book(_events(world.chain)).holdings.sums()
    expected = _expected(world.books)
    assert {key: sums.get(key, 0) for key in expected} == expected
    assert sums.get(Key("fees", COLLATERAL), 0) == 0
    names = Counter(event.name for event in _events(world.chain))
    wanted = ("Redeemed", "OrderFilled", "FeesCharged", "HouseRetired", "Graduated")
    assert min(names[name] for name in wanted) > 0


# Few of everything, so that histories meet; zero and too much among the amounts.
ACCOUNTS = [address_of(name) for name in "abc"] + ["0x" + "0" * 40, DEPLOYMENT.hub]
SMALL = st.sampled_from([0, 1, 2, 3])
AMOUNTS = st.sampled_from([0, 1, 2, 7, 10**18, 2**256 - 1])
IDS = st.builds(lambda market, epoch, side: market << 64 | epoch << 8 | side, SMALL, SMALL, SMALL)


def _field(name: str, kind: type[Any]) -> st.SearchStrategy[Any]:
    if kind is str:
        return st.sampled_from(ACCOUNTS)
    if kind is bool:
        return st.booleans()
    if name in ("market_id", "epoch", "side"):
        return SMALL
    return IDS if name == "id" else AMOUNTS


@st.composite
def _any_event(draw: st.DrawFn) -> Event:
    """An event of any kind, whether or not the contracts could log it now."""
    (contract, name), kind = draw(st.sampled_from(sorted(EVENTS.items(), key=str)))
    data = kind(*(draw(_field(field, hint)) for field, hint in get_type_hints(kind).items()))
    label = {"MrtCurve": "MrtCurve:BTC", "TestToken": "token"}.get(contract, contract)
    log = Log(draw(st.integers(0, 9)), "0x", draw(st.integers(0, 9)), "0x", "0x", (), "0x")
    return Event(log, label, ADDRESSES[label], name, {}, data)


HISTORIES = st.lists(_any_event(), max_size=60)


@given(HISTORIES)
def test_nothing_is_made_and_nothing_is_lost(events: list[Event]) -> None:
    """After any history at all, the accounts of every asset add up to zero."""
    totals: defaultdict[str, int] = defaultdict(int)
    for key, amount in _book(events).holdings.sums().items():
        totals[key.asset] += amount
    assert set(totals.values()) <= {0}


@given(HISTORIES)
def test_entries_add_up_to_the_sums(events: list[Event]) -> None:
    """The state is the sum of the entries, of which none is zero and no two are of one block and key."""
    book = Book(DEPLOYMENT.holders, Holdings())
    sums: Counter[Key] = Counter()
    entries = _add(book, _in_blocks(events))
    assert len({(entry.block, entry.key) for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.delta != 0
        sums[entry.key] += entry.delta
    assert {key: amount for key, amount in sums.items() if amount} == {
        key: amount for key, amount in book.holdings.sums().items() if amount
    }


@given(HISTORIES)
def test_an_entry_is_all_that_a_block_changed(events: list[Event]) -> None:
    """Block by block, or all at once, or with every event in a block of its own, the sums are the same."""
    ordered = _in_blocks(events)
    whole = Book(DEPLOYMENT.holders, Holdings())
    expected = _add(whole, ordered)
    parts = Book(DEPLOYMENT.holders, Holdings())
    entries = [
        entry
        for number in range(10)
        for entry in _add(parts, [event for event in ordered if event.log.block_number == number])
    ]
    assert entries == expected
    assert parts.holdings.sums() == whole.holdings.sums()
    alone = [event._replace(log=event.log._replace(block_number=n)) for n, event in enumerate(ordered)]
    assert _nonzero(_book(alone)) == _nonzero(whole)


def _in_blocks(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.log.position)


def _nonzero(book: Book) -> dict[Key, int]:
    return {key: amount for key, amount in book.holdings.sums().items() if amount}


@given(HISTORIES, st.integers(0, 60))
def test_undo_is_the_same_as_never(events: list[Event], cut: int) -> None:
    """Taking the entries of the last events off the sums gives the sums of the first ones."""
    book = Book(DEPLOYMENT.holders, Holdings())
    _add(book, events[:cut])
    before = book.holdings.sums()
    undone = _add(book, events[cut:])
    after = Counter(book.holdings.sums())
    for entry in undone:
        after[entry.key] -= entry.delta
    assert {k: n for k, n in after.items() if n} == {k: n for k, n in before.items() if n}


@given(HISTORIES, st.randoms(use_true_random=False))
def test_money_and_shares_do_not_depend_on_the_order(events: list[Event], chance: Any) -> None:
    """In another order of events, everything but cost, profit, vault roots and switches come out alike."""
    shuffled = list(events)
    chance.shuffle(shuffled)
    ordered, other = (
        {key: n for key, n in _book(history).holdings.sums().items() if n and not _depends_on_order(key)}
        for history in (events, shuffled)
    )
    assert ordered == other


def _depends_on_order(key: Key) -> bool:
    return key.asset.startswith(("cost:", "realized:", "quotes:")) or key.asset in (ROOT, SWITCHES)


class _Named(Holdings):
    """Holdings of which only some may be asked for."""

    def __init__(self, named: dict[Key, int]) -> None:
        super().__init__()
        self.named = named

    def balance(self, account: str, asset: str) -> int:
        """Fails for a key that was not named."""
        return self.named[Key(account, asset)]


@given(HISTORIES)
def test_only_the_named_sums_are_read(events: list[Event]) -> None:
    """With nothing known but what `keys_read` names, the entries are the same."""
    full = Book(DEPLOYMENT.holders, Holdings())
    for event in events:
        named = {key: full.holdings.balance(*key) for key in keys_read(_said([event]))}
        entries = _add(Book(DEPLOYMENT.holders, _Named(named)), [event])
        assert _add(full, [event]) == entries


@settings(max_examples=50)
@given(st.integers(1, 10**30), st.lists(st.integers(1, 10**30), min_size=1, max_size=8))
def test_the_last_share_takes_the_rest_of_the_cost(paid: int, parts: list[int]) -> None:
    """However a position is sold off, its cost is used up exactly, and profit is proceeds less payments."""
    account = ACCOUNTS[0]
    values = [("Bought", (1, 1, account, 0, paid, 0, sum(parts), True))]
    values += [("Sold", (1, 1, account, 0, part, 0, part // 3, True)) for part in parts]
    events = [
        Event(
            Log(1, "0x", n, "0x", "0x", (), "0x"), "EpochHub", DEPLOYMENT.hub, name, {}, _typed(name, fields)
        )
        for n, (name, fields) in enumerate(values)
    ]
    sums = _book(events).holdings.sums()
    assert sums.get(Key(account, Stake(1, 1, "YES").cost), 0) == 0
    assert sums.get(Key(account, "realized:1:1"), 0) == sum(part // 3 for part in parts) - paid


def _sums_of(*values: tuple[str, tuple[Any, ...]]) -> dict[Key, int]:
    """The sums of some of the hub's events."""
    logs = [Log(1, "0x", n, "0x", "0x", (), "0x") for n in range(len(values))]
    hub = DEPLOYMENT.hub
    events = [
        Event(log, "EpochHub", hub, name, {}, _typed(name, fields))
        for log, (name, fields) in zip(logs, values, strict=True)
    ]
    return _nonzero(_book(events))


def test_a_match_is_entered_fill_by_fill() -> None:
    """A swap of 1,000 and a mint of 2,000: the pot has the sets, the operator the fees, costs their fees."""
    taker, seller, buyer, operator = (address_of(name) for name in ("taker", "seller", "buyer", "operator"))
    sums = _sums_of(
        ("OrderFilled", ("0x1", seller, 1, 7, 0, False, 1_000, 400, 3)),
        ("OrderFilled", ("0x2", buyer, 1, 7, 1, True, 2_000, 1_200, 5)),
        ("OrderFilled", ("0x3", taker, 1, 7, 0, True, 3_000, 1_200, 7)),
        ("FeesCharged", (operator, 15)),
    )
    collateral = {key.account: amount for key, amount in sums.items() if key.asset == COLLATERAL}
    yes, no = Stake(1, 7, "YES"), Stake(1, 7, "NO")

    assert collateral == {
        f"balance:{seller}": 397,
        f"balance:{buyer}": -1_205,
        f"balance:{taker}": -1_207,
        f"balance:{operator}": 15,
        "pot:1:7": 2_000,
    }
    assert (sums[Key("issued", yes.shares)], sums[Key("issued", no.shares)]) == (-2_000, -2_000)
    assert (sums[Key(taker, yes.cost)], sums[Key(buyer, no.cost)]) == (1_207, 1_205)
    assert sums[Key(seller, "realized:1:7")] == 397


def test_a_seller_realises_what_is_left_after_its_fee() -> None:
    """Of shares bought for 500, the fee included, a half sold for 300 less a fee of 10 is a profit of 40."""
    account = address_of("a")
    sums = _sums_of(
        ("OrderFilled", ("0x1", account, 1, 7, 1, True, 1_000, 490, 10)),
        ("OrderFilled", ("0x2", account, 1, 7, 1, False, 500, 300, 10)),
    )
    assert sums[Key(account, Stake(1, 7, "NO").cost)] == 250
    assert sums[Key(account, "realized:1:7")] == 40


def _typed(name: str, fields: tuple[Any, ...]) -> Any:
    return EVENTS["EpochHub", name](*fields)
