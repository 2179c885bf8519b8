"""A chain in memory with a manifest beside it, for tests of the deployer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from chain_kit.deploy import DeploymentReport, DeploymentSpec, Step, deploy
from chain_kit.deploy.local import local_spec
from chain_kit.manifest import Manifest
from chain_kit.networks import ANVIL_ADDRESSES
from tests.system_support.fake_chain import FakeChain

__all__ = ["REPORTERS", "SPEC", "Site"]

REPORTERS = ANVIL_ADDRESSES[:3]
SPEC = replace(local_spec(REPORTERS, chain_id=31337), races=())
"""The local system's market alone."""


class Site:
    """A chain, a manifest beside it, and what was told of the parts."""

    def __init__(self, folder: Path, chain: FakeChain | None = None) -> None:
        self.chain = chain or FakeChain()
        self.path = folder / "deployments" / "31337.json"
        self.told: list[Step] = []

    def deploy(self, spec: DeploymentSpec = SPEC) -> DeploymentReport:
        """A run of the deployer; `told` has its steps."""
        self.told = []
        return deploy(spec, self.chain, self.path, on_step=self.told.append)

    @property
    def manifest(self) -> Manifest:
        """What is in the file."""
        return Manifest.load(self.path)

    def without(self, kind: str, *names: str) -> None:
        """Removes parts from the file."""
        document = json.loads(self.path.read_text())
        for name in names:
            del document[kind][name]
        self.path.write_text(json.dumps(document))
