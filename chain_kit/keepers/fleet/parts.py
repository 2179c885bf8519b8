"""Keepers as a configuration describes them, all with one sender."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from chain_kit.contracts import Contract
from chain_kit.keepers.accruals import AccrualFile
from chain_kit.keepers.claim import ClaimKeeper, ClaimSource
from chain_kit.keepers.config import FleetConfig
from chain_kit.keepers.config.keepers import ClaimConfig, ResolveConfig, RootConfig, SeedConfig
from chain_kit.keepers.config.prices import close_all
from chain_kit.keepers.config.trade import TradeConfig
from chain_kit.keepers.fleet.rounds import Keeper
from chain_kit.keepers.resolve import ResolveKeeper
from chain_kit.keepers.root import RootKeeper
from chain_kit.keepers.seed import SeedKeeper, SeedRules
from chain_kit.keepers.trade import TradeKeeper
from chain_kit.keepers.trade.book import ChainBook
from chain_kit.keepers.trade.paper import PaperBook
from chain_kit.keepers.trade.prices import EtherPrice, FeedEther, FixedEther
from chain_kit.manifest import Manifest, TokenRecord
from chain_kit.oracle import TypedDataSigner
from chain_kit.outbox import Sender
from chain_kit.price_sources import PriceSource
from chain_kit.units import parse_units

__all__ = ["FeedPrices", "KeeperParts", "choose_names"]

_PAPER_FILE = "paper.json"


class FeedPrices:
    """The sources of several feeds as one."""

    def __init__(self, sources: Mapping[str, PriceSource]) -> None:
        self._sources = dict(sources)

    @classmethod
    def of(cls, config: FleetConfig) -> FeedPrices:
        """Those of a configuration. Raises PriceFileError."""
        folder = config.outbox.parent if isinstance(config.outbox, Path) else None
        return cls({feed: price.source(folder) for feed, price in config.prices.items()})

    async def aclose(self) -> None:
        """Closes the connections of all of them."""
        await close_all(self._sources.values())

    async def price_e18(self, feed: str, boundary: int) -> int | None:
        """What the feed's own source says; None for another feed. Raises PriceSourceError."""
        source = self._sources.get(feed)
        return await source.price_e18(feed, boundary) if source is not None else None

    async def run(self, stop: asyncio.Event) -> None:
        """Lets all of them observe until `stop` is set."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources.values():
                group.create_task(source.run(stop))


def choose_names(config: FleetConfig, wanted: Sequence[str]) -> tuple[str, ...]:
    """The names of the keepers that are to run; `wanted` may say "trade" for all of that kind, none is all.

    Raises ConfigError for one that is not configured.
    """
    known = config.keepers.names
    if not wanted:
        return known
    for name in wanted:
        if not any(name in (one, one.partition(":")[0]) for one in known):
            raise config.refuse(f"no keeper {name!r} in it", f"keepers there: {', '.join(known)}")
    return tuple(one for one in known if one in wanted or one.partition(":")[0] in wanted)


class KeeperParts:
    """What keepers are made of, but for the sender. `claims` is who knows where something is owed.

    `paper`: all trade keepers trade on paper, not those only that the file says; None: none of them does.
    """

    def __init__(
        self,
        config: FleetConfig,
        manifest: Manifest,
        *,
        names: Sequence[str],
        quorum: Sequence[TypedDataSigner] = (),
        claims: ClaimSource | None = None,
        paper: bool | None = False,
        alarm: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.prices = FeedPrices.of(config)
        self._spots = {feed: price.spot() for feed, price in config.prices.items()}
        self._config = config
        self._manifest = manifest
        self._names = names
        self._quorum = quorum
        self._claims = claims
        self._paper = paper
        self._alarm = alarm

    async def aclose(self) -> None:
        """Closes the connections of all sources."""
        await self.prices.aclose()
        await close_all(self._spots.values())

    def keepers(self, sender: Sender) -> list[tuple[str, Keeper, float]]:
        """Each keeper that is to run, with its name and the pause between its rounds (seconds).

        Raises a StoreError for a paper book that cannot be used.
        """
        configs, made = self._config.keepers, list[tuple[str, Keeper, float]]()
        if configs.resolve is not None:
            made.append(("resolve", self._resolve(sender, configs.resolve), configs.resolve.poll_seconds))
        if configs.claim is not None and self._claims is not None:
            claim = self._claim(sender, configs.claim, self._claims)
            made.append(("claim", claim, configs.claim.poll_seconds))
        if configs.root is not None:
            made.append(("root", self._root(sender, configs.root), configs.root.poll_seconds))
        if configs.seed is not None:
            made.append(("seed", self._seed(sender, configs.seed), configs.seed.poll_seconds))
        hub = Contract("EpochHub", self._address("EpochHub"))
        turn, book = asyncio.Lock(), ChainBook(sender.rpc, hub, sender.address)
        papers: dict[Path, PaperBook] = {}
        for trade in configs.trade:
            if trade.name in self._names:
                paper = self._paper_book(trade, sender, hub, papers)
                made.append((trade.name, self._trade(trade, sender, turn, book, paper), trade.poll_seconds))
        return [one for one in made if one[0] in self._names]

    # ------------------------------------------------------------------ one of each kind

    def _address(self, name: str) -> str:
        return self._manifest.address(name)

    def _resolve(self, sender: Sender, config: ResolveConfig) -> ResolveKeeper:
        return ResolveKeeper(
            sender,
            hub=self._address("EpochHub"),
            oracle=self._address("BoundaryOracle"),
            adapter=self._address("SignedReportAdapter"),
            source=self.prices,
            quorum=self._quorum,
            race=self._races(),
            batch_size=config.batch_size,
            grace_seconds=config.grace_seconds,
            worth_wei=config.worth_wei,
            void_worth_wei=config.void_worth_wei,
        )

    def _claim(self, sender: Sender, config: ClaimConfig, claims: ClaimSource) -> ClaimKeeper:
        has_ether = config.ether_e18 is not None or config.ether_feed is not None
        return ClaimKeeper(
            sender,
            hub=self._address("EpochHub"),
            source=claims,
            race=self._races(),
            vault=self._address("PayoutVault"),
            payouts=config.payouts,
            chunk=config.chunk,
            least_units=_units(config.least, self._manifest.collateral),
            least_payout_units=_units(config.least_payout, self._manifest.payout_token),
            ether=self._ether(config, sender) if has_ether else None,
            dust_seconds=config.dust_seconds,
            in_flight=config.in_flight,
            lookback_epochs=config.lookback_epochs,
        )

    def _root(self, sender: Sender, config: RootConfig) -> RootKeeper:
        token = self._manifest.payout_token
        return RootKeeper(
            sender,
            vault=self._address("PayoutVault"),
            accruals=AccrualFile(config.accruals, decimals=token.decimals),
            folder=config.folder,
            base_uri=config.base_uri,
            least_units=_units(config.least, token),
            worth_wei=config.worth_wei,
        )

    def _seed(self, sender: Sender, config: SeedConfig) -> SeedKeeper:
        token = self._manifest.collateral
        return SeedKeeper(
            sender,
            hub=self._address("EpochHub"),
            rules={
                self._manifest.market(house.market).market_id: SeedRules(
                    low_units=parse_units(house.low, token.decimals),
                    high_units=parse_units(house.high, token.decimals),
                    daily_units=parse_units(house.daily, token.decimals),
                    least_units=_units(house.least, token),
                )
                for house in config.houses
            },
            patience_seconds=config.patience_seconds,
            worth_wei=config.worth_wei,
        )

    def _races(self) -> str | None:
        return self._address("RaceMarket") if self._manifest.races else None

    def _paper_book(
        self, trade: TradeConfig, sender: Sender, hub: Contract, papers: dict[Path, PaperBook]
    ) -> PaperBook | None:
        """The book of a keeper that trades on paper; keepers with one file have one book."""
        path = trade.paper if self._paper is not None else None
        if path is None and self._paper:
            folder = self._config.outbox.parent if isinstance(self._config.outbox, Path) else Path()
            path = folder / _PAPER_FILE
        if path is None:
            return None
        if path not in papers:
            papers[path] = PaperBook(path, sender.rpc, hub, sender.chain_id)
        return papers[path]

    def _trade(
        self,
        trade: TradeConfig,
        sender: Sender,
        turn: asyncio.Lock,
        book: ChainBook,
        paper: PaperBook | None,
    ) -> TradeKeeper:
        market = self._manifest.market(trade.market)
        decimals = self._manifest.collateral.decimals
        return TradeKeeper(
            sender,
            hub=self._address("EpochHub"),
            market_id=market.market_id,
            strategy=trade.make_strategy(decimals),
            spot=self._spots[market.feed],
            ether=self._ether(trade, sender),
            rules=trade.rules(decimals),
            through=trade.through,
            starts=self.prices,
            book=book,
            paper=paper,
            turn=turn,
            alarm=self._alarm,
        )

    def _ether(self, config: TradeConfig | ClaimConfig, sender: Sender) -> EtherPrice:
        if config.ether_e18 is not None:
            return FixedEther(config.ether_e18)
        assert config.ether_feed is not None
        oracle = Contract("BoundaryOracle", self._address("BoundaryOracle"))
        return FeedEther(sender.rpc, oracle, config.ether_feed)


def _units(amount: str | None, token: TokenRecord) -> int:
    """An amount of a token in base units; the least there is if it is not given."""
    return parse_units(amount, token.decimals) if amount is not None else 1
