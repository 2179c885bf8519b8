"""The seed keeper: keeps the budgets filled from which a market's house opens its epochs.

Collateral goes from the sender's wallet through its internal balance into the budget in one transaction; what
the sender holds inside the hub already is not touched. A budget belongs to its market's creator.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from chain_kit.contracts import Answer, Contract, call_many
from chain_kit.errors import ChainKitError, SendError, SettingError
from chain_kit.keepers.effects import allowance_granted, house_funded
from chain_kit.keepers.fundings import Fundings
from chain_kit.keepers.rounds import Head, raise_first, read_head, run_rounds, submit_each
from chain_kit.outbox import Intent, Outcome, Sender
from chain_kit.prices import DAY
from chain_kit.units import format_units

__all__ = ["SeedFundsError", "SeedKeeper", "SeedRound", "SeedRules", "top_up"]

_LOG = logging.getLogger(__name__)
_BUDGET_MAX = 2**80 - 1
"""What a house's budget can be."""


class SeedFundsError(SendError, hint="send the keeper's account more collateral"):
    """The wallet does not hold what the budgets need; the message says how much is missing."""


@dataclass(frozen=True)
class SeedRules:
    """How full a house's budget is kept, in base units of the collateral.

    Below `low_units` it is filled up to `high_units`, with `daily_units` at most on one UTC day, and not with
    less than `least_units` at a time. Raises SettingError for what makes no sense.
    """

    low_units: int
    high_units: int
    daily_units: int
    least_units: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.low_units <= self.high_units <= _BUDGET_MAX:
            raise SettingError(
                f"a low mark of {self.low_units} and a high mark of {self.high_units} base units",
                hint=f"the low one is above zero, the high one no lower, and up to {_BUDGET_MAX}",
            )
        if not 0 < self.least_units <= self.daily_units:
            raise SettingError(
                f"a daily limit of {self.daily_units} base units, {self.least_units} at least at a time",
                hint="both are above zero, and the limit is no lower",
            )


@dataclass(frozen=True)
class SeedRound:
    """What a round has added to which market's budget, and the markets whose daily limit is reached."""

    funded: Mapping[int, int]
    limited: tuple[int, ...]


def top_up(rules: SeedRules, budget_units: int, funded_today_units: int) -> tuple[int, int]:
    """What a budget lacks, and what of that may be added today; both 0 above the low mark."""
    if budget_units >= rules.low_units:
        return 0, 0
    lacking = rules.high_units - budget_units
    allowed = min(lacking, max(0, rules.daily_units - funded_today_units))
    return lacking, allowed if allowed >= rules.least_units else 0


