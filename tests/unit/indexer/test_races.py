from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import pytest

from chain_kit.cli.keeper_claims import IndexedClaims
from chain_kit.errors import BadAddressError, UnknownMarketError
from chain_kit.units import format_units, iso_utc
from indexer import due, queries
from indexer.answering.moments import moment
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of
from tests.index_support.race_world import FEEDS, OPERATOR, RACES, RaceBooks, RaceWorld, book_of

FIRST = DEPLOYMENT.first_block
SIDES = ("YES", "NO")


@pytest.fixture
def world() -> RaceWorld:
    """Two races that have been traded through a dozen epochs or two."""
    made = RaceWorld(FakeChain(), 5)
    made.run(220)
    return made


@pytest.fixture
async def store(world: RaceWorld, database_url: str) -> AsyncIterator[Store]:
    """Their index, in each of the two databases."""
    async with open_store(database_url, DEPLOYMENT) as opened:
        await opened.take(world.chain.forward(FIRST))
        yield opened


def _some_blocks(world: RaceWorld) -> list[int]:
    return [*range(FIRST + 1, world.chain.tip.number, 37), world.chain.tip.number]


def _units(amount: int) -> str:
    return format_units(amount, 18)


def _books(race: int) -> list[tuple[int, int, int]]:
    _, assets, positions = RACES[race]
    return [
        (position, asset, book_of(race, position, asset))
        for position in range(1, positions + 1)
        for asset in range(len(assets))
    ]


async def test_every_sum_is_as_the_model_says(world: RaceWorld, store: Store) -> None:
    """Balances, pots, shares, costs and profits of all accounts, at blocks from first to last."""
    for number in _some_blocks(world):
        books = world.history[number]
        async with moment(store, number) as (_, _, reading):
            sums = await reading.sums_of(None, ["race-collateral"])
            sums |= await reading.sums(world.accounts, ["race-shares:", "race-cost:", "race-realized:"])
        expected: Counter[tuple[str, str]] = Counter()
        for account, amount in books.balance.items():
            expected[f"balance:{account}", "race-collateral"] = amount
        for (race, position, epoch), amount in books.pot.items():
            expected[f"pot:{race}:{position}:{epoch}", "race-collateral"] = amount
        expected["external", "race-collateral"] = -books.liabilities()
        for kind, held in (("shares", books.shares), ("cost", books.cost)):
            for (account, book, epoch, side), amount in held.items():
                expected[account, f"race-{kind}:{book}:{epoch}:{SIDES[side]}"] = amount
        for (account, book, epoch), amount in books.realized.items():
            expected[account, f"race-realized:{book}:{epoch}"] = amount
        assert {key: sums[key] for key in sums if sums[key]} == {
            key: amount for key, amount in expected.items() if amount
        }


