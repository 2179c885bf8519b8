"""What is to be deployed. The same specification twice deploys once.

Amounts of tokens are base units, times seconds, fees basis points. Where `owner` and the other roles are
None, the deployer gets them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from chain_kit.deploy.feed_specification import REPORTS, ChainlinkSpec, FeedSpec, PythSpec
from chain_kit.errors import SettingError
from chain_kit.units import checksum_address, keccak256, parse_units

__all__ = ["EPOCH", "TEST_FACTORY", "DeploymentSpec", "MarketSpec", "RaceSpec", "TokenSpec"]

EPOCH = 300
TEST_FACTORY = "test"
LEAST_ROOT_DELAY = 600
"""Seconds. With no delay whoever may propose a payout root takes all that is unclaimed at once."""
LEAST_TIMELOCK_DELAY, MOST_TIMELOCK_DELAY = 600, 30 * 86_400
"""Seconds. With less nobody could leave before what is announced; with more nothing could be mended."""
MOST_DAILY_BUDGET = 2**80 - 1
MOST_FEE_BPS = 1000
BPS = 10_000
MOST_ASSETS, MOST_POSITIONS = 16, 5


@dataclass(frozen=True)
class TokenSpec:
    """A token that is there already (`address`), or a test token to be made."""

    symbol: str
    decimals: int
    address: str | None = None


@dataclass(frozen=True)
class MarketSpec:
    """A market with its reward token. Raises SettingError for what the contracts would refuse.

    `genesis` is the start of epoch 1; None takes the next boundary. `house_budget` is what the deployer
    gives the house when the market is created; `daily_budget` the most that may leave it on one day, None
    all of it, or where it has none, no limit. `closing_fee_bps` is three times `fee_bps` where it is None.
    """

    symbol: str
    feed: str
    liquidity: int
    fee_bps: int = 100
    closing_liquidity_bps: int = 2500
    closing_fee_bps: int | None = None
    house_budget: int = 0
    daily_budget: int | None = None
    genesis: int | None = None
    curve_target: int = parse_units("100", 6)
    curve_fee_bps: int = 25
    curve_creator_share_bps: int = 8000
    pool_stakers_bps: int = 6000
    pool_creator_bps: int = 2500

    def __post_init__(self) -> None:
        _check_genesis("market", self.symbol, self.genesis)
        if not 1 <= self.closing_liquidity_bps <= BPS:
            raise SettingError(
                f"market {self.symbol} has closing_liquidity_bps {self.closing_liquidity_bps}",
                hint=f"what is left of the liquidity at the end of the window, from 1 to {BPS}",
            )
        if self.final_fee_bps < self.fee_bps:
            raise SettingError(
                f"market {self.symbol} has fee_bps {self.fee_bps}, closing_fee_bps {self.final_fee_bps}",
                hint="the fee may rise towards the end of the window, not fall",
            )
        if not 0 <= self.most_spent_daily <= MOST_DAILY_BUDGET:
            raise SettingError(
                f"market {self.symbol} has daily_budget {self.most_spent_daily} base units",
                hint=f"at most {MOST_DAILY_BUDGET} base units",
            )
        if self.pool_stakers_bps + self.pool_creator_bps > BPS:
            raise SettingError(
                f"market {self.symbol} has pool_stakers_bps {self.pool_stakers_bps}, "
                f"pool_creator_bps {self.pool_creator_bps}",
                hint=f"together at most {BPS}; the rest is the treasury's",
            )

    @property
    def final_fee_bps(self) -> int:
        """The house's fee at the end of the window."""
        if self.closing_fee_bps is not None:
            return self.closing_fee_bps
        return max(self.fee_bps, min(3 * self.fee_bps, MOST_FEE_BPS))

    @property
    def most_spent_daily(self) -> int:
        """The most that may leave the house's budget on one day, in base units."""
        if self.daily_budget is not None:
            return self.daily_budget
        return min(self.house_budget, MOST_DAILY_BUDGET) or MOST_DAILY_BUDGET

    @property
    def token_name(self) -> str:
        """The reward token's name: "BTC Perpetual MRT"."""
        return f"{self.symbol} Perpetual MRT"

    @property
    def token_symbol(self) -> str:
        """The reward token's symbol: "BTC-PERP-MRT"."""
        return f"{self.symbol}-PERP-MRT"


@dataclass(frozen=True)
class RaceSpec:
    """A race of 2 to 16 feeds for the first `positions` places, 1 to 5. Raises SettingError for others."""

    symbol: str
    assets: tuple[str, ...]
    positions: int
    genesis: int | None = None

    def __post_init__(self) -> None:
        _check_genesis("race", self.symbol, self.genesis)
        different = len(set(self.assets)) == len(self.assets)
        if not (different and 2 <= len(self.assets) <= MOST_ASSETS):
            raise SettingError(
                f"race {self.symbol} is between {', '.join(self.assets) or 'none'}",
                hint=f"name 2 to {MOST_ASSETS} different feeds",
            )
        most = min(len(self.assets), MOST_POSITIONS)
        if not 1 <= self.positions <= most:
            raise SettingError(
                f"race {self.symbol} has {self.positions} positions",
                hint=f"from 1 to {most} with these assets",
            )


