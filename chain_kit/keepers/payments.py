"""What pays somebody: single calls, transactions of several, and which of them are worth their gas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chain_kit.contracts import Contract
from chain_kit.keepers.effects import claims_paid, houses_settled, total_claimed
from chain_kit.outbox import Effect, Intent

__all__ = ["HouseShares", "Payment", "Shares", "VaultClaim", "pack", "shares_up", "together", "worth_paying"]


@dataclass(frozen=True)
class Payment:
    """One call, about `weight` epochs, that pays `value_units`; None for what is not weighed.

    `owed_units` is what the account is owed in all where that call is a part of it. It has been owed since
    `since` (UNIX seconds; 0 if that is not known). `helpers` are calls of the same contract that may make
    several cheaper if they go before them.
    """

    contract: Contract
    subjects: tuple[str, ...]
    data: bytes
    weight: int = 1
    value_units: int | None = None
    owed_units: int = 0
    since: int = 0
    helpers: tuple[bytes, ...] = ()

    @property
    def action(self) -> str:
        """The intent's."""
        raise NotImplementedError

    @property
    def can_share(self) -> bool:
        """Whether several can go into one transaction."""
        return True

    def effect_of(self, payments: Sequence[Payment]) -> Effect:
        """What several of the kind bring about."""
        raise NotImplementedError


@dataclass(frozen=True)
class Shares(Payment):
    """Shares of ended epochs, redeemed to their holder."""

    market_id: int = 0
    account: str = ""
    epochs: tuple[int, ...] = ()

    @property
    def action(self) -> str:
        """The intent's."""
        return "redeem"

    def effect_of(self, payments: Sequence[Payment]) -> Effect:
        """Nobody holds any of them."""
        mine = [one for one in payments if isinstance(one, Shares)]
        return claims_paid(self.contract.address, [(one.market_id, one.account, one.epochs) for one in mine])


@dataclass(frozen=True)
class HouseShares(Payment):
    """A house's shares of ended epochs, settled into its budget."""

    market_id: int = 0
    epochs: tuple[int, ...] = ()

    @property
    def action(self) -> str:
        """The intent's."""
        return "settle"

    def effect_of(self, payments: Sequence[Payment]) -> Effect:
        """All are settled."""
        mine = [one for one in payments if isinstance(one, HouseShares)]
        return houses_settled(self.contract.address, [(one.market_id, one.epochs) for one in mine])


@dataclass(frozen=True)
class VaultClaim(Payment):
    """What the vault owes an account. It pays one claim at a time."""

    account: str = ""
    total_units: int = 0

    @property
    def action(self) -> str:
        """The intent's."""
        return "claim"

    @property
    def can_share(self) -> bool:
        """The vault has no function for several."""
        return False

    def effect_of(self, payments: Sequence[Payment]) -> Effect:  # noqa: ARG002
        """It was paid this much."""
        return total_claimed(self.contract.address, self.account, self.total_units)


def together(payments: Sequence[Payment], *, helped: bool = False, worth_wei: int | None = None) -> Intent:
    """One transaction for all of `payments`, which are of one kind and contract."""
    first = payments[0]
    calls = [*(_helpers(payments) if helped else ()), *(payment.data for payment in payments)]
    data = calls[0] if len(calls) == 1 else first.contract.encode_call("multicall", calls)
    return Intent(
        contract=first.contract.address,
        action=first.action,
        subjects=tuple(subject for payment in payments for subject in payment.subjects),
        data=data,
        effect=first.effect_of(payments),
        worth_wei=worth_wei,
    )


def _helpers(payments: Iterable[Payment]) -> list[bytes]:
    """Each helper once."""
    return list(dict.fromkeys(helper for payment in payments for helper in payment.helpers))


def pack(payments: Iterable[Payment], most_weight: int) -> list[list[Payment]]:
    """`payments` by what can go into one transaction, in their order, `most_weight` epochs in each."""
    full: list[list[Payment]] = []
    filling: dict[tuple[str, str], list[Payment]] = {}
    for payment in payments:
        key = (payment.contract.address, payment.action)
        batch = filling.get(key, [])
        fits = sum(one.weight for one in batch) + payment.weight <= most_weight
        if not (batch and fits and payment.can_share):
            batch = []
            full.append(batch)
            filling[key] = batch
        batch.append(payment)
    return full


def shares_up(total_wei: int, costs_wei: Sequence[int]) -> list[int]:
    """What each has to bear of `total_wei`, in the proportion of what it would cost alone, rounded up."""
    whole = sum(costs_wei)
    return [-(-total_wei * cost // whole) if whole else 0 for cost in costs_wei]


def worth_paying(
    payments: Sequence[Payment], costs_wei: Mapping[Payment, int], values_wei: Mapping[Payment, int | None]
) -> list[Payment]:
    """Those whose value is no less than their cost; what has no value in wei is always worth it."""
    found = []
    for payment in payments:
        value_wei = values_wei[payment]
        if value_wei is None or value_wei >= costs_wei[payment]:
            found.append(payment)
    return found
