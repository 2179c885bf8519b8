"""docs/operate.md and what belongs to it: examples that work, and nothing left out."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from chain_kit import toolchain
from chain_kit.cli.app import app
from chain_kit.keepers.config import FleetConfig
from chain_kit.keepers.config import fields as config_fields
from chain_kit.keepers.config.fields import Fields
from chain_kit.keepers.fleet.health import KeeperMetrics
from tests.keeper_support.configs import manifest

FOLDER = toolchain.root() / "docs" / "operate"
PAGE = FOLDER.with_suffix(".md").read_text(encoding="utf-8")
UNITS = ("chain-kit-keepers.service", "chain-kit-index.service")
CONFIGS = ("keepers.toml", "compose.keepers.toml")


def load_example(name: str, folder: Path) -> FleetConfig:
    """An example in `folder`, with all the files that it names."""
    text = (FOLDER / name).read_text()
    text = text.replace("/run/", f"{folder}/").replace("/var/lib/chain-kit", str(folder))
    for path in re.findall(rf'"({folder}/[^"]+)"', text):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        is_url = path.endswith("-url")
        Path(path).write_text(
            "postgresql://user:word@postgres/chain_kit\n" if is_url else "https://a.example\n"
        )
    dataclasses.replace(manifest(), chain_id=8453).save(folder / "8453.json")
    (folder / name).write_text(text)
    return FleetConfig.load(folder / name)


def test_the_example_is_a_configuration(tmp_path: Path) -> None:
    """The real loader takes it, with every keeper that there is."""
    config = load_example("keepers.toml", tmp_path)

    assert config.keepers.names == ("resolve", "claim", "root", "seed", "trade:BTC")
    assert (config.chain.chain_id, len(config.reporters.keystores)) == (8453, 2)
    assert dict(config.dead_man) == {"post": "https://a.example"}


def test_the_example_for_containers_is_a_configuration(tmp_path: Path) -> None:
    """Outbox and index are URLs from files."""
    config = load_example("compose.keepers.toml", tmp_path)

    assert config.outbox == config.chain.index == "postgresql://user:word@postgres/chain_kit"
    assert config.keepers.names == ("resolve", "claim")


def test_every_key_is_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All keys that any table takes are on the page."""
    known: set[str] = set()
    construct = Fields.__init__

    def watched(self: Fields, file: Path, place: str, values: Any, keys: Sequence[str]) -> None:
        known.update(keys)
        construct(self, file, place, values, keys)

    monkeypatch.setattr(config_fields.Fields, "__init__", watched)
    load_example("keepers.toml", tmp_path)
    single = {key for key in known if not key.endswith("_file")} - {"BTC", "BTC/USD"}
    undocumented = {key for key in single if not re.search(rf"[`\[.]\"?{re.escape(key)}\"?[`\].]", PAGE)}

    assert {"chain", "hour_eth", "max_fee_gwei", "time_path", "daily_loss_collateral"} <= known
    assert undocumented == set()


def test_every_metric_is_documented() -> None:
    """With its name as Prometheus has it."""
    families = list(KeeperMetrics().registry.collect())
    names = [f"{one.name}_total" if one.type == "counter" else one.name for one in families]
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_option_is_documented() -> None:
    """Of run, status and resume."""
    keeper = typer.main.get_command(app).commands["keeper"]  # type: ignore[attr-defined]
    flags = {
        flag
        for name in ("run", "status", "resume")
        for option in keeper.commands[name].params
        for flag in option.opts
        if flag.startswith("--")
    }
    assert {"--all", "--dry-run", "--paper"} <= flags
    assert {flag for flag in flags if not re.search(rf"{flag}\b", PAGE)} == set()


@pytest.mark.parametrize("name", UNITS)
def test_units_are_units(name: str, tmp_path: Path) -> None:
    """systemd takes them, and finds little that they expose."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    text = (FOLDER / name).read_text().replace("/opt/chain-kit/bin/chain-kit", "/bin/true")
    (tmp_path / name).write_text(text)
    for words in (["verify"], ["security", "--offline=true", "--no-pager", "--threshold=20"]):
        done = subprocess.run(
            [program, *words, tmp_path / name],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert words != ["verify"] or not done.stderr, done.stderr


def test_the_unit_hands_over_what_the_example_reads() -> None:
    """Each credential is loaded, and no other; the command of the unit exists."""
    unit = (FOLDER / "chain-kit-keepers.service").read_text()
    read = re.findall(
        r"/run/credentials/chain-kit-keepers.service/([\w-]+)", (FOLDER / "keepers.toml").read_text()
    )

    assert sorted(re.findall(r"^LoadCredential=([\w-]+):", unit, re.MULTILINE)) == sorted(read)
    for line in re.findall(r"^ExecStart=/opt/chain-kit/bin/chain-kit (.*)$", unit, re.MULTILINE):
        assert line.split()[:2] == ["keeper", "run"]


def test_compose_is_yaml_and_whole() -> None:
    """Every secret, volume and file that a service names is there; no key is in an environment."""
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    services = compose["services"]

    assert set(services) == {"postgres", "index", "keepers", "standby"}
    for name, service in services.items():
        assert set(service["secrets"]) <= set(compose["secrets"]), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (FOLDER / source).exists()
            assert source.startswith(".") or source in compose["volumes"]
    read = re.findall(r"/run/secrets/([\w-]+)", (FOLDER / "compose.keepers.toml").read_text())
    assert set(read) <= set(services["keepers"]["secrets"])
    assert (FOLDER / "../.." / services["index"]["build"]["dockerfile"]).exists()


def test_the_image_copies_what_there_is() -> None:
    """Every folder and file that the Dockerfile takes exists."""
    text = (FOLDER / "Dockerfile").read_text()
    sources = [
        word for line in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE) for word in line.split()
    ]

    assert len(sources) > 3
    assert [source for source in sources if not (toolchain.root() / source).exists()] == []


def test_every_file_is_linked() -> None:
    """Whoever reads the page finds them."""
    assert [file.name for file in FOLDER.iterdir() if f"(operate/{file.name})" not in PAGE] == []
