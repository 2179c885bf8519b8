from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.fees import FeePolicy, Fees
from chain_kit.inspection.doctor import diagnose
from chain_kit.inspection.reading import LeaseView
from chain_kit.inspection.view import ChainView, Finding, PoolTransaction, SignerView, Urgency
from chain_kit.outbox import Attempt, Effect, Intent, Kind, Level, Offer, Row
from chain_kit.outbox.node import Block

SIGNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
CONTRACT = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
GWEI = 10**9
ETHER = 10**18
NOW = 1_700_000_000
HEAD = Block(100, "0xhead", NOW)
POLICY = FeePolicy(max_fee_wei=100 * GWEI)


def tx_hash(nonce: int, number: int = 1) -> str:
    """The hash of attempt `number` at a nonce."""
    return f"0x{nonce:032x}{number:032x}"


def attempt(nonce: int, number: int = 1, *, fee_gwei: int = 10, kind: Kind = Kind.CALL) -> Attempt:
    """An attempt at a nonce."""
    offer = Offer(100_000, Fees(fee_gwei * GWEI, GWEI))
    return Attempt(kind, tx_hash(nonce, number), b"", offer, NOW - 20)


def row(nonce: int | None, level: Level = Level.SENT, *, number: int = 1, **changes: Any) -> Row:
    """A live row with one attempt."""
    at = 0 if nonce is None else nonce
    intent = Intent(CONTRACT, "post", (f"BTC/USD@{at}",), b"", Effect("posted", {}))
    first = attempt(at, fee_gwei=changes.pop("fee_gwei", 10))
    made = Row(at + number, intent, SIGNER, nonce, first.tx_hash, level, attempts=(first,))
    intent_changes = {
        key: changes.pop(key) for key in ("deadline", "worth_wei", "value_wei") if key in changes
    }
    return replace(made, intent=replace(intent, **intent_changes), **changes)


def chain(rows: list[Row], **changes: Any) -> ChainView:
    """A chain whose node has all rows in its pool, unless `changes` say otherwise."""
    signer = {
        key: changes.pop(key)
        for key in ("latest", "pending", "balance_wei", "pool", "lease", "used_by", "halts")
        if key in changes
    }
    first = {"latest": 5, "pending": 5, "balance_wei": 10 * ETHER, **signer}
    known = frozenset(one.tx_hash for each in rows for one in each.attempts)
    usual: dict[str, Any] = {"base_fee_wei": 2 * GWEI, "known": known, "mined": {}, "blocks": {}}
    return ChainView(head=HEAD, signers={SIGNER: SignerView(**first)}, **{**usual, **changes})


def kinds(findings: list[Finding]) -> dict[str, Urgency]:
    """What was found, and how urgent it is."""
    return {one.kind: one.urgency for one in findings}


def only(rows: list[Row], view: ChainView, policy: FeePolicy = POLICY) -> Finding:
    """The one finding that there is."""
    (found,) = diagnose(rows, view, policy)
    return found


