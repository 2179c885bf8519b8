"""What thousands of traders do on a deployment, block by block: the transactions, from a seed."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chain_kit.clob.orders import PRICE_TICK_E18, SIZE_LOT_UNITS, Order, Side, SignedOrder
from chain_kit.clob.settlement import MakerPart, Match
from chain_kit.contracts import Contract
from chain_kit.dev_accounts import dev_signer
from chain_kit.oracle import BoundaryPrice, sign_report
from chain_kit.payouts import PayoutTree
from tests.benchmarks.index_deploy import CHAIN_START, GENESIS, MARKETS, Busy
from tests.keeper_support.kit import OWNER, REPORTERS, ROOT_DELAY, UNIT

__all__ = ["BLOCK_SECONDS", "GAS", "Trading", "Tx"]

EPOCH, BLOCK_SECONDS = 300, 15
WINDOW = 240
FOREVER = 2**64
GAS = hex(3_000_000)
Tx = dict[str, str]


@dataclass
class Trading:
    """Trades on a deployment, block by block. `stakes` are shares that an account is known to have."""

    busy: Busy
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    now: int = CHAIN_START
    epoch: int = 0
    stakes: list[tuple[str, int, int, int]] = field(default_factory=list)
    """(account, market, side, shares) of the running epoch."""
    holders: set[tuple[str, int]] = field(default_factory=set)
    """Who has something of the running epoch, in which market."""
    due: deque[tuple[str, int, int]] = field(default_factory=deque)
    matches: list[Match] = field(default_factory=list)
    """Of orders that are registered."""
    payouts: dict[str, int] = field(default_factory=dict)
    claimable: dict[str, int] = field(default_factory=dict)
    tree: PayoutTree | None = None
    tokens: dict[tuple[int, str], int] = field(default_factory=dict)

    def block(self, timestamp: int) -> list[Tx]:
        """The transactions of a block of that time."""
        self.now = timestamp
        txs: list[Tx] = []
        epoch = max(0, (timestamp - GENESIS) // EPOCH + 1)
        if epoch != self.epoch:
            txs += self._turn(epoch)
        settling, self.matches = self.matches, []
        txs += [self._hub(self.busy.operator, "matchOrders", *match.arguments()) for match in settling]
        acts: dict[Callable[[], list[Tx]], int] = {
            self._buy: 20, self._facade: 10, self._sell: 6, self._split: 14, self._give: 14, self._redeem: 12,
            self._order: 9, self._money: 9, self._claim: 3, self._curve: 6,
        }  # fmt: skip
        for act in self.chance.choices(list(acts), list(acts.values()), k=self.chance.randint(6, 20)):
            txs += act()
        return txs

    def _turn(self, epoch: int) -> list[Tx]:
        """Another epoch: prices of the boundary, the houses' accounts, now and then the vault's root."""
        self.due.extend((account, market, self.epoch) for account, market in sorted(self.holders))
        self.holders.clear()
        self.stakes.clear()
        self.epoch = epoch
        boundary = GENESIS + (epoch - 1) * EPOCH
        busy = self.busy
        prices = [
            BoundaryPrice(feed, boundary, self.chance.randint(30_000, 60_000) * UNIT) for feed in busy.feeds
        ]
        report = sign_report(busy.chain_id, busy.adapter, prices, [dev_signer(n) for n in REPORTERS[:2]])
        txs = [self._call(OWNER, busy.oracle, "post", busy.adapter, report)]
        if epoch > 2:
            txs += [self._hub(OWNER, "settleHouse", market, [epoch - 2]) for market in range(1, MARKETS + 1)]
        if epoch % 20 == 2:
            for trader in self.chance.sample(busy.traders, 40):
                self.payouts[trader] = self.payouts.get(trader, 0) + self.chance.randint(10**6, 10**9)
            self.tree = PayoutTree.build(busy.chain_id, busy.vault.address, self.payouts.items())
            root = (self.tree.root, self.tree.total_units, "ipfs://leaves")
            txs.append(self._call(OWNER, busy.vault, "proposeRoot", *root))
        if epoch % 20 == 2 + ROOT_DELAY // EPOCH + 1:
            txs.append(self._call(OWNER, busy.vault, "activateRoot"))
            self.claimable = dict(self.payouts)
        return txs

    def _call(self, sender: str, contract: Contract, fn: str, *args: Any) -> Tx:
        data = "0x" + contract.encode_call(fn, *args).hex()
        return {"from": sender, "to": contract.address, "data": data, "gas": GAS}

    def _hub(self, sender: str, fn: str, *args: Any) -> Tx:
        return self._call(sender, self.busy.hub, fn, *args)

    def _someone(self) -> str:
        return self.chance.choice(self.busy.traders)

    def _market(self) -> int:
        return self.chance.randint(1, MARKETS)

    @property
    def _open(self) -> bool:
        return self.epoch > 0 and (self.now - GENESIS) % EPOCH < WINDOW

    def _buy(self) -> list[Tx]:
        if not self._open:
            return []
        account, market = self._someone(), self._market()
        self.holders.add((account, market))
        trade = (market, self.chance.randrange(2), self.chance.randint(1, 5 * UNIT), 0, 0, FOREVER)
        return [self._hub(account, "buy", *trade)]

    def _facade(self) -> list[Tx]:
        if not self._open:
            return []
        account, market = self.chance.choice(self.busy.wallets), self._market()
        self.holders.add((account, market))
        buy = self.chance.choice(("buyYes(uint256)", "buyNo(uint256)"))
        facade = self.busy.facades[market - 1]
        return [self._call(account, facade, buy, self.chance.randint(1, 5 * UNIT))]

    def _sell(self) -> list[Tx]:
        if not self._open or not self.stakes:
            return []
        account, market, side, shares = self._stake()
        return [self._hub(account, "sell", market, side, shares, 0, 0, FOREVER)]

    def _stake(self) -> tuple[str, int, int, int]:
        """Half of some stake, which then is the half."""
        number = self.chance.randrange(len(self.stakes))
        account, market, side, shares = self.stakes[number]
        self.stakes[number] = (account, market, side, shares - shares // 2)
        return account, market, side, max(1, shares // 2)

    def _split(self) -> list[Tx]:
        account, market, amount = self._someone(), self._market(), self.chance.randint(UNIT // 10, 5 * UNIT)
        epoch = max(1, self.epoch)
        self.holders.add((account, market))
        self.stakes += [(account, market, side, amount) for side in (0, 1)]
        return [self._hub(account, "split", market, epoch, amount)]

    def _give(self) -> list[Tx]:
        if not self.stakes or not self.epoch:
            return []
        account, market, side, shares = self._stake()
        receiver = self._someone()
        self.holders.add((receiver, market))
        return [self._hub(account, "transfer", receiver, market << 64 | self.epoch << 8 | side, shares)]

    def _redeem(self) -> list[Tx]:
        count = min(4, len(self.due)) if self.due and self.due[0][2] < self.epoch else 0
        owed = [self.due.popleft() for _ in range(count)]
        return [self._hub(OWNER, "redeemFor", account, market, [epoch]) for account, market, epoch in owed]

    def _order(self) -> list[Tx]:
        """Orders of which a match can be made in the next block."""
        market, epoch = self._market(), max(1, self.epoch)
        if (self.now - GENESIS) % EPOCH >= EPOCH - BLOCK_SECONDS:
            return []
        accounts = self.chance.sample(self.busy.traders, self.chance.randint(2, 4))
        price, side = self.chance.randint(100, 900) * PRICE_TICK_E18, self.chance.randrange(2)
        sizes = [self.chance.randint(1, 10**15) * SIZE_LOT_UNITS for _ in accounts[1:]]
        asked = [(accounts[0], side, price, sum(sizes))]
        asked += [
            (account, 1 - side, UNIT - price, size) for account, size in zip(accounts[1:], sizes, strict=True)
        ]
        shared: dict[str, Any] = {"is_buy": True, "fee_bps_max": 200, "expiry": FOREVER, "nonce": 0}
        orders = [
            Order(
                maker,
                market,
                epoch,
                Side(side),
                price_e18=price,
                size_units=size,
                salt=self._salt(),
                **shared,
            )
            for maker, side, price, size in asked
        ]
        parts = tuple(MakerPart(SignedOrder(order), order.size_units, 1000) for order in orders[1:])
        self.matches.append(Match(SignedOrder(orders[0]), parts, 0))
        self.holders.update((account, market) for account in accounts)
        return [self._hub(order.maker, "registerOrder", order.as_struct(), b"") for order in orders]

    def _salt(self) -> int:
        return self.chance.getrandbits(256)

    def _money(self) -> list[Tx]:
        account, amount = self._someone(), self.chance.randint(1, 10 * UNIT)
        return [self._hub(account, self.chance.choice(("deposit", "withdraw")), account, amount)]

    def _claim(self) -> list[Tx]:
        if not self.claimable or self.tree is None:
            return []
        account = self.chance.choice(sorted(self.claimable))
        total = self.claimable.pop(account)
        return [self._call(account, self.busy.vault, "claim", account, total, self.tree.proof(account))]

    def _curve(self) -> list[Tx]:
        number, account = self.chance.randrange(len(self.busy.curves)), self.chance.choice(self.busy.wallets)
        curve = self.busy.curves[number]
        if self.chance.random() < 0.3 and (number, account) in self.tokens:
            tokens = self.tokens.pop((number, account))
            return [self._call(account, curve, "sell", tokens, 0, account, FOREVER)]
        # A tenth of what it buys at the least, so that it can be sold.
        self.tokens[number, account] = 10**15
        amount = self.chance.randint(10**5, 10**7)
        return [self._call(account, curve, "buy", amount, 0, account, FOREVER)]