@dataclass(frozen=True)
class DeploymentSpec:
    """A whole deployment: tokens, contracts, feeds, markets and races.

    `feeds` need only be those that have more than the signed reports' adapter. Raises SettingError at
    construction for what the contracts would refuse.
    """

    reporters: tuple[str, ...]
    """Who signs price reports."""
    report_threshold: int
    markets: tuple[MarketSpec, ...]
    races: tuple[RaceSpec, ...] = ()
    feeds: tuple[FeedSpec, ...] = ()
    pyth: PythSpec = field(default_factory=PythSpec)
    chainlink: ChainlinkSpec = field(default_factory=ChainlinkSpec)
    collateral: TokenSpec = TokenSpec("CYM1", 18)
    payout_token: TokenSpec = TokenSpec("USDC", 6)
    pool_factory: str | None = None
    """Aerodrome's factory, or one like it. TEST_FACTORY makes one, as does None with a test token."""
    report_deadline: int = 3600
    root_delay: int = 3600
    surplus_delay: int = 86_400
    timelock_delay: int = 3600
    """Seconds between the announcement of what the owner does, and the deed."""
    owner: str | None = None
    """Who announces, executes and cancels at the timelock, which owns the contracts."""
    guardian: str | None = None
    operator: str | None = None
    treasury: str | None = None
    match_operators: tuple[str, ...] | None = None
    """Who settles signed orders; None is the operator alone."""

    def __post_init__(self) -> None:
        reporters = tuple(sorted({checksum_address(a) for a in self.reporters}, key=str.lower))
        object.__setattr__(self, "reporters", reporters)
        if not 1 <= self.report_threshold <= len(reporters):
            raise SettingError(
                f"report_threshold is {self.report_threshold}, with {len(reporters)} different reporters",
                hint="name at least as many reporters as must sign",
            )
        self._check_delays()
        self._check_feeds()
        for kind, symbols in (
            ("market", [market.symbol for market in self.markets]),
            ("race", [race.symbol for race in self.races]),
        ):
            for symbol in symbols:
                if symbols.count(symbol) > 1:
                    raise SettingError(
                        f"{kind} {symbol} is there twice", hint="give each a symbol of its own"
                    )
        if self.markets and self.pool_factory is None and self.payout_token.address is not None:
            raise SettingError(
                f"no pool_factory for {self.payout_token.symbol} at {self.payout_token.address}",
                hint=f'name Aerodrome\'s or one like it, or on a test chain pool_factory = "{TEST_FACTORY}"',
            )

    def _check_delays(self) -> None:
        if not LEAST_ROOT_DELAY <= self.root_delay <= self.surplus_delay:
            raise SettingError(
                f"root_delay is {self.root_delay} s, surplus_delay {self.surplus_delay} s",
                hint=f"root_delay is at least {LEAST_ROOT_DELAY} s, and surplus_delay no less than it",
            )
        if not LEAST_TIMELOCK_DELAY <= self.timelock_delay <= MOST_TIMELOCK_DELAY:
            raise SettingError(
                f"timelock_delay is {self.timelock_delay} s",
                hint=f"from {LEAST_TIMELOCK_DELAY} to {MOST_TIMELOCK_DELAY} s",
            )

    def _check_feeds(self) -> None:
        names = [feed.name for feed in self.feeds]
        for feed in self.feeds:
            if names.count(feed.name) > 1:
                raise SettingError(f"feed {feed.name} is there twice", hint="give it one table")
            feed.check(self.pyth.address)

    @property
    def all_feeds(self) -> tuple[FeedSpec, ...]:
        """Every feed that is named, once; those without a table take signed reports alone."""
        given = {feed.name: feed for feed in self.feeds}
        assets = [name for race in self.races for name in race.assets]
        names = dict.fromkeys([*(market.feed for market in self.markets), *assets, *given])
        default = ((REPORTS,), (self.report_deadline,))
        return tuple(given.get(name) or FeedSpec(name, *default) for name in names)

    @property
    def settings_hash(self) -> str:
        """keccak256 of the specification as JSON: two that differ have different ones."""
        return "0x" + keccak256(json.dumps(asdict(self), sort_keys=True).encode()).hex()


def _check_genesis(kind: str, symbol: str, genesis: int | None) -> None:
    if genesis is not None and genesis % EPOCH:
        raise SettingError(
            f"{kind} {symbol} starts at {genesis}, not a multiple of {EPOCH}",
            hint=f"the boundary before it is {genesis - genesis % EPOCH}",
        )
