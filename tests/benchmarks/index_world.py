"""A model of the contracts at scale: many markets and traders, consistent books, logs by the thousand.

It trades as `index_market` does on the real contracts, in the same proportions, at a hundred times the speed:
nobody sells, gives or redeems what he does not have, and the house never quotes more than it holds. Values
are integers everywhere, addresses too; a log is (address, topics, data).
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from chain_kit.units import keccak256
from indexer.deployment import Deployment
from tests.benchmarks.index_world_logs import RawLog, emitter, log_with_text
from tests.benchmarks.index_world_orders import match

__all__ = ["EPOCH", "Plan", "World"]

Transaction = list[RawLog]
EPOCH = 300
UNIT = 10**18
DEADLINE = 3 * EPOCH


@dataclass(frozen=True)
class Plan:
    """How large the world is. `actions` are those of a block on average; one logs two or three times."""

    markets: int = 20
    traders: int = 2_000
    block_seconds: int = 15
    actions: int = 13
    seed: int = 1


def _address(name: str) -> int:
    return int.from_bytes(keccak256(name.encode())[-20:], "big")


class World:
    """Trades block by block. `symbols` are the markets' names in the order of their ids, from 1."""

    def __init__(self, deployment: Deployment, plan: Plan, genesis: int) -> None:
        self.plan = plan
        self.genesis = genesis
        self.chance = random.Random(plan.seed)
        self.traders = [_address(f"trader {number}") for number in range(plan.traders)]
        self.hub_account = int(deployment.hub, 16)
        self._log_with(deployment)
        self.creator, self.operator = _address("creator"), _address("operator")
        self.balance = [0] * plan.traders
        self.held: dict[tuple[int, int, int], list[int]] = {}
        """(trader, market, epoch) -> YES and NO."""
        self.house: dict[tuple[int, int], list[int]] = {}
        self.holders: dict[int, list[tuple[int, int]]] = {}
        """Epoch -> who has had something of it, in which market."""
        self.due: deque[tuple[int, int, int]] = deque()
        """Positions of ended epochs."""
        self.claimed = [0] * plan.traders
        self.payable = 0
        self.curve_tokens = [[0] * plan.traders for _ in deployment.curves]
        self.raised = [0] * len(deployment.curves)
        self.epoch = 0
        self.prices: dict[tuple[int, int], int] = {}
        self._acts = self._weighted()

    def _log_with(self, deployment: Deployment) -> None:
        hub, oracle, vault = (a.lower() for a in (deployment.hub, deployment.oracle, deployment.vault))
        token, usdc = deployment.collateral.address.lower(), deployment.payout_token.address.lower()
        self.vault_account = int(vault, 16)
        self.hub = {
            name: emitter(hub, "EpochHub", name)
            for name in (
                "Deposited", "Withdrawn", "Split", "Redeemed", "Bought", "Sold", "HouseOpened", "HouseFunded",
                "HouseSettled", "OrderFilled", "FeesCharged", "OrderRegistered", "Transfer",
            )
        }  # fmt: skip
        self.posted = emitter(oracle, "BoundaryOracle", "BoundaryPosted")
        self.registered = emitter(oracle, "BoundaryOracle", "FeedRegistered")
        self.root_activated = emitter(vault, "PayoutVault", "RootActivated")
        self.claim = emitter(vault, "PayoutVault", "Claimed")
        self.token = emitter(token, "TestToken", "Transfer")
        self.usdc = emitter(usdc, "TestToken", "Transfer")
        found = (str(getattr(curve, "address", curve)) for curve in deployment.curves.values())
        self.curves = [
            (
                int(a, 16),
                emitter(a.lower(), "MrtCurve", "CurveBought"),
                emitter(a.lower(), "MrtCurve", "CurveSold"),
            )
            for a in found
        ]
        self._hub_address, self._vault_address = hub, vault

    def _weighted(self) -> list[Callable[[], Transaction]]:
        weights: dict[Callable[[], Transaction], int] = {
            self._buy: 22, self._sell: 6, self._split: 14, self._give: 14, self._redeem: 20, self._match: 9,
            self._deposit: 5, self._withdraw: 4, self._claim: 3, self._curve_buy: 4, self._curve_sell: 2,
        }  # fmt: skip
        return [act for act, weight in weights.items() for _ in range(weight)]

    def set_up(self) -> list[Transaction]:
        """Feeds, markets, budgets, and everybody's first deposit: the first block."""
        txs: list[Transaction] = []
        for market in range(1, self.plan.markets + 1):
            txs += [[self.registered(self._feed(market), market, _address("adapter"), DEADLINE)]]
            txs += [[self._market_created(market)]]
            budget = 10**9 * UNIT
            txs += [
                [
                    self.hub["Deposited"](self.creator, self.creator, budget),
                    self._paid_in(self.creator, budget),
                ]
            ]
            txs += [[self.hub["HouseFunded"](market, self.creator, budget)]]
        return txs + [self._pay_in(trader, 10**5 * UNIT) for trader in range(self.plan.traders)]

    def block(self, timestamp: int) -> list[Transaction]:
        """What happens in a block of that time."""
        epoch = max(0, (timestamp - self.genesis) // EPOCH + 1)
        txs: list[Transaction] = []
        while self.epoch < epoch:
            self.epoch += 1
            txs += self._turn()
        actions = self.chance.randint(self.plan.actions // 2, self.plan.actions * 3 // 2)
        return txs + [tx for tx in (self.chance.choice(self._acts)() for _ in range(actions)) if tx]

    def _turn(self) -> list[Transaction]:
        """An epoch ends, another begins: prices, the house's accounts, now and then the vault's root."""
        boundary = self.genesis + (self.epoch - 1) * EPOCH
        posts = []
        for market in range(1, self.plan.markets + 1):
            price = self.chance.randint(30_000 * UNIT, 60_000 * UNIT)
            self.prices[market, self.epoch] = price
            posts.append(self.posted(self._feed(market), boundary, price))
        self.due.extend(
            (trader, market, self.epoch - 1) for trader, market in self.holders.pop(self.epoch - 1, [])
        )
        txs = [posts]
        if self.epoch > 2:
            ended = [
                (m, self.epoch - 2)
                for m in range(1, self.plan.markets + 1)
                if (m, self.epoch - 2) in self.house
            ]
            txs.append([self._settled(*one) for one in ended])
        if self.epoch % 20 == 1:
            txs += self._root()
        return txs

    def _settled(self, market: int, epoch: int) -> RawLog:
        yes, no = self.house.pop((market, epoch))
        return self.hub["HouseSettled"](market, epoch, yes, no, self._worth(market, epoch, yes, no))

    def _worth(self, market: int, epoch: int, yes: int, no: int) -> int:
        start, end = self.prices[market, epoch], self.prices[market, epoch + 1]
        return yes if end > start else no if end < start else (yes + no) // 2

    def _feed(self, market: int) -> int:
        return int.from_bytes(f"F{market}/USD".encode().ljust(32, b"\0"), "big")

    def _market_created(self, market: int) -> RawLog:
        values = {
            "marketId": market, "facade": f"0x{_address(f'facade {market}'):040x}", "symbol": f"M{market}",
            "feed": self._feed(market).to_bytes(32, "big"), "creator": f"0x{self.creator:040x}",
            "genesis": self.genesis, "liquidity": 100 * UNIT, "feeBps": 100, "closingLiquidityBps": 10_000,
            "closingFeeBps": 100, "dailyBudget": 10**9 * UNIT,
        }  # fmt: skip
        return log_with_text(self._hub_address, "EpochHub", "MarketCreated", values)

    def _root(self) -> list[Transaction]:
        root, total = self.chance.getrandbits(256), sum(self.claimed) + 10**12
        self.payable = 10**12
        values = {
            "root": root.to_bytes(32, "big"), "total": total, "uri": "ipfs://leaves",
            "activeAt": self.genesis + self.epoch * EPOCH,
        }  # fmt: skip
        funding = self.usdc(self.creator, self.vault_account, 10**12)
        proposed = log_with_text(self._vault_address, "PayoutVault", "RootProposed", values)
        return [[funding], [proposed], [self.root_activated(root, total)]]

    def someone(self) -> int:
        """A trader, by number."""
        return self.chance.randrange(self.plan.traders)

    def some_market(self) -> int:
        """A market, by its id."""
        return self.chance.randint(1, self.plan.markets)

    def _paid_in(self, payer: int, amount: int) -> RawLog:
        return self.token(payer, self.hub_account, amount)

    def _pay_in(self, trader: int, amount: int) -> Transaction:
        self.balance[trader] += amount
        account = self.traders[trader]
        return [self.hub["Deposited"](account, account, amount), self._paid_in(account, amount)]

    def _deposit(self) -> Transaction:
        return self._pay_in(self.someone(), self.chance.randint(1, 1_000 * UNIT))

    def _withdraw(self) -> Transaction:
        trader = self.someone()
        amount = self.balance[trader] // self.chance.randint(10, 1000)
        if not amount:
            return []
        self.balance[trader] -= amount
        account = self.traders[trader]
        return [
            self.hub["Withdrawn"](account, account, amount),
            self.token(self.hub_account, account, amount),
        ]

    def _transfer(self, sender: int, receiver: int, position: tuple[int, int, int], amount: int) -> RawLog:
        market, epoch, side = position
        caller = sender or receiver
        return self.hub["Transfer"](caller, sender, receiver, market << 64 | epoch << 8 | side, amount)

    def shares_of(self, trader: int, market: int, epoch: int) -> list[int]:
        """YES and NO of a trader, to be changed in place."""
        key = (trader, market, epoch)
        found = self.held.get(key)
        if found is None:
            found = self.held[key] = [0, 0]
            self.holders.setdefault(epoch, []).append((trader, market))
        return found

    def _split(self) -> Transaction:
        trader, market, epoch = self.someone(), self.some_market(), max(1, self.epoch)
        amount = self.chance.randint(1, 10 * UNIT)
        if self.balance[trader] < amount:
            return []
        self.balance[trader] -= amount
        shares, account = self.shares_of(trader, market, epoch), self.traders[trader]
        for side in (0, 1):
            shares[side] += amount
        return [
            self.hub["Split"](market, epoch, account, amount),
            *(self._transfer(0, account, (market, epoch, side), amount) for side in (0, 1)),
        ]

    def _buy(self) -> Transaction:
        trader, market, epoch = self.someone(), self.some_market(), self.epoch
        side, wallet = self.chance.randrange(2), self.chance.random() < 0.33
        amount = self.chance.randint(1, 10 * UNIT)
        if not epoch or (not wallet and self.balance[trader] < amount):
            return []
        account = self.traders[trader]
        logs = [self._paid_in(account, amount)] if wallet else []
        if not wallet:
            self.balance[trader] -= amount
        if (market, epoch) not in self.house:
            self.house[market, epoch] = [100 * UNIT, 100 * UNIT]
            logs.append(self.hub["HouseOpened"](market, epoch, 100 * UNIT))
        house = self.house[market, epoch]
        shares = amount + house[side] * amount // (2 * (house[side] + amount))
        house[side] += amount - shares
        house[1 - side] += amount
        self.shares_of(trader, market, epoch)[side] += shares
        bought = self.hub["Bought"](market, epoch, account, side, amount, amount // 100, shares, wallet)
        return [*logs, bought, self._transfer(0, account, (market, epoch, side), shares)]

    def _holding(self) -> tuple[int, int, int] | None:
        """A position of the running epoch with shares on some side: trader, market, side."""
        holders = self.holders.get(self.epoch)
        if not holders:
            return None
        trader, market = self.chance.choice(holders)
        shares, side = self.held[trader, market, self.epoch], self.chance.randrange(2)
        side = side if shares[side] else 1 - side
        return (trader, market, side) if shares[side] else None

    def _sell(self) -> Transaction:
        found = self._holding()
        if found is None or (found[1], self.epoch) not in self.house:
            return []
        (trader, market, side), epoch = found, self.epoch
        held, house = self.held[trader, market, epoch], self.house[market, epoch]
        shares = max(1, held[side] // self.chance.randint(1, 4))
        amount = min(shares // 2, house[1 - side] // 2, house[side] + shares)
        if not amount:
            return []
        held[side] -= shares
        house[side] += shares - amount
        house[1 - side] -= amount
        account, wallet = self.traders[trader], self.chance.random() < 0.33
        logs = [
            self._transfer(account, 0, (market, epoch, side), shares),
            self.hub["Sold"](market, epoch, account, side, shares, amount // 100, amount, wallet),
        ]
        if wallet:
            return [*logs, self.token(self.hub_account, account, amount)]
        self.balance[trader] += amount
        return logs

    def _give(self) -> Transaction:
        found, receiver = self._holding(), self.someone()
        if found is None or found[0] == receiver:
            return []
        trader, market, side = found
        held = self.held[trader, market, self.epoch]
        amount = max(1, held[side] // self.chance.randint(1, 4))
        held[side] -= amount
        self.shares_of(receiver, market, self.epoch)[side] += amount
        return [
            self._transfer(self.traders[trader], self.traders[receiver], (market, self.epoch, side), amount)
        ]

    def _match(self) -> Transaction:
        return match(self)

    def _redeem(self) -> Transaction:
        # Those of the epochs that ended first, three at a time; nobody comes for all of them in time.
        logs: Transaction = []
        while self.due and self.due[0][2] < self.epoch and len(logs) < 7:
            logs += self._redeemed(*self.due.popleft())
        return logs

    def _redeemed(self, trader: int, market: int, epoch: int) -> list[RawLog]:
        yes, no = self.held.pop((trader, market, epoch))
        if not yes and not no:
            return []
        account, payout = self.traders[trader], self._worth(market, epoch, yes, no)
        logs = [
            self._transfer(account, 0, (market, epoch, side), amount)
            for side, amount in ((0, yes), (1, no))
            if amount
        ]
        logs.append(self.hub["Redeemed"](market, epoch, account, yes, no, payout))
        return [*logs, self.token(self.hub_account, account, payout)] if payout else logs

    def _claim(self) -> Transaction:
        trader = self.someone()
        amount = min(self.payable, self.chance.randint(1, 10**9))
        if not amount:
            return []
        self.payable -= amount
        self.claimed[trader] += amount
        account = self.traders[trader]
        claimed = self.claim(account, account, amount, self.claimed[trader])
        return [claimed, self.usdc(self.vault_account, account, amount)]

    def _curve_buy(self) -> Transaction:
        number, trader = self.chance.randrange(len(self.curves)), self.someone()
        curve, bought, _ = self.curves[number]
        amount, account = self.chance.randint(1000, 10**8), self.traders[trader]
        tokens, fee = amount * 10**15, amount // 400
        self.raised[number] += amount - fee
        self.curve_tokens[number][trader] += tokens
        return [self.usdc(account, curve, amount), bought(account, account, amount, fee, tokens)]

    def _curve_sell(self) -> Transaction:
        number, trader = self.chance.randrange(len(self.curves)), self.someone()
        curve, _, sold = self.curves[number]
        tokens = self.curve_tokens[number][trader] // 2
        gross = min(tokens // 10**15, self.raised[number])
        if not gross:
            return []
        self.curve_tokens[number][trader] -= tokens
        self.raised[number] -= gross
        fee, account = gross // 400, self.traders[trader]
        return [sold(account, account, tokens, fee, gross - fee), self.usdc(curve, account, gross - fee)]
