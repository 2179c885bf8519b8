"""Brings a chain to what a specification says, sending only what is missing.

Every step is in the manifest as soon as it is on chain, so a deployment that broke off goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from chain_kit.deploy.adapters import build_adapters
from chain_kit.deploy.builder import UNDER_WAY, Builder, Dependent
from chain_kit.deploy.chain import Chain, DeploymentReport, Step
from chain_kit.deploy.curves import Curves, build_curve, build_pool_factory
from chain_kit.deploy.feeds import Feeds
from chain_kit.deploy.markets import build_market, build_race
from chain_kit.deploy.powers import OwnerCall, Powers
from chain_kit.deploy.specification import DeploymentSpec, TokenSpec
from chain_kit.errors import SettingError
from chain_kit.manifest import Manifest, TokenRecord
from chain_kit.units import checksum_address

__all__ = ["deploy"]

_SET_OPERATOR = "setMatchOperator(address,bool)"


def deploy(
    spec: DeploymentSpec,
    chain: Chain,
    manifest_path: Path,
    *,
    on_step: Callable[[Step], None] = lambda _: None,
) -> DeploymentReport:
    """Deploys what `spec` has and the manifest at `manifest_path` has not.

    What only the owner may do is announced at the timelock once that owns the contracts; the report says
    when it can be executed, and a later run does. Raises ManifestChainError (another chain),
    CodeMismatchError (other code on chain), DeploymentConflictError (a part stands with other arguments, or
    on one that is missing), NotOwnerError (another account has to act), RevertedError or SendError.
    """
    fresh = Manifest(
        chain_id=chain.chain_id,
        genesis_hash=chain.genesis_hash,
        settings_hash=UNDER_WAY,
        collateral=_token(spec.collateral),
        payout_token=_token(spec.payout_token),
    )
    return _Deployer(spec, Builder(chain, manifest_path, on_step, fresh)).run()


class _Deployer:
    """One run. Roles that the specification leaves out are the first run's deployer's."""

    def __init__(self, spec: DeploymentSpec, builder: Builder) -> None:
        self.spec = spec
        self.builder = builder
        self.chain = builder.chain
        first = builder.manifest.contracts.get("BoundaryOracle")
        self.deployer = first.arguments[0] if first is not None else self.chain.sender
        self.owner = spec.owner or self.deployer
        self.guardian = spec.guardian or self.owner
        self.operator = spec.operator or self.owner

    def run(self) -> DeploymentReport:
        spec, builder = self.spec, self.builder
        # It names the deployer, who owns it and the markets until everything is set.
        oracle = builder.contract(
            "BoundaryOracle", "BoundaryOracle", (self.deployer,), dependents=self._holders("BoundaryOracle")
        )
        timelock = builder.contract(
            "Timelock",
            "Timelock",
            (spec.timelock_delay, self.owner, self.guardian),
            dependents=self._holders("Timelock"),
        )
        collateral = self._token_contract("collateral", spec.collateral)
        usdc = self._token_contract("payout_token", spec.payout_token)
        served = build_adapters(builder, spec)
        owned = self._market_contracts(collateral, oracle)
        delays = (spec.root_delay, spec.surplus_delay)
        builder.contract(
            "PayoutVault", "PayoutVault", (timelock, usdc, self.operator, self.guardian, *delays)
        )
        powers = Powers(builder, timelock)
        feeds = Feeds(builder, spec.all_feeds, oracle, served)
        for call, transaction, block in powers.send([*feeds.missing(), *self._operators(owned)]):
            if call.address == oracle:
                feeds.write(call, transaction, block)
            else:
                builder.done(Step(call.what, call.address, transaction))
        self._markets(feeds.find(), owned, collateral, usdc)
        powers.hand_over([("BoundaryOracle", oracle), *owned.items(), *self._vault()])
        if powers.waiting is None:
            builder.finish(spec.settings_hash)
        return DeploymentReport(builder.manifest, builder.steps, powers.waiting)

    # ---------------------------------------------------------------- contracts

    def _market_contracts(self, collateral: str, oracle: str) -> dict[str, str]:
        """The hub, and the race market where there are races, by name."""
        built: dict[str, str] = {}
        for name in ("EpochHub", "RaceMarket") if self.spec.races else ("EpochHub",):
            record = self.builder.manifest.contracts.get(name)
            # Whoever deploys it sets it up; it may come later, from another account than the first parts.
            deployer = self.chain.sender if record is None else record.arguments[0]
            arguments = (deployer, collateral, oracle, self.guardian)
            built[name] = self.builder.contract(name, name, arguments, dependents=self._holders(name))
        return built

    def _vault(self) -> list[tuple[str, str]]:
        return [("PayoutVault", self.builder.manifest.address("PayoutVault"))]

    def _token_contract(self, role: Literal["collateral", "payout_token"], token: TokenSpec) -> str:
        builder = self.builder
        if token.address is not None:
            address = checksum_address(token.address)
            self._check_token(token, address)
        else:
            # The deployer's, who mints it.
            arguments = (token.symbol, token.symbol, token.decimals, self.deployer)
            holders = self._holders(role)
            address = builder.contract(token.symbol, "TestToken", arguments, dependents=holders)
        record = TokenRecord(address, token.symbol, token.decimals)
        changed = (
            replace(builder.manifest, collateral=record)
            if role == "collateral"
            else replace(builder.manifest, payout_token=record)
        )
        if changed != builder.manifest:
            builder.record(changed)
        return address

    def _check_token(self, token: TokenSpec, address: str) -> None:
        if self.chain.code_hash(address) is None:
            raise SettingError(
                f"no contract at {address}, given as {token.symbol}", hint="give the token's address"
            )
        decimals = int(self.chain.call("TestToken", address, "decimals"))
        if decimals != token.decimals:
            raise SettingError(
                f"{token.symbol} at {address} has {decimals} decimals, not {token.decimals}",
                hint="give the right token, or its right decimals",
            )
        self.builder.done(Step(token.symbol, address, None))

    def _holders(self, name: str) -> Iterator[Dependent]:
        """What stands and holds the address of the part `name` for good."""
        manifest = self.builder.manifest
        curves = [f"MrtCurve:{market.symbol}" for market in self.spec.markets]
        users = {
            "collateral": ["EpochHub", "RaceMarket"],
            "payout_token": ["PayoutVault", *curves],
            "BoundaryOracle": ["EpochHub", "RaceMarket"],
            "Timelock": ["PayoutVault"],
        }
        for user in users.get(name, ()):
            record = self.builder.stands(user)
            if record is not None:
                yield user, record.address, record.arguments
        if name == "EpochHub":
            for market in manifest.markets.values():
                if self.chain.code_hash(market.facade) is not None:
                    yield f"market {market.symbol}", market.facade, "another EpochHub"
        if name == "RaceMarket":
            for race in manifest.races.values():
                yield f"race {race.symbol}", f"transaction {race.transaction}", "another RaceMarket"

    # ---------------------------------------------------------------- what stands on them

    def _operators(self, owned: dict[str, str]) -> Iterator[OwnerCall]:
        """What allows those who settle signed orders and are not allowed yet; nobody is dismissed."""
        named = self.spec.match_operators
        for operator in (self.operator,) if named is None else named:
            for contract, address in owned.items():
                what = f"match operator {operator} of {contract}"
                if not self.chain.call(contract, address, "isMatchOperator", operator):
                    yield OwnerCall(what, contract, address, _SET_OPERATOR, (operator, True))
                else:
                    self.builder.done(Step(what, address, None))

    def _markets(self, feeds: set[str], owned: dict[str, str], collateral: str, usdc: str) -> None:
        """The markets with their curves, and the races, on those feeds that are registered."""
        spec, builder = self.spec, self.builder
        creators = {self.chain.sender, self.deployer, self.owner}
        markets = [market for market in spec.markets if market.feed in feeds]
        if markets:
            factory = build_pool_factory(builder, spec)
            common = Curves(usdc, self.owner, spec.treasury or self.owner, factory)
            mint = spec.collateral.address is None
            for market in markets:
                build_market(builder, market, owned["EpochHub"], collateral, creators, mint=mint)
                build_curve(builder, market, common)
        for race in spec.races:
            if feeds.issuperset(race.assets):
                build_race(builder, race, owned["RaceMarket"], creators)


def _token(token: TokenSpec) -> TokenRecord:
    return TokenRecord(token.address or "0x" + "0" * 40, token.symbol, token.decimals)