class TestInThePool:
    """What the node has and has not mined."""

    def test_the_next_one_is_told_how_long_it_waits_and_when_it_is_bumped(self) -> None:
        """All is well: time does it."""
        found = only([row(5)], chain([row(5)]))

        assert (found.kind, found.urgency, found.nonce, found.row_id) == ("next", Urgency.WAITS, 5, 6)
        assert "in the pool for 20 s" in found.says
        assert "after 30 s" in found.remedy
        assert found.intent == "post BTC/USD@5"

    def test_one_behind_others_waits_for_them(self) -> None:
        """It says behind how many."""
        rows = [row(5), row(6), row(7)]

        found = diagnose(rows, chain(rows, pending=8), POLICY)

        assert [one.kind for one in found] == ["next", "queued", "queued"]
        assert ["behind 1 nonce of", "behind 2 nonces of"] == [
            words
            for words in ("behind 1 nonce of", "behind 2 nonces of")
            if words in found[1].says + found[2].says
        ]

    def test_a_fee_below_the_base_fee_is_raised_by_the_keeper(self) -> None:
        """As long as the cap allows."""
        found = only([row(5)], chain([row(5)], base_fee_wei=50 * GWEI))

        assert (found.kind, found.urgency) == ("below base fee", Urgency.WAITS)
        assert "it offers 10 gwei, the next block asks 50 gwei" in found.says

    @pytest.mark.parametrize(("base_gwei", "fee_gwei"), [(150, 10), (99, 98)])
    def test_a_cap_below_what_is_needed_wants_a_person(self, base_gwei: int, fee_gwei: int) -> None:
        """The chain asks more than the cap; or 10 % more than before is more than the cap."""
        waiting = row(5, fee_gwei=fee_gwei)

        found = only([waiting], chain([waiting], base_fee_wei=base_gwei * GWEI))

        assert (found.kind, found.urgency) == ("above cap", Urgency.PERSON)
        assert "the cap is 100 gwei" in found.says
        assert found.remedy.startswith("raise max_fee_gwei above")

    def test_one_that_is_not_worth_it_waits(self) -> None:
        """It says what it would cost, the L1 fee included, what it is worth, and until when it waits."""
        poor = row(5, worth_wei=100_000 * 50 * GWEI, deadline=NOW + 60)
        view = chain([poor], base_fee_wei=50 * GWEI, l1_fee_wei={poor.id: 1})

        found = only([poor], view)

        assert (found.kind, found.urgency) == ("not worth it", Urgency.WAITS)
        assert "cost 0.005000000000000001 ETH, and it is worth 0.005 ETH" in found.says
        assert str(NOW + 60) in found.remedy

    def test_one_past_its_deadline_is_to_be_cancelled(self) -> None:
        """By the chain's clock; and once the empty transaction is there, it says that."""
        late = row(5, deadline=NOW - 1)
        empty = attempt(5, 2, kind=Kind.CANCEL)
        replaced = replace(late, attempts=(*late.attempts, empty), tx_hash=empty.tx_hash)

        assert only([late], chain([late])).kind == "past deadline"
        assert only([replaced], chain([replaced])).kind == "cancelling"
        assert only([row(5, deadline=NOW)], chain([row(5)])).kind == "next"


class TestNotInThePool:
    """What the node does not know."""

    def test_a_row_that_was_never_sent(self) -> None:
        """Its process ended between storing and sending."""
        found = only([row(5, Level.JOURNALED)], chain([]))

        assert (found.kind, found.urgency) == ("journaled", Urgency.WAITS)

    def test_a_dropped_one_is_broadcast_again(self) -> None:
        """The same bytes, by the keeper."""
        found = only([row(5)], chain([]))

        assert (found.kind, found.urgency) == ("dropped", Urgency.WAITS)
        assert "same bytes" in found.remedy

    def test_one_that_was_dropped_for_its_fee(self) -> None:
        """Broadcasting it again would not help: what matters is the fee."""
        cheap = chain([], base_fee_wei=50 * GWEI)
        capped = chain([], base_fee_wei=101 * GWEI)

        assert only([row(5)], cheap).kind == "below base fee"
        assert only([row(5)], capped).kind == "above cap"

    def test_a_dropped_one_past_its_deadline(self) -> None:
        """It is not sent again."""
        assert only([row(5, deadline=NOW - 1)], chain([])).kind == "past deadline"

    def test_a_stranger_with_its_nonce_in_the_pool(self) -> None:
        """Two programs use the key: a person has to know."""
        rival = PoolTransaction("0xrival", 5, 20 * GWEI)

        found = only([row(5)], chain([], pool=(rival,), pending=6))

        assert (found.kind, found.urgency) == ("rival", Urgency.PERSON)
        assert "0xrival" in found.says

    def test_a_stolen_nonce_names_the_thief(self) -> None:
        """If the node shows it."""
        found = only([row(4)], chain([], used_by={4: "0xthief"}))

        assert (found.kind, found.urgency) == ("stolen nonce", Urgency.PERSON)
        assert "0xthief" in found.says
        assert "does not show" in only([row(4)], chain([])).says

    def test_a_row_without_a_nonce_is_looked_at_again(self) -> None:
        """What it had ended by is gone."""
        assert only([row(None)], chain([])).kind == "without nonce"


