from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.abi_codec import functions_of
from chain_kit.contracts import Contract
from chain_kit.keepers.payments import (
    HouseShares,
    Payment,
    Shares,
    VaultClaim,
    pack,
    shares_up,
    together,
    worth_paying,
)
from chain_kit.networks import ANVIL_ADDRESSES

HUB, RACE = (Contract(name, ANVIL_ADDRESSES[n]) for n, name in enumerate(("EpochHub", "RaceMarket"), 1))
VAULT = Contract("PayoutVault", ANVIL_ADDRESSES[3])
ALICE = ANVIL_ADDRESSES[4]


def shares(number: int, weight: int = 1, ledger: Contract = HUB, helpers: Sequence[bytes] = ()) -> Shares:
    """So many epochs of market `number`."""
    epochs = tuple(range(1, weight + 1))
    subjects = tuple(f"{number}:{epoch}" for epoch in epochs)
    data = ledger.encode_call("redeemFor", ALICE, number, epochs)
    return Shares(
        ledger,
        subjects,
        data,
        weight=weight,
        helpers=tuple(helpers),
        market_id=number,
        account=ALICE,
        epochs=epochs,
    )


def house(number: int) -> HouseShares:
    """The house's first epoch of a market."""
    data = HUB.encode_call("settleHouse", number, [1])
    return HouseShares(HUB, (f"{number}:1",), data, market_id=number, epochs=(1,))


def claim(number: int) -> VaultClaim:
    """A claim of the vault."""
    return VaultClaim(VAULT, (f"{ALICE}:{number}",), b"claim", account=ALICE, total_units=number)


KINDS = st.sampled_from(["hub", "race", "house", "vault"])


def payment(number: int, kind: str, weight: int) -> Payment:
    """One of a kind."""
    if kind in ("hub", "race"):
        return shares(number, weight, HUB if kind == "hub" else RACE)
    return house(number) if kind == "house" else claim(number)


class TestPack:
    """Which payments go into one transaction."""

    @given(st.lists(st.tuples(KINDS, st.integers(1, 5)), max_size=30), st.integers(5, 12))
    def test_each_goes_once_in_order_with_its_like(self, drawn: list[tuple[str, int]], most: int) -> None:
        """One contract and action to a batch, no more epochs than asked for, vault claims alone."""
        payments = [payment(number, kind, weight) for number, (kind, weight) in enumerate(drawn)]

        batches = pack(payments, most)

        assert sorted(one.subjects for batch in batches for one in batch) == sorted(
            one.subjects for one in payments
        )
        for batch in batches:
            assert len({(one.contract.address, one.action) for one in batch}) == 1
            assert sum(one.weight for one in batch) <= most
            assert [payments.index(one) for one in batch] == sorted(payments.index(one) for one in batch)
            assert len(batch) == 1 or batch[0].can_share

    def test_no_more_transactions_than_are_needed(self) -> None:
        """Interleaved kinds do not break each other's batches."""
        batches = pack([shares(1), house(1), shares(2), house(2), claim(1), claim(2)], 50)

        assert [len(batch) for batch in batches] == [2, 2, 1, 1]


class TestTogether:
    """The transaction of a batch."""

    def test_one_is_its_own_call(self) -> None:
        """No wrapping costs gas."""
        intent = together([shares(1, 2)])

        assert (intent.contract, intent.action, intent.subjects) == (HUB.address, "redeem", ("1:1", "1:2"))
        assert intent.data == HUB.encode_call("redeemFor", ALICE, 1, [1, 2])

    def test_many_are_a_multicall_with_each_helper_once_before_them(self) -> None:
        """Every subject is the intent's, and every claim is in its effect."""
        helper = RACE.encode_call("storeResult", 1, 1)
        payments = [shares(n, 1, RACE, [helper]) for n in (1, 2)]

        plain, helped = together(payments), together(payments, helped=True, worth_wei=9)

        multicall = functions_of("RaceMarket")["multicall"]
        assert multicall.decode_inputs(plain.data[4:])[0] == tuple(one.data for one in payments)
        assert multicall.decode_inputs(helped.data[4:])[0] == (helper, *(one.data for one in payments))
        assert plain.subjects == helped.subjects == ("1:1", "2:1")
        assert (plain.worth_wei, helped.worth_wei) == (None, 9)
        assert plain.effect.args["claims"] == [[1, ALICE, [1]], [2, ALICE, [1]]]

    def test_each_kind_has_its_effect(self) -> None:
        """As the journal keeps it."""
        assert together([house(1), house(2)]).effect.args["houses"] == [[1, [1]], [2, [1]]]
        assert together([claim(7)]).effect.args["total"] == "7"


class TestCosts:
    """Who bears what, and who is worth it."""

    @given(st.integers(0, 10**20), st.lists(st.integers(1, 10**18), min_size=1, max_size=50))
    def test_the_parts_cover_the_whole_and_hardly_more(self, total_wei: int, costs: list[int]) -> None:
        """Rounded up: what is decided by them is never too cheap, by a wei each at most."""
        parts = shares_up(total_wei, costs)

        assert total_wei <= sum(parts) < total_wei + len(costs)

    @given(st.integers(1, 10**15), st.lists(st.integers(1, 10**12), min_size=2, max_size=20))
    def test_nobody_bears_more_than_alone_where_together_is_cheaper(
        self, saved: int, costs: list[int]
    ) -> None:
        """So what is worth its own gas alone is worth it in a batch."""
        total_wei = max(0, sum(costs) - saved)

        assert all(part <= cost for part, cost in zip(shares_up(total_wei, costs), costs, strict=True))

    @given(st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 9))), max_size=20))
    def test_what_is_paid_is_worth_it(self, drawn: list[tuple[int, int | None]]) -> None:
        """All of that, and nothing else."""
        payments: list[Payment] = [house(n) for n in range(len(drawn))]
        costs = {one: cost for one, (cost, _) in zip(payments, drawn, strict=True)}
        values = {one: value for one, (_, value) in zip(payments, drawn, strict=True)}

        paid = worth_paying(payments, costs, values)

        assert [one in paid for one in payments] == [value is None or value >= cost for cost, value in drawn]

    def test_costs_of_nothing_are_borne_by_nobody(self) -> None:
        """A chain without fees."""
        assert shares_up(5, [0, 0]) == [0, 0]


@pytest.mark.parametrize("kind", ["hub", "race", "house", "vault"])
def test_a_payment_knows_its_action(kind: str) -> None:
    """By which the journal finds it."""
    actions = {"hub": "redeem", "race": "redeem", "house": "settle", "vault": "claim"}
    assert payment(1, kind, 1).action == actions[kind]