async def test_the_reserve_of_races_stands_for_itself(world: RaceWorld, store: Store) -> None:
    """What the race market holds and owes is no part of the hub's, which has nothing here."""
    for number in _some_blocks(world):
        books, answer = world.history[number], await queries.reserve(store, at_block=number)
        owed = books.liabilities()
        assert answer["races"] == {
            "reserve": _units(books.tokens),
            "liabilities": _units(owed),
            "coverage": _units(books.tokens * 10**18 // owed),
        }
        assert answer["hub"] == {"reserve": "0", "liabilities": "0", "coverage": None}


async def test_races_tell_what_they_were_made_with(world: RaceWorld, store: Store) -> None:
    """Assets by name and feed, positions, and the epoch that runs."""
    tip = world.chain.tip
    rows = await queries.races(store)
    assert [(row["race_id"], row["race"], row["positions"]) for row in rows] == [
        (number, symbol, positions) for number, (symbol, _, positions) in RACES.items()
    ]
    assert rows[1]["assets"] == [
        {"asset": f"{name}/USD", "feed": "0x" + FEEDS[name].hex()} for name in RACES[2][1]
    ]
    assert {row["epoch"] for row in rows} == {(tip.timestamp - world.genesis) // 300 + 1}
    assert {row["genesis_at"] for row in rows} == {iso_utc(world.genesis)}
    assert (rows[0]["block"], rows[0]["block_hash"]) == (tip.number, tip.hash)


def _expected_finish(world: RaceWorld, books: RaceBooks, race: int, epoch: int, now: int) -> Any:
    assets = RACES[race][1]
    places = world.places(race, epoch, now, books)
    status = places if isinstance(places, str) else "FINISHED"
    if status == "OPEN":
        ranked: list[Any] = [(None, None)] * len(assets)
    else:
        ranked = [(1, len(assets))] * len(assets) if status == "VOID" else places
    return status, {f"{name}/USD": place for name, place in zip(assets, ranked, strict=True)}


@pytest.mark.parametrize("race", RACES)
async def test_a_race_ends_as_the_model_says(world: RaceWorld, store: Store, race: int) -> None:
    """Finishing order with dead heats, what each book pays, supplies and pots, of every epoch."""
    seen = set()
    for number in _some_blocks(world)[1:]:
        books, now = world.history[number], world.chain.blocks[number].timestamp
        for epoch in range(1, (now - world.genesis) // 300 + 2, 3):
            answer = await queries.race(store, RACES[race][0], epoch=epoch, at_block=number)
            status, places = _expected_finish(world, books, race, epoch, now)
            assert answer["status"] == status
            assert {
                row["asset"]: (row["first_place"], row["shared_by"]) for row in answer["finish"]
            } == places
            order = [row["first_place"] or 0 for row in answer["finish"]]
            assert order == sorted(order)
            for (position, asset, book), row in zip(_books(race), answer["books"], strict=True):
                part = world.part(book, epoch, now, books)
                pays = None if part is None else _units(part.numerator * 10**18 // part.denominator)
                assert row == {
                    "position": position,
                    "asset": f"{RACES[race][1][asset]}/USD",
                    "book_id": book,
                    "yes_supply": _units(_issued(books, book, epoch, 0)),
                    "no_supply": _units(_issued(books, book, epoch, 1)),
                    "yes_payout": pays,
                }
                if part and part.numerator == 1 < part.denominator and status == "FINISHED":
                    seen.add("dead heat")
            assert answer["pots"] == [
                _units(books.pot[race, position, epoch] + books.paid[race, position, epoch])
                for position in range(1, RACES[race][2] + 1)
            ]
            seen.add(status)
    assert seen >= {"OPEN", "FINISHED", "VOID"}
    assert race != 1 or "dead heat" in seen


def _issued(books: RaceBooks, book: int, epoch: int, side: int) -> int:
    return books.made[book, epoch, side]


async def test_prices_of_a_race_are_those_of_its_epoch(world: RaceWorld, store: Store) -> None:
    """Start and end of each asset, null where none was posted."""
    for epoch in range(1, 12):
        start = world.genesis + (epoch - 1) * 300
        answer = await queries.race(store, "DUEL", epoch=epoch)
        for row in answer["finish"]:
            name = row["asset"].removesuffix("/USD")
            for field, instant in (("start_price", start), ("end_price", start + 300)):
                price = world.books.prices.get((name, instant))
                assert row[field] == (None if price is None else _units(price))  # type: ignore[literal-required]


async def test_the_epoch_of_a_race_is_by_default_the_one_that_runs(world: RaceWorld, store: Store) -> None:
    """And the first one before it has begun."""
    now = world.chain.tip.timestamp
    assert (await queries.race(store, "DUEL"))["epoch"] == (now - world.genesis) // 300 + 1
    assert (await queries.race(store, "DUEL", at_block=FIRST))["epoch"] == 1


async def test_an_unknown_race_names_those_there_are(store: Store) -> None:
    """As a market does."""
    with pytest.raises(UnknownMarketError) as caught:
        await queries.race(store, "MINORS")
    assert "DUEL, MAJORS" in caught.value.hint


async def test_positions_in_races_are_as_the_model_says(world: RaceWorld, store: Store) -> None:
    """Shares, cost, profit and what can be claimed, of every book that an account has or had shares of."""
    for number in _some_blocks(world):
        books, now = world.history[number], world.chain.blocks[number].timestamp
        for account in world.accounts:
            rows = await queries.race_positions(store, account, at_block=number)
            found = {(row["market_id"], row["epoch"]): row for row in rows}
            assert len(found) == len(rows)
            assert found.keys() == {(book, epoch) for who, book, epoch in books.touched if who == account}
            for (book, epoch), row in found.items():
                yes, no = (books.shares[account, book, epoch, side] for side in (0, 1))
                cost = sum(books.cost[account, book, epoch, side] for side in (0, 1))
                claimable = world.claimable((account, book, epoch), now, books)
                is_open = world.part(book, epoch, now, books) is None
                race, position, asset = book >> 16, book >> 8 & 255, book & 255
                expected = {
                    "market": RACES[race][0],
                    "race_id": race,
                    "position": position,
                    "asset": f"{RACES[race][1][asset]}/USD",
                    "yes_tokens": _units(yes),
                    "no_tokens": _units(no),
                    "cost": _units(cost),
                    "realized_pnl": _units(books.realized[account, book, epoch]),
                    "claimable": _units(claimable),
                    "unrealized_pnl": _units(0 if is_open else claimable - cost),
                }
                assert {name: row[name] for name in expected} == expected  # type: ignore[literal-required]


async def test_what_is_due_in_races_is_what_the_model_says(world: RaceWorld, store: Store) -> None:
    """Everything that redemptions would pay, of all accounts, at blocks from first to last; nothing else."""
    found_any = False
    for number in _some_blocks(world):
        books, now = world.history[number], world.chain.blocks[number].timestamp
        expected = {
            place: amount for place in books.touched if (amount := world.claimable(place, now, books))
        }

        rows = await due.claimable_in_races(store, at_block=number)

        assert {(row.account, row.market_id, epoch) for row in rows for epoch in row.epochs} == set(expected)
        for row in rows:
            parts = [expected[row.account, row.market_id, epoch] for epoch in row.epochs]
            assert row.amount_units == sum(parts)
        found_any |= bool(rows)
    assert found_any


async def test_the_claim_keeper_hears_of_races(store: Store) -> None:
    """As claims of their books, told apart from those of markets."""
    claims = await IndexedClaims(store).claims()

    assert [(one.account, one.market_id, one.epochs) for one in claims if one.race] == [
        (one.account, one.market_id, one.epochs) for one in await due.claimable_in_races(store)
    ]
    assert claims
    assert all(one.race for one in claims)


async def test_who_is_no_racer_has_no_positions(store: Store) -> None:
    """Nor has who only settled orders; an address must be one."""
    assert await queries.race_positions(store, address_of("nobody")) == []
    assert await queries.race_positions(store, OPERATOR) == []
    with pytest.raises(BadAddressError):
        await queries.race_positions(store, "redeemed")


async def test_a_race_that_is_created_later_is_followed(world: RaceWorld, database_url: str) -> None:
    """From its creation on, by whomever it was made."""
    made = world.chain.mine(world.created_later(), world.later_split(), seconds=1)
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(world.chain.forward(FIRST))
        assert [row["race"] for row in await queries.races(store, at_block=made.number - 1)] == [
            "MAJORS",
            "DUEL",
        ]
        assert (await queries.races(store))[-1]["race"] == "LATE"
        answer = await queries.race(store, "LATE", epoch=9_000)
    assert [book["yes_supply"] for book in answer["books"]] == ["0.000000000000000007"] * 2
    assert answer["pots"] == ["0.000000000000000007"]


async def test_a_block_taken_back_takes_its_race_along(world: RaceWorld, store: Store) -> None:
    """A race of an orphaned block is none."""
    from indexer.steps import Undo

    made = world.chain.mine(world.created_later(), seconds=1)
    await store.take(world.chain.forward(made.number))
    assert len(await queries.races(store)) == 3
    await store.take(Undo(made.number - 1, world.chain.head))
    assert len(await queries.races(store)) == 2


def test_the_model_pays_out_no_more_than_it_holds(world: RaceWorld) -> None:
    """The world itself is sound: pots are never short, and a position's parts make one."""
    assert min(world.books.pot.values()) >= 0
    assert world.books.tokens >= world.books.liabilities()
    for race in RACES:
        for epoch in range(1, 10):
            parts = [world.part(book, epoch, world.now) for _, _, book in _books(race)]
            if None not in parts:
                assert sum(part for part in parts if part is not None) == Fraction(RACES[race][2])