class SeedKeeper:
    """Fills the budgets of the houses of `rules`, market ids and how, from the wallet of the sender.

    The wallet's account must not be in trading mode. Its approval of the hub is renewed for two days' limits
    at a time. A funding is void `patience_seconds` after it was decided, and is worth `worth_wei`; None for
    whatever it costs. Safe to run twice at once, and to be killed at any moment.
    """

    name = "seed"

    def __init__(
        self,
        sender: Sender,
        *,
        hub: str,
        rules: Mapping[int, SeedRules],
        patience_seconds: int = 600,
        worth_wei: int | None = None,
        range_blocks: int = 2_000,
    ) -> None:
        self._sender = sender
        self._hub = Contract("EpochHub", hub)
        self._rules = dict(rules)
        self._patience_seconds = patience_seconds
        self._worth_wei = worth_wei
        self._fundings = Fundings(sender.rpc, self._hub, sender.address, range_blocks=range_blocks)
        self._token: tuple[Contract, str, int] | None = None
        # Markets whose limit was told of, and on which day.
        self._told: set[tuple[int, int]] = set()

    async def run(self, stop: asyncio.Event, poll_seconds: float = 30.0) -> None:
        """Runs rounds until `stop` is set. What may be otherwise in the next round is logged only."""
        await run_rounds(self.name, self.run_once, stop, poll_seconds)

    async def run_once(self) -> SeedRound:
        """One round: goes on with what is under way, then fills the budgets that are below their low marks.

        Raises the first failure, after everything that did not fail; SeedFundsError if the wallet is short.
        """
        await self._sender.reconcile()
        head = await read_head(self._sender.rpc)
        token = await self._collateral()
        markets, wallet_units, allowed_units = await self._read(token, head)
        needs, limited = await self._needs(markets, head)
        amounts: dict[int, int] = {}
        short = 0
        for market_id, needed in needs.items():
            amounts[market_id] = min(needed, wallet_units - sum(amounts.values()))
            short += needed - amounts[market_id]
        amounts = {m: units for m, units in amounts.items() if units >= self._rules[m].least_units}
        if amounts and allowed_units < sum(amounts.values()):
            await self._sender.submit(self._approval(token))
        results: list[Outcome | ChainKitError] = []
        for market_id, units in amounts.items():
            results += await submit_each(self._sender, [await self._funding(market_id, units, head)])
        raise_first(results)
        if short:
            raise SeedFundsError(
                f"{self._sender.address} holds {self._amount(wallet_units)}: the budgets need"
                f" {self._amount(short)} more"
            )
        return SeedRound(amounts, limited)

    # ------------------------------------------------------------------ reading

    async def _read(self, token: Contract, head: Head) -> tuple[dict[int, Answer], int, int]:
        """The markets, what the wallet holds, and what of it the hub may take, all at one block."""
        owner = self._sender.address
        (wallet,), (allowed,), *markets = await call_many(
            self._sender.rpc,
            [
                (token, "balanceOf", (owner,)),
                (token, "allowance", (owner, self._hub.address)),
                *((self._hub, "market", (market_id,)) for market_id in self._rules),
            ],
            block=head.number,
        )
        return {m: market for m, (market,) in zip(self._rules, markets, strict=True)}, wallet, allowed

    async def _needs(
        self, markets: Mapping[int, Answer], head: Head
    ) -> tuple[dict[int, int], tuple[int, ...]]:
        """What is to be added by market, the emptiest first, and the markets whose limit is reached."""
        under_way = await self._sender.under_way(self._hub.address, "seed")
        today: dict[int, int] = {}
        for one in await self._fundings.read(head):
            today[one.market_id] = today.get(one.market_id, 0) + one.units
        needs: dict[int, int] = {}
        limited: list[int] = []
        for market_id in sorted(markets, key=lambda m: (markets[m].houseBudget, m)):
            if str(market_id) in under_way:
                continue
            budget_units = markets[market_id].houseBudget
            lacking, allowed = top_up(self._rules[market_id], budget_units, today.get(market_id, 0))
            if allowed:
                needs[market_id] = allowed
            if allowed < lacking:
                limited.append(market_id)
                self._tell_limit(market_id, markets[market_id].symbol, head)
        return needs, tuple(limited)

    async def _collateral(self) -> Contract:
        if self._token is None:
            (address,) = await self._hub.call(self._sender.rpc, "collateralToken")
            token = Contract("TestToken", address)
            (symbol,), (decimals,) = await call_many(
                self._sender.rpc, [(token, "symbol", ()), (token, "decimals", ())]
            )
            self._token = (token, symbol, decimals)
        return self._token[0]

    # ------------------------------------------------------------------ doing

    def _approval(self, token: Contract) -> Intent:
        # Twice as much as is looked for: what is spent in the same block does not undo the effect.
        day_units = sum(rules.daily_units for rules in self._rules.values())
        return Intent(
            contract=token.address,
            action="approve",
            subjects=(self._hub.address,),
            data=token.encode_call("approve", self._hub.address, 2 * day_units),
            effect=allowance_granted(token.address, self._sender.address, self._hub.address, day_units),
            worth_wei=self._worth_wei,
        )

    async def _funding(self, market_id: int, units: int, head: Head) -> Intent:
        from_block, count = await self._fundings.recent(market_id, head)
        payer = self._sender.address
        calls = [
            self._hub.encode_call("deposit", payer, units),
            self._hub.encode_call("fundHouse", market_id, units),
        ]
        return Intent(
            contract=self._hub.address,
            action="seed",
            subjects=(str(market_id),),
            data=self._hub.encode_call("multicall", calls),
            effect=house_funded(self._hub.address, market_id, payer, from_block=from_block, count=count + 1),
            deadline=head.timestamp + self._patience_seconds,
            worth_wei=self._worth_wei,
        )

    # ------------------------------------------------------------------ telling

    def _tell_limit(self, market_id: int, symbol: str, head: Head) -> None:
        told = (market_id, head.timestamp // DAY)
        if told not in self._told:
            self._told = {told, *(one for one in self._told if one[1] == told[1])}
            limit = self._amount(self._rules[market_id].daily_units)
            _LOG.warning("the house of %s needs more than the day's limit of %s", symbol, limit)

    def _amount(self, units: int) -> str:
        assert self._token is not None
        _, symbol, decimals = self._token
        return f"{format_units(units, decimals)} {symbol}"