class TestInABlock:
    """What a block holds."""

    def test_a_mined_one_only_has_to_be_noted(self) -> None:
        """Whichever attempt it was, and whatever the nonce says."""
        first = row(4)
        both = replace(first, attempts=(*first.attempts, attempt(4, 2)))

        found = only([both], chain([both], mined={tx_hash(4, 1): (98, "0xb")}))

        assert (found.kind, found.urgency) == ("mined", Urgency.WAITS)
        assert "in block 98, 3 deep" in found.says

    def test_a_reorganised_block_sends_its_row_back_to_work(self) -> None:
        """The same bytes again."""
        done = row(4, Level.MINED, outcome="done", block_number=99, block_hash="0xold")

        found = diagnose([done], chain([], blocks={99: "0xnew"}), POLICY)

        assert kinds(found) == {"reorged": Urgency.WAITS, "idle": Urgency.FINE}
        assert "block 99" in found[0].says

    def test_a_node_that_is_behind_is_told_from_a_reorganisation(self) -> None:
        """It has not reached the block that the journal knows."""
        done = row(4, Level.MINED, outcome="done", block_number=101, block_hash="0xb")

        assert kinds(diagnose([done], chain([], blocks={101: None}), POLICY)) == {
            "node behind": Urgency.PERSON,
            "idle": Urgency.FINE,
        }

    def test_ended_rows_in_their_blocks_are_counted(self) -> None:
        """They are well."""
        done = [
            row(n, Level.MINED, outcome="done", block_number=99, block_hash="0xb", number=9) for n in (3, 4)
        ]

        found = diagnose(done, chain([], blocks={99: "0xb"}), POLICY)

        assert kinds(found) == {"settling": Urgency.FINE, "idle": Urgency.FINE}
        assert "2 transactions" in found[0].says + found[1].says


class TestNoncesOfNobody:
    """Gaps, and transactions of strangers."""

    def test_a_gap_is_named_nonce_by_nonce(self) -> None:
        """The keeper fills it."""
        rows = [row(5), row(8)]

        found = [one for one in diagnose(rows, chain(rows, pending=6), POLICY) if one.kind == "gap"]

        assert [one.nonce for one in found] == [6, 7]
        assert {one.urgency for one in found} == {Urgency.WAITS}

    def test_a_strangers_transaction_fills_a_gap_and_is_reported(self) -> None:
        """By its hash, where the node shows its pool."""
        rows = [row(5), row(7)]
        pool = (
            PoolTransaction(tx_hash(5), 5),
            PoolTransaction("0xstranger", 6),
            PoolTransaction(tx_hash(7), 7),
        )

        found = kinds(diagnose(rows, chain(rows, pending=8, pool=pool), POLICY))

        assert found == {"next": Urgency.WAITS, "unknown pending": Urgency.PERSON, "queued": Urgency.WAITS}

    def test_a_node_without_a_pool_to_show_counts_them(self) -> None:
        """Pending nonces that no row holds."""
        found = diagnose([row(5)], chain([row(5)], pending=8), POLICY)

        assert [one.nonce for one in found if one.kind == "unknown pending"] == [6, 7]

    def test_an_empty_outbox_with_a_strangers_transaction(self) -> None:
        """Nothing of ours is in flight, and still somebody sends."""
        view = chain([], pool=(PoolTransaction("0xstranger", 5),), pending=6)

        assert kinds(diagnose([], view, POLICY)) == {
            "unknown pending": Urgency.PERSON,
            "idle": Urgency.FINE,
        }

    def test_what_a_superseded_row_sent_is_not_a_strangers(self) -> None:
        """Its bytes may be in a pool still."""
        lost = row(6, Level.SENT, outcome="superseded")
        pool = (PoolTransaction(tx_hash(6), 6),)

        assert "unknown pending" not in kinds(diagnose([lost], chain([lost], pool=pool, pending=7), POLICY))


