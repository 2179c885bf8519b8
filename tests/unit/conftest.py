"""What unit tests share."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chain_kit import toolchain
from chain_kit.files import one_at_a_time


@pytest.fixture(scope="session")
def built_contracts() -> Path:
    """The folder of the contracts' artifacts, compiled; from the cache unless one of them has changed."""
    environment = {**toolchain.environment(), "FOUNDRY_PROFILE": "contracts"}
    forge = [str(toolchain.forge()), "build", "--quiet"]
    build = toolchain.root() / ".cache" / "forge" / "contracts"
    build.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(build.with_suffix(".lock")):
        done = subprocess.run(
            forge, cwd=toolchain.root(), env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return build
