"""The chain, the manifest beside it, and who is told: what every part of a deployment is built with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chain_kit.deploy.chain import Chain, Step
from chain_kit.errors import (
    CodeMismatchError,
    DeploymentConflictError,
    ManifestChainError,
    ManifestMissingError,
    SettingError,
)
from chain_kit.manifest import ContractRecord, FeedRecord, Manifest, MarketRecord, RaceRecord

__all__ = ["UNDER_WAY", "Builder", "Dependent"]

UNDER_WAY = "0x" + "0" * 64
"""The settings' hash in the manifest of a deployment that has not come to its end."""

Dependent = tuple[str, str, object]
"""What stands and holds the address of another part for good: its name, where, and what it was made with."""


class Builder:
    """Every part is in the manifest as soon as it is on chain, so that a run that broke off can go on.

    `fresh` is the manifest of a chain that has nothing. Raises ManifestChainError if there is one of another
    chain.
    """

    def __init__(self, chain: Chain, path: Path, on_step: Callable[[Step], None], fresh: Manifest) -> None:
        self.chain = chain
        self.path = path
        self.steps: list[Step] = []
        self._on_step = on_step
        existing = self._existing()
        self.manifest = existing or fresh
        self.resumed = existing is not None and existing.settings_hash == UNDER_WAY
        """Whether an earlier run broke off."""

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

    # ---------------------------------------------------------------- contracts

    def contract(
        self, name: str, contract: str, arguments: tuple[Any, ...], *, dependents: Iterable[Dependent] = ()
    ) -> str:
        """The address of a contract of ours, deployed if it is not there.

        Raises DeploymentConflictError if it stands with other arguments, or if it is gone and one of
        `dependents` holds its address.
        """
        written = _as_json(arguments)
        record = self.manifest.contracts.get(name)
        if record is not None and self._stands(record, written):
            self.done(Step(name, record.address, None))
            return record.address
        for dependent, at, known in dependents:
            raise DeploymentConflictError(dependent, at, known, f"a new {name}")
        self.require_writable()
        address, transaction, block = self.chain.deploy(contract, arguments)
        self.write_contract(name, address, transaction, block, arguments)
        self.done(Step(name, address, transaction))
        return address

    def made_by(self, maker: str, name: str, address: str, arguments: tuple[Any, ...] = ()) -> None:
        """Writes down the contract `name` that the constructor of `maker`, just built, has made."""
        made_now = self.steps[-1].transaction
        known, record = self.manifest.contracts.get(name), self.manifest.contracts[maker]
        if known is None or known.address != address:
            assert record.transaction is not None, "a contract of ours has a transaction"
            self.write_contract(name, address, record.transaction, record.block, arguments)
        self.done(Step(name, address, made_now))

    def stands(self, name: str) -> ContractRecord | None:
        """The record of a contract that has code on chain, whatever it was made with."""
        record = self.manifest.contracts.get(name)
        return record if record is not None and self.chain.code_hash(record.address) is not None else None

    def _stands(self, record: ContractRecord, arguments: tuple[Any, ...]) -> bool:
        found = self.chain.code_hash(record.address)
        if found is None:
            return False
        if found != record.code_hash:
            raise CodeMismatchError(record.name, record.address, record.code_hash, found)
        if record.arguments != arguments:
            raise DeploymentConflictError(record.name, record.address, record.arguments, arguments)
        return True

    # ---------------------------------------------------------------- records

    def write_contract(
        self, name: str, address: str, transaction: str, block: int, arguments: tuple[Any, ...]
    ) -> None:
        """Records a contract that is on chain."""
        code_hash = self.chain.code_hash(address)
        assert code_hash is not None, "a deployment that succeeded left code"
        record = ContractRecord(name, address, transaction, block, _as_json(arguments), code_hash)
        self.record(replace(self.manifest, contracts={**self.manifest.contracts, name: record}))

    def write_feed(self, record: FeedRecord) -> None:
        """Records a feed, unless it is recorded as it is."""
        if record != self.manifest.feeds.get(record.name):
            self.record(replace(self.manifest, feeds={**self.manifest.feeds, record.name: record}))

    def write_market(self, record: MarketRecord) -> None:
        """Records a market."""
        self.record(replace(self.manifest, markets={**self.manifest.markets, record.symbol: record}))

    def write_race(self, record: RaceRecord) -> None:
        """Records a race."""
        self.record(replace(self.manifest, races={**self.manifest.races, record.symbol: record}))

    def record(self, manifest: Manifest) -> None:
        """Saves a manifest that says that the deployment is under way."""
        self._save(replace(manifest, settings_hash=UNDER_WAY))

    def finish(self, settings_hash: str) -> None:
        """Saves that all that the settings say is there."""
        if self.manifest.settings_hash != settings_hash:
            self._save(replace(self.manifest, settings_hash=settings_hash))

    def _save(self, manifest: Manifest) -> None:
        self.manifest = manifest
        manifest.save(self.path)

    def require_writable(self) -> None:
        """Raises SettingError if what is about to be sent could not be written down."""
        folder = self.path.parent
        folder = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise SettingError(
                f"the manifest {self.path} cannot be written",
                hint=f"make {folder} writable, or name another file: --deployment",
            )

    def done(self, step: Step) -> None:
        """Tells of a part."""
        self.steps.append(step)
        self._on_step(step)


def _as_json(arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Constructor arguments as the manifest holds them: integers as decimal strings, bytes as 0x and hex."""
    return tuple(_json_value(value) for value in arguments)


def _json_value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_json_value(one) for one in value]
    if isinstance(value, bytes):
        return "0x" + value.hex()
    return str(value) if isinstance(value, int) else value