class TestMoneyAndLeases:
    """Who pays, and who works."""

    def test_too_little_money_says_how_much_to_send_where(self) -> None:
        """Values, gas at the highest fee and the L1 fees of all that is in flight."""
        rows = [row(5), row(6, value_wei=ETHER)]
        view = chain(rows, pending=7, balance_wei=ETHER, l1_fee_wei={6: 7})

        found = next(one for one in diagnose(rows, view, POLICY) if one.kind == "no funds")

        missing = 2 * 100_000 * 10 * GWEI + 7
        assert found.urgency is Urgency.PERSON
        assert f"({missing} wei) to {SIGNER}" in found.remedy
        assert "enough for 1 of 2" in found.says

    def test_what_is_mined_is_paid_for(self) -> None:
        """It is in the balance already."""
        view = chain([row(4)], balance_wei=0, mined={tx_hash(4): (99, "0xb")})

        assert "no funds" not in kinds(diagnose([row(4)], view, POLICY))

    @pytest.mark.parametrize(
        ("left_ms", "kind", "urgency"),
        [(5_000, "leased", Urgency.FINE), (-90_000, "no keeper", Urgency.PERSON)],
    )
    def test_a_lease_tells_whether_anybody_works(self, left_ms: int, kind: str, urgency: Urgency) -> None:
        """With something in flight, a lease that ran out means that nothing moves on."""
        lease = LeaseView(SIGNER, "host-a", 3, left_ms)

        found = diagnose([row(5)], chain([row(5)], lease=lease), POLICY)

        assert kinds(found) == {kind: urgency, "next": Urgency.WAITS}
        assert "host-a" in found[0].says

    def test_a_lease_that_ran_out_does_not_matter_when_nothing_is_in_flight(self) -> None:
        """The keeper was stopped, and left nothing."""
        view = chain([], lease=LeaseView(SIGNER, "host-a", 3, -1))

        assert kinds(diagnose([], view, POLICY)) == {"idle": Urgency.FINE}

    def test_a_halted_action_wants_a_person(self) -> None:
        """Nothing of it is in flight, nor will be: it says why, and how it goes on."""
        view = chain([], halts={"post": (NOW, "5 transactions in a row were without effect")})

        found = diagnose([], view, POLICY)

        assert kinds(found) == {"halted": Urgency.PERSON, "idle": Urgency.FINE}
        assert "post is halted since 2023-11-14T22:13:20Z: 5 transactions" in found[0].says
        assert "keeper resume post" in found[0].remedy


@given(
    nonces=st.lists(st.integers(0, 12), unique=True, max_size=6),
    levels=st.lists(st.sampled_from([Level.JOURNALED, Level.SENT, Level.MINED]), min_size=6, max_size=6),
    latest=st.integers(0, 12),
    ahead=st.integers(0, 4),
    in_pool=st.sets(st.integers(0, 12)),
    mined=st.sets(st.integers(0, 12)),
    base_gwei=st.integers(1, 200),
    balance=st.integers(0, 10**17),
    deadline=st.none() | st.integers(NOW - 5, NOW + 5),
)
def test_every_nonce_in_flight_is_explained_once(
    *,
    nonces: list[int],
    levels: list[Level],
    latest: int,
    ahead: int,
    in_pool: set[int],
    mined: set[int],
    base_gwei: int,
    balance: int,
    deadline: int | None,
) -> None:
    """Whatever the chain says: one finding for each live row, each with a remedy, none twice."""
    rows = [row(n, level, deadline=deadline) for n, level in zip(nonces, levels, strict=False)]
    view = chain(
        [one for one in rows if one.nonce in in_pool],
        latest=latest,
        pending=latest + ahead,
        base_fee_wei=base_gwei * GWEI,
        balance_wei=balance,
        mined={tx_hash(n): (99, "0xb") for n in mined},
    )

    found = diagnose(rows, view, POLICY)

    explained = [one.row_id for one in found if one.row_id is not None]
    assert sorted(explained) == sorted(one.id for one in rows)
    assert all(one.says and one.remedy for one in found)
    of_signer = [(one.kind, one.nonce) for one in found if one.row_id is None]
    assert len(of_signer) == len(set(of_signer))
    gaps = {one.nonce for one in found if one.kind == "gap"}
    assert gaps.isdisjoint(nonces)
