"""Brings a chain to what a specification says, sending only what is missing.

Every step is in the manifest as soon as it is on chain, so a deployment that broke off goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from chain_kit.deploy.chain import Chain, DeploymentReport, Step
from chain_kit.deploy.markets import create_market, find_feed, find_market, fund_house, register_feed
from chain_kit.deploy.specification import DeploymentSpec, MarketSpec, TokenSpec
from chain_kit.errors import (
    CodeMismatchError,
    DeploymentConflictError,
    ManifestChainError,
    ManifestMissingError,
    SettingError,
)
from chain_kit.manifest import ContractRecord, Manifest, TokenRecord
from chain_kit.oracle import feed_id
from chain_kit.units import checksum_address

__all__ = ["deploy"]

UNDER_WAY = "0x" + "0" * 64
"""The settings' hash in the manifest of a deployment that has not come to its end."""


def deploy(
    spec: DeploymentSpec,
    chain: Chain,
    manifest_path: Path,
    *,
    on_step: Callable[[Step], None] = lambda _: None,
) -> DeploymentReport:
    """Deploys what `spec` has and the manifest at `manifest_path` has not.

    Raises ManifestChainError (another chain), CodeMismatchError (other code on chain),
    DeploymentConflictError (a part stands with other arguments, or on one that is missing), RevertedError or
    SendError.
    """
    return _Deployer(spec, chain, manifest_path, on_step).run()


