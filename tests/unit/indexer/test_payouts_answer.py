from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chain_kit.errors import BadAddressError
from chain_kit.units import format_units, iso_utc
from indexer import queries
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain, Raw, address_of, raw_event
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
A, B = address_of("a"), address_of("b")
ROOTS = ["0x" + f"{n:02x}" * 32 for n in range(1, 8)]


def _proposed(number: int, total: int) -> Raw:
    return raw_event(
        "PayoutVault", "RootProposed", bytes([number]) * 32, total, 1_700_100_000 + number, f"ipfs://{number}"
    )


def _became(name: str, number: int, *values: int) -> Raw:
    return raw_event("PayoutVault", name, bytes([number]) * 32, *values)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[tuple[Store, FakeChain]]:
    """A vault whose roots became all that a root can become."""
    chain = FakeChain()
    steps: list[list[Any]] = [
        [_proposed(1, 10)],
        [_became("RootActivated", 1, 10)],
        [raw_event("PayoutVault", "Claimed", A, A, 4, 4)],
        [_proposed(2, 20), _became("RootVetoed", 2)],
        [_proposed(3, 25)],
        [_proposed(4, 30)],
        [_became("RootActivated", 4, 30), raw_event("PayoutVault", "Claimed", B, B, 9, 9)],
        [raw_event("PayoutVault", "Claimed", A, B, 2, 6)],
        [_proposed(5, 40)],
    ]
    for events in steps:
        chain.mine(*events)
    async with open_store(database_url, DEPLOYMENT) as opened:
        await opened.take(chain.forward(FIRST))
        yield opened, chain


async def test_the_vault_says_what_became_of_each_root(store: tuple[Store, FakeChain]) -> None:
    """Newest first: what waits, what holds, what held before, what was vetoed and what another took over."""
    answer = await queries.payouts(store[0])
    assert [(row["root"], row["status"], row["total"]) for row in answer["roots"]] == [
        (ROOTS[4], "pending", "0.00004"),
        (ROOTS[3], "active", "0.00003"),
        (ROOTS[2], "dropped", "0.000025"),
        (ROOTS[1], "vetoed", "0.00002"),
        (ROOTS[0], "replaced", "0.00001"),
    ]
    newest = answer["roots"][0]
    assert (newest["uri"], newest["active_at"]) == ("ipfs://5", iso_utc(1_700_100_005))
    assert newest["proposed_block"] == store[1].tip.number


async def test_the_vaults_totals_and_claims(store: tuple[Store, FakeChain]) -> None:
    """In the payout token; claims by account, the largest first."""
    answer = await queries.payouts(store[0])
    assert {
        name: answer[name]
        for name in ("token", "active_root", "active_total", "pending_root", "pending_total", "claimed_total")
    } == {
        "token": "USDC",
        "active_root": ROOTS[3],
        "active_total": "0.00003",
        "pending_root": ROOTS[4],
        "pending_total": "0.00004",
        "claimed_total": "0.000015",
    }
    assert answer["claims"] == [
        {"account": B, "claimed": "0.000009"},
        {"account": A, "claimed": "0.000006"},
    ]


async def test_claims_of_one_account(store: tuple[Store, FakeChain]) -> None:
    """Only those, in any case of the address; the totals stay the vault's."""
    answer = await queries.payouts(store[0], A.lower())
    assert answer["claims"] == [{"account": A, "claimed": "0.000006"}]
    assert answer["claimed_total"] == "0.000015"
    assert (await queries.payouts(store[0], address_of("nobody")))["claims"] == []
    with pytest.raises(BadAddressError):
        await queries.payouts(store[0], "vault")


async def test_the_newest_roots_have_the_status_they_have(store: tuple[Store, FakeChain]) -> None:
    """However few are asked for, and as of whatever block."""
    everything = (await queries.payouts(store[0]))["roots"]
    for limit in range(1, 7):
        assert (await queries.payouts(store[0], limit=limit))["roots"] == everything[:limit]
    early = await queries.payouts(store[0], at_block=FIRST)
    assert [(row["root"], row["status"]) for row in early["roots"]] == [(ROOTS[0], "pending")]
    assert (early["active_root"], early["pending_root"], early["claims"]) == (None, ROOTS[0], [])


async def test_the_vault_is_as_the_model_says(database_url: str) -> None:
    """Totals and claims of a random history at every block looked at."""
    world = World(FakeChain(), 4)
    world.run(150)
    async with open_store(database_url, DEPLOYMENT) as store:
        await store.take(world.chain.forward(FIRST))
        for number in range(FIRST, world.chain.tip.number, 29):
            books, answer = world.history[number], await queries.payouts(store, at_block=number)
            assert answer["active_total"] == format_units(books.active, 6)
            assert answer["pending_total"] == format_units(books.pending or 0, 6)
            assert answer["claimed_total"] == format_units(books.claimed.total(), 6)
            assert {row["account"]: row["claimed"] for row in answer["claims"]} == {
                account: format_units(amount, 6) for account, amount in books.claimed.items()
            }
            assert (answer["pending_root"] is None) is (books.pending is None)
