"""The claim keeper: pays out what is owed.

Epochs are redeemed to their holders, the house's shares settled into its budget, published vault payouts
claimed for their accounts. Whom to look at comes from a source, an index as a rule; what is owed is read from
the chain before anything is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from chain_kit.contracts import Contract
from chain_kit.keepers.contests import read_markets
from chain_kit.keepers.owed import House, Owed, Vault
from chain_kit.keepers.payments import Payment, pack, shares_up, together, worth_paying
from chain_kit.keepers.rounds import Head, raise_first, read_head, run_rounds, submit_each
from chain_kit.keepers.trade.prices import EtherPrice, wei_down
from chain_kit.outbox import Intent, Outcome, Quote, Sender
from chain_kit.prices import DAY

__all__ = ["Claim", "ClaimKeeper", "ClaimSource"]

_DUST_PAUSE_SECONDS = 60
"""What is not worth its gas is weighed again after so long, by the chain's clock."""


@dataclass(frozen=True)
class Claim:
    """What an account seems to be owed for epochs of a market, in base units of the collateral.

    In a `race` the market is a book of the race market.
    """

    account: str
    market_id: int
    epochs: tuple[int, ...]
    amount_units: int
    race: bool = False


class ClaimSource(Protocol):
    """Who knows where something is to be claimed."""

    async def claims(self) -> list[Claim]:
        """Everything that seems to be owed now; the keeper checks it."""


