"""The demo's second half: waiting for the keepers, and paying the payout root."""

from __future__ import annotations

from chain_kit.cli.local.clock import advance_to, until
from chain_kit.cli.local.habits import seeded
from chain_kit.cli.local.system import LocalSystem
from chain_kit.cli.local.trader import Desk, Wallet
from chain_kit.contracts import Contract, call_many
from chain_kit.keepers import EFFECTS, FixedAccruals, RootKeeper
from chain_kit.oracle import feed_id
from chain_kit.outbox import Sender
from chain_kit.payouts import PayoutTree, claim_to_typed_data
from chain_kit.prices import EPOCH, PriceSeries

__all__ = ["Settling"]

_NONE, _POSTED = 0, 1
_OPEN = 0
_OUTCOMES = ("open", "YES", "NO", "VOID")
_USDC = 10**6
_SETTLE_SECONDS = 180.0


class Settling:
    """Brings a demo's epochs to their ends."""

    def __init__(self, system: LocalSystem, desk: Desk, series: PriceSeries) -> None:
        self._system = system
        self._desk = desk
        self._series = series
        manifest = desk.manifest
        self._feed = manifest.feeds[manifest.market(desk.symbol).feed]
        self._oracle = Contract("BoundaryOracle", manifest.address("BoundaryOracle"))
        self._vault = Contract("PayoutVault", manifest.address("PayoutVault"))

    async def close_epoch(self, epoch: int) -> str:
        """Lets the epoch end and waits for its price, if there is one to come; says how it ended."""
        end = self._desk.genesis + epoch * EPOCH
        await advance_to(self._system.anvil, end, mine=True)
        if self._series.price_e18(end) is not None:
            await until(f"price at {end}", lambda: self._is_posted(end), self._system.children)
        outcome, _, _ = await self._desk.hub.call(self._desk.rpc, "outcomeOf", self._desk.market_id, epoch)
        missing = "" if outcome else " (a price is missing: void after its deadline)"
        return f"epoch {epoch:>3}: {_OUTCOMES[outcome]}{missing}"

    async def _is_posted(self, boundary: int) -> bool:
        status, _ = await self._oracle.call(self._desk.rpc, "boundaryOf", feed_id(self._feed.name), boundary)
        return bool(status == _POSTED)

    async def settle_all(self, epochs: int) -> None:
        """Goes past the deadline of prices that will not come, then waits until everybody is paid."""
        boundaries = [self._desk.genesis + number * EPOCH for number in range(epochs + 1)]
        missing = [boundary for boundary in boundaries if self._series.price_e18(boundary) is None]
        if missing:
            await advance_to(self._system.anvil, missing[-1] + self._feed.deadline + 1, mine=True)
        await until(
            "redemption of all shares",
            lambda: self._is_paid(epochs),
            self._system.children,
            timeout_seconds=_SETTLE_SECONDS,
        )

    async def _is_paid(self, epochs: int) -> bool:
        """Whether nobody has anything to claim and the house has settled, by the chain's word."""
        desk = self._desk
        numbers = range(1, epochs + 1)
        of_epochs = [(fn, (desk.market_id, epoch)) for epoch in numbers for fn in ("outcomeOf", "epochState")]
        answers = iter(await call_many(desk.rpc, [(desk.hub, fn, arguments) for fn, arguments in of_epochs]))
        for outcome, state in zip(answers, answers, strict=True):
            if outcome[0] == _OPEN or (state.houseYes and not state.settled):
                return False
        accounts = [wallet.address for wallet in desk.wallets]
        due = [(desk.hub, "claimable", (desk.market_id, epoch, a)) for epoch in numbers for a in accounts]
        return not any(answer[0] for answer in await call_many(desk.rpc, due))

    # ---------------------------------------------------------------- the vault

    async def pay_root(self, seed: int) -> None:
        """The operator publishes what each account has earned, posts the root, and the accounts claim."""
        desk, system = self._desk, self._system
        manifest = desk.manifest
        chance = seeded(seed, "payouts")
        earned = [(wallet.address, chance.randint(1, 2_000) * _USDC // 100) for wallet in desk.wallets]
        tree = PayoutTree.build(manifest.chain_id, self._vault.address, earned)
        tree.save(system.files.payouts)
        # A fifth more than is owed, so that there is a surplus to see.
        await system.fund([self._vault.address], collateral_units=0, usdc_units=tree.total_units * 6 // 5)
        await self._post_root(tree)
        for number, wallet in enumerate(desk.wallets):
            await self._claim(tree, number, wallet)

    async def _post_root(self, tree: PayoutTree) -> None:
        """Proposes the root, lets the vault's delay pass, and makes it the active one."""
        system = self._system
        operator = system.roles.signer(system.roles.deployer)
        outbox = system.files.outbox("root")
        async with await Sender.open(self._desk.rpc, outbox, operator, EFFECTS, poll_seconds=0.05) as sender:
            keeper = RootKeeper(
                sender,
                vault=self._vault.address,
                accruals=FixedAccruals(tree.totals),
                folder=system.files.payouts.with_suffix(""),
            )
            status = await keeper.run_once()
            if status.active_at is not None:
                await advance_to(system.anvil, status.active_at, mine=True)
                await keeper.run_once()

    async def _claim(self, tree: PayoutTree, number: int, wallet: Wallet) -> None:
        total, proof = tree.totals[wallet.address], list(tree.proof(wallet.address))
        if number % 4 != 3:
            await wallet.send(self._vault, "claim", wallet.address, total, proof)
            return
        # Every fourth lets a neighbour send its claim, to an address of its choice.
        expiry = await self._system.anvil.timestamp() + EPOCH
        message = claim_to_typed_data(
            tree.chain_id,
            tree.vault,
            account=wallet.address,
            recipient=wallet.address,
            total_units=total,
            expiry=expiry,
        )
        signature = wallet.signer.sign_typed_data(message)
        neighbour = self._desk.wallets[number - 1]
        await neighbour.send(
            self._vault, "claimTo", wallet.address, wallet.address, total, proof, expiry, signature
        )
