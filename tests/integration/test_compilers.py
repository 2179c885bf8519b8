from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from chain_kit import toolchain

ROOT = Path(__file__).resolve().parents[2]
ABI = sorted(file.stem for file in (ROOT / "chain_kit" / "abi").glob("*.json"))


def run(*command: str) -> None:
    """Runs a program in the project's folder, as `make` does."""
    environment = {**toolchain.environment(), "FOUNDRY_PROFILE": "contracts"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_settings_of_both_compilers_agree() -> None:
    """Whatever changes the code is the same in foundry.toml and in ape-config.yaml."""
    forge = tomllib.loads((ROOT / "foundry.toml").read_text())["profile"]["default"]
    ape = yaml.safe_load((ROOT / "ape-config.yaml").read_text())["solidity"]

    assert forge["solc"] == f".cache/solcx/solc-v{ape['version']}"
    assert ape["version"] == toolchain.SOLC_VERSION
    assert {
        "evm_version": forge["evm_version"],
        "optimize": forge["optimizer"],
        "optimization_runs": forge["optimizer_runs"],
        "via_ir": forge["via_ir"],
    } == {name: ape[name] for name in ("evm_version", "optimize", "optimization_runs", "via_ir")}


def test_dependencies_of_ape_are_those_of_npm() -> None:
    """ape compiles the library versions that package.json pins, which are those that forge compiles."""
    npm = json.loads((ROOT / "package.json").read_text())["dependencies"]
    ape = yaml.safe_load((ROOT / "ape-config.yaml").read_text())["dependencies"]

    assert {entry["npm"]: entry["version"] for entry in ape} == {
        entry["npm"]: npm[entry["npm"]] for entry in ape
    }


@pytest.fixture(scope="module")
def deployed() -> dict[str, Any]:
    """The contracts as ape compiles them, which are those that are deployed."""
    run(str(Path(sys.executable).with_name("ape")), "compile", "--force")
    return dict(json.loads((ROOT / ".build" / "__local__.json").read_text())["contractTypes"])


@pytest.fixture(scope="module")
def _tested() -> None:
    run(str(toolchain.forge()), "build", "--quiet")


@pytest.mark.slow
@pytest.mark.usefixtures("_tested")
@pytest.mark.parametrize("contract", ABI)
def test_what_is_tested_is_what_is_deployed(contract: str, deployed: dict[str, Any]) -> None:
    """forge and ape make the same bytes of every contract, creation code included."""
    tested = json.loads((ROOT / f".cache/forge/contracts/{contract}.sol/{contract}.json").read_text())

    assert tested["bytecode"]["object"] == deployed[contract]["deploymentBytecode"]["bytecode"]
    assert tested["deployedBytecode"]["object"] == deployed[contract]["runtimeBytecode"]["bytecode"]


@pytest.mark.slow
@pytest.mark.parametrize("contract", ABI)
def test_contract_fits_on_chain(contract: str, deployed: dict[str, Any]) -> None:
    """No contract passes the 24,576 bytes of EIP-170."""
    code = deployed[contract]["runtimeBytecode"]["bytecode"].removeprefix("0x")

    assert 0 < len(code) // 2 <= 24_576