@dataclass
class _Deployer:
    spec: DeploymentSpec
    chain: Chain
    path: Path
    on_step: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    manifest: Manifest = field(init=False)
    resumed: bool = field(init=False)
    """Whether an earlier run broke off."""

    def __post_init__(self) -> None:
        existing = self._existing()
        self.resumed = existing is not None and existing.settings_hash == UNDER_WAY
        self.manifest = existing or Manifest(
            chain_id=self.chain.chain_id,
            genesis_hash=self.chain.genesis_hash,
            settings_hash=UNDER_WAY,
            collateral=self._token(self.spec.collateral),
            payout_token=self._token(self.spec.payout_token),
        )

    def run(self) -> DeploymentReport:
        spec = self.spec
        owner = spec.owner or self.chain.sender
        collateral = self._token_contract("collateral", spec.collateral)
        usdc = self._token_contract("payout_token", spec.payout_token)
        # The deployer's until its feeds are registered, which only its owner can do.
        oracle = self._contract("BoundaryOracle", "BoundaryOracle", (self.chain.sender,))
        adapter = self._contract(
            "SignedReportAdapter", "SignedReportAdapter", (list(spec.reporters), spec.report_threshold)
        )
        guardian = spec.guardian or owner
        hub = self._contract("EpochHub", "EpochHub", (owner, collateral, oracle, guardian))
        operator = spec.operator or owner
        self._contract(
            "PayoutVault",
            "PayoutVault",
            (owner, usdc, operator, guardian, spec.root_delay, spec.surplus_delay),
        )
        for feed in spec.feeds:
            self._feed(feed, oracle, adapter)
        for market in spec.markets:
            self._market(market, hub, collateral)
            self._curve(market, usdc)
        self._hand_over(oracle, owner)
        if self.manifest.settings_hash != spec.settings_hash:
            self._save(replace(self.manifest, settings_hash=spec.settings_hash))
        return DeploymentReport(self.manifest, self.steps)

    # ---------------------------------------------------------------- contracts

    def _token_contract(self, role: Literal["collateral", "payout_token"], token: TokenSpec) -> str:
        if token.address is not None:
            address = checksum_address(token.address)
            self._check_token(token, address)
        else:
            # The deployer's, who mints it.
            arguments = (token.symbol, token.symbol, token.decimals, self.chain.sender)
            address = self._contract(token.symbol, "TestToken", arguments)
        record = TokenRecord(address, token.symbol, token.decimals)
        changed = (
            replace(self.manifest, collateral=record)
            if role == "collateral"
            else replace(self.manifest, payout_token=record)
        )
        if changed != self.manifest:
            self._record(changed)
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
        self._done(Step(token.symbol, address, None))

    def _contract(self, name: str, contract: str, arguments: tuple[Any, ...]) -> str:
        """The address of a contract of ours, deployed if it is not there."""
        written = _as_json(arguments)
        record = self.manifest.contracts.get(name)
        if record is not None and self._stands(record, written):
            self._done(Step(name, record.address, None))
            return record.address
        for dependent, at, known in self._standing_on(name):
            raise DeploymentConflictError(dependent, at, known, f"a new {name}")
        self._require_writable()
        address, transaction, block = self.chain.deploy(contract, arguments)
        self._add_contract(name, address, transaction, block, written)
        return address

    def _stands(self, record: ContractRecord, arguments: tuple[Any, ...]) -> bool:
        found = self.chain.code_hash(record.address)
        if found is None:
            return False
        if found != record.code_hash:
            raise CodeMismatchError(record.name, record.address, record.code_hash, found)
        if record.arguments != arguments:
            raise DeploymentConflictError(record.name, record.address, record.arguments, arguments)
        return True

    def _standing_on(self, name: str) -> Iterator[tuple[str, str, object]]:
        """What stands and holds the address of the part `name` for good: its own name, where, with what."""
        spec, manifest = self.spec, self.manifest
        curves = [f"MrtCurve:{market.symbol}" for market in spec.markets]
        users = {
            spec.collateral.symbol: ["EpochHub"],
            spec.payout_token.symbol: ["PayoutVault", *curves],
            "BoundaryOracle": ["EpochHub"],
        }
        for user in users.get(name, ()):
            record = manifest.contracts.get(user)
            if record is not None and self.chain.code_hash(record.address) is not None:
                yield user, record.address, record.arguments
        if name == "SignedReportAdapter" and "BoundaryOracle" in manifest.contracts:
            for feed in manifest.feeds.values():
                yield f"feed {feed.name}", manifest.address("BoundaryOracle"), feed.adapter
        if name == "EpochHub":
            for market in manifest.markets.values():
                if self.chain.code_hash(market.facade) is not None:
                    yield f"market {market.symbol}", market.facade, "another EpochHub"

    def _require_writable(self) -> None:
        """Raises SettingError if what is about to be sent could not be written down."""
        folder = self.path.parent
        folder = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise SettingError(
                f"the manifest {self.path} cannot be written",
                hint=f"make {folder} writable, or name another file: --deployment",
            )

    # ---------------------------------------------------------------- feeds and markets

    def _feed(self, name: str, oracle: str, adapter: str) -> None:
        deadline = self.spec.report_deadline
        record, sent = self.manifest.feeds.get(name), None
        if not self.chain.call("BoundaryOracle", oracle, "isFeed", feed_id(name)):
            self._require_writable()
            record = register_feed(self.chain, name, oracle, adapter, deadline)
            sent = record.transaction
        else:
            registered = self.chain.call("BoundaryOracle", oracle, "feedOf", feed_id(name))
            known = (checksum_address(str(registered[0])), int(registered[1]))
            if known != (adapter, deadline):
                raise DeploymentConflictError(f"feed {name}", oracle, known, (adapter, deadline))
            if record is None:
                record = find_feed(self.chain, name, self.manifest.contracts["BoundaryOracle"], known)
        if record != self.manifest.feeds.get(name):
            self._record(replace(self.manifest, feeds={**self.manifest.feeds, name: record}))
        self._done(Step(f"feed {name}", oracle, sent))

    def _market(self, market: MarketSpec, hub: str, collateral: str) -> None:
        name = f"market {market.symbol}"
        record, sent = self.manifest.markets.get(market.symbol), None
        if record is not None and self.chain.code_hash(record.facade) is not None:
            known = (record.feed, record.liquidity, record.fee_bps, record.genesis)
            wanted = (market.feed, market.liquidity, market.fee_bps, market.genesis or record.genesis)
            if known != wanted:
                raise DeploymentConflictError(name, record.facade, known, wanted)
        else:
            self._require_writable()
            record = find_market(self.chain, market, self.manifest.contracts["EpochHub"])
            if record is None:
                record = create_market(self.chain, market, self.manifest.contracts["EpochHub"])
                sent = record.transaction
            self._record(replace(self.manifest, markets={**self.manifest.markets, market.symbol: record}))
        self._done(Step(name, record.facade, sent))
        if market.house_budget and (sent is not None or self._is_unfunded(hub, record.market_id)):
            made_here = self.spec.collateral.address is None
            sent = fund_house(
                self.chain, record.market_id, market.house_budget, hub, collateral, mint=made_here
            )
            self._done(Step(f"house budget of market {record.market_id}", hub, sent))

    def _is_unfunded(self, hub: str, market_id: int) -> bool:
        """Whether the run that created the market broke off before it gave it its budget.

        After a run that came to its end a budget of nothing is one that was spent or taken back.
        """
        return self.resumed and not self.chain.call("EpochHub", hub, "market", market_id).houseBudget

    def _curve(self, market: MarketSpec, usdc: str) -> None:
        owner = self.spec.owner or self.chain.sender
        name, treasury = f"MrtCurve:{market.symbol}", self.spec.treasury or owner
        arguments = (
            market.token_name,
            market.token_symbol,
            usdc,
            market.curve_target,
            market.curve_fee_bps,
            market.curve_creator_share_bps,
            owner,
            treasury,
        )
        curve = self._contract(name, "MrtCurve", arguments)
        made_now = self.steps[-1].transaction
        record, token_name = self.manifest.contracts[name], f"MrtToken:{market.symbol}"
        token = checksum_address(str(self.chain.call("MrtCurve", curve, "token")))
        known = self.manifest.contracts.get(token_name)
        if known is None or known.address != token:
            # The curve's constructor made it.
            assert record.transaction is not None
            self._write_contract(token_name, token, record.transaction, record.block, _as_json(arguments[:2]))
        self._done(Step(token_name, token, made_now))

    def _hand_over(self, oracle: str, owner: str) -> None:
        """Offers the oracle to its owner, who takes it with `acceptOwnership`."""
        if owner == self.chain.sender:
            return
        holders = [
            checksum_address(str(self.chain.call("BoundaryOracle", oracle, view)))
            for view in ("owner", "pendingOwner")
        ]
        sent = None
        if owner not in holders:
            sent, _ = self.chain.transact("BoundaryOracle", oracle, "transferOwnership", owner)
        self._done(Step("owner of BoundaryOracle", oracle, sent))

    # ---------------------------------------------------------------- records

    def _existing(self) -> Manifest | None:
        try:
            manifest = Manifest.load(self.path)
        except ManifestMissingError:
            return None
        if manifest.chain_id != self.chain.chain_id:
            raise ManifestChainError(manifest.chain_id, self.chain.chain_id)
        if manifest.genesis_hash != self.chain.genesis_hash:
            raise ManifestChainError(
                f"{manifest.chain_id} with genesis {manifest.genesis_hash}",
                f"genesis {self.chain.genesis_hash}",
            )
        return manifest

    def _add_contract(
        self, name: str, address: str, transaction: str, block: int, arguments: tuple[Any, ...]
    ) -> None:
        self._write_contract(name, address, transaction, block, arguments)
        self._done(Step(name, address, transaction))

    def _write_contract(
        self, name: str, address: str, transaction: str, block: int, arguments: tuple[Any, ...]
    ) -> None:
        code_hash = self.chain.code_hash(address)
        assert code_hash is not None, "a deployment that succeeded left code"
        record = ContractRecord(name, address, transaction, block, arguments, code_hash)
        self._record(replace(self.manifest, contracts={**self.manifest.contracts, name: record}))

    def _record(self, manifest: Manifest) -> None:
        self._save(replace(manifest, settings_hash=UNDER_WAY))

    def _save(self, manifest: Manifest) -> None:
        self.manifest = manifest
        manifest.save(self.path)

    def _done(self, step: Step) -> None:
        self.steps.append(step)
        self.on_step(step)

    @staticmethod
    def _token(token: TokenSpec) -> TokenRecord:
        return TokenRecord(token.address or "0x" + "0" * 40, token.symbol, token.decimals)


def _as_json(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Constructor arguments as the manifest holds them: integers as decimal strings."""
    return tuple(_json_value(value) for value in arguments)


def _json_value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_json_value(one) for one in value]
    return str(value) if isinstance(value, int) else value