class ClaimKeeper:
    """Claims for everybody, from any account: what is owed goes to its owner, whoever calls.

    Safe to run twice at once, and to be killed at any moment. Up to `chunk` epochs go into one transaction,
    of one account or many, wherever that takes less gas; `in_flight` transactions are sent at a time.
    `payouts` is the published file of the vault's active root, or the root keeper's folder. House shares are
    looked for `lookback_epochs` back.

    A claim below `least_units` (of the vault, `least_payout_units`) waits, and so does one that is worth less
    than its gas where `ether` says what an ether is worth in collateral (`payout_ether`: in the vault's
    token). After `dust_seconds` it is paid all the same; None to let it wait for good. What the vault owes is
    waited for from the time at which this keeper first saw it.
    """

    name = "claim"

    def __init__(
        self,
        sender: Sender,
        *,
        hub: str,
        source: ClaimSource,
        race: str | None = None,
        vault: str | None = None,
        payouts: Path | None = None,
        chunk: int = 50,
        least_units: int = 1,
        least_payout_units: int = 1,
        ether: EtherPrice | None = None,
        payout_ether: EtherPrice | None = None,
        dust_seconds: int | None = 7 * DAY,
        in_flight: int = 1,
        lookback_epochs: int = 2_016,
    ) -> None:
        self._sender = sender
        self._hub = Contract("EpochHub", hub)
        races = Contract("RaceMarket", race) if race is not None else None
        self._owed = Owed(sender.rpc, self._hub, races, chunk)
        self._house = House(sender.rpc, self._hub, chunk, lookback_epochs)
        self._vault = Vault(sender.rpc, vault, payouts) if vault and payouts else None
        self._source = source
        self._chunk = chunk
        self._least_units = least_units
        self._least_payout_units = least_payout_units
        self._ether = ether
        self._payout_ether = payout_ether
        self._dust_seconds = dust_seconds
        self._in_flight = in_flight
        # Until when (the chain's clock) what is not worth its gas is left alone.
        self._left: dict[tuple[str, ...], int] = {}
        self._decimals: dict[str, int] = {}

    async def run(self, stop: asyncio.Event, poll_seconds: float = 10.0) -> None:
        """Runs rounds until `stop` is set. What may be otherwise in the next round is logged only."""
        await run_rounds(self.name, self.run_once, stop, poll_seconds)

    async def run_once(self) -> list[Outcome]:
        """One round: goes on with what is under way, then claims, settles and redeems what is owed.

        Raises the first failure, after everything that did not fail.
        """
        await self._sender.reconcile()
        head = await read_head(self._sender.rpc)
        payments = await self._payments(head)
        values = await self._values_wei(payments, head)
        weighed = await asyncio.gather(
            *(self._weigh(batch, values, head) for batch in pack(payments, self._chunk)),
            return_exceptions=True,
        )
        intents = [intent for one in weighed if not isinstance(one, BaseException) for intent in one]
        results = await submit_each(self._sender, intents, in_flight=self._in_flight)
        for one in weighed:
            if isinstance(one, BaseException):
                raise one
        raise_first(results)
        return [result for result in results if isinstance(result, Outcome)]

    # ------------------------------------------------------------------ what is owed

    async def _payments(self, head: Head) -> list[Payment]:
        """What is to be paid now, what has waited longest first."""
        markets = await read_markets(self._sender.rpc, self._hub, head)
        shares = await self._owed.read(await self._source.claims(), markets, head)
        houses = await self._house.read(markets, head)
        claims = await self._vault.read(head) if self._vault is not None else []
        found = [
            *((payment, self._least_units) for payment in shares),
            *((payment, 0) for payment in houses),
            *((payment, self._least_payout_units) for payment in claims),
        ]
        subjects = {payment.subjects for payment, _ in found}
        self._left = {key: until for key, until in self._left.items() if key in subjects}
        now = [payment for payment, least_units in found if self._is_time(payment, least_units, head)]
        now.sort(key=lambda payment: payment.since)
        return await self._not_under_way(now)

    def _is_time(self, payment: Payment, least_units: int, head: Head) -> bool:
        is_enough = payment.owed_units >= least_units
        is_left = self._left.get(payment.subjects, 0) > head.timestamp
        return self._is_overdue(payment, head) or (is_enough and not is_left)

    def _is_overdue(self, payment: Payment, head: Head) -> bool:
        return self._dust_seconds is not None and head.timestamp - payment.since >= self._dust_seconds

    async def _not_under_way(self, payments: Sequence[Payment]) -> list[Payment]:
        kinds = {(payment.contract.address, payment.action) for payment in payments}
        under_way = {kind: await self._sender.under_way(*kind) for kind in kinds}
        return [
            payment
            for payment in payments
            if under_way[payment.contract.address, payment.action].isdisjoint(payment.subjects)
        ]

    # ------------------------------------------------------------------ what it is worth

    async def _values_wei(self, payments: Sequence[Payment], head: Head) -> dict[Payment, int | None]:
        """What each is worth; None where that is not to be weighed."""
        rates: dict[str, tuple[int, int] | None] = {}
        values: dict[Payment, int | None] = {}
        for payment in payments:
            address, rate = payment.contract.address, None
            if payment.value_units is not None and not self._is_overdue(payment, head):
                if address not in rates:
                    rates[address] = await self._rate(payment.contract, head)
                rate = rates[address]
            values[payment] = None if rate is None else wei_down(payment.value_units or 0, *rate)
        return values

    async def _rate(self, contract: Contract, head: Head) -> tuple[int, int] | None:
        """What an ether is worth in a contract's token (1e18), and the token's decimals."""
        of_vault = contract.name == "PayoutVault"
        ether = self._payout_ether if of_vault else self._ether
        if ether is None:
            return None
        if contract.address not in self._decimals:
            rpc = self._sender.rpc
            (token,) = await contract.call(rpc, "payoutToken" if of_vault else "collateralToken")
            (decimals,) = await Contract("TestToken", token).call(rpc, "decimals")
            self._decimals[contract.address] = int(decimals)
        return await ether.collateral_e18(head), self._decimals[contract.address]

    # ------------------------------------------------------------------ what it costs

    async def _weigh(
        self, batch: Sequence[Payment], values: Mapping[Payment, int | None], head: Head
    ) -> list[Intent]:
        """The transactions for a batch: one, if that is cheaper than many; what is dust waits."""
        if len(batch) == 1 and values[batch[0]] is None:
            return [together(batch)]
        quotes = dict(zip(batch, await self._quotes([together([one]) for one in batch]), strict=True))
        # What the contract refuses spoils no other's transaction; alone it says why.
        refused = [payment for payment in batch if quotes[payment].revert]
        good = [payment for payment in batch if not quotes[payment].revert]
        costs = {payment: quote.total_wei for payment, quote in quotes.items()}
        while good:
            way, total_wei = await self._cheapest(good)
            alone = way is None or total_wei >= sum(costs[payment] for payment in good)
            borne = dict(zip(good, shares_up(total_wei, [costs[one] for one in good]), strict=True))
            kept = worth_paying(good, costs if alone else borne, values)
            if kept == good:
                break
            self._left |= {
                one.subjects: head.timestamp + _DUST_PAUSE_SECONDS for one in good if one not in kept
            }
            good = kept
        apart = [together([one], worth_wei=values[one]) for one in good]
        if good and not alone and way is not None:
            apart = [replace(way, worth_wei=_sum([values[one] for one in good]))]
        return [*apart, *(together([payment]) for payment in refused)]

    async def _cheapest(self, payments: Sequence[Payment]) -> tuple[Intent | None, int]:
        """One transaction for all, with helpers if that is cheaper, and its cost; None if it is refused."""
        ways = [together(payments)]
        if any(payment.helpers for payment in payments):
            ways.append(together(payments, helped=True))
        quotes = await self._quotes(ways)
        possible = [(quote.total_wei, n) for n, quote in enumerate(quotes) if not quote.revert]
        if not possible:
            return None, 0
        total_wei, n = min(possible)
        return ways[n], total_wei

    async def _quotes(self, intents: Sequence[Intent]) -> list[Quote]:
        return list(await asyncio.gather(*(self._sender.quote(intent) for intent in intents)))


def _sum(values: Sequence[int | None]) -> int | None:
    """Their sum, if each has one."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
