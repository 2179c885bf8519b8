from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from chain_kit import toolchain
from chain_kit.errors import ToolMissingError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder in which nothing is set up, and a PATH with nothing on it."""
    monkeypatch.setattr(toolchain, "root", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def program(path: Path) -> Path:
    """Makes an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_root_is_the_clone() -> None:
    """The folder that holds the project's files is found from anywhere."""
    assert toolchain.root() == ROOT


@pytest.mark.parametrize("find", [toolchain.anvil, toolchain.forge, toolchain.solc])
def test_what_make_setup_installs_is_found(find: object) -> None:
    """After `make setup` every program is there and can be run."""
    assert callable(find)
    assert os.access(find(), os.X_OK)


@pytest.mark.parametrize(
    ("find", "name"),
    [(toolchain.anvil, "anvil"), (toolchain.forge, "forge"), (toolchain.solc, "compiler")],
    ids=["anvil", "forge", "solc"],
)
def test_missing_program_says_how_to_get_it(empty: Path, find: object, name: str) -> None:
    """The error names the program and where it was looked for; the hint is `make setup`."""
    assert callable(find)
    with pytest.raises(ToolMissingError, match=f"{name} is not installed") as caught:
        find()

    assert str(empty) in caught.value.message
    assert "make setup" in caught.value.hint


def test_compiler_without_node_is_missing(empty: Path) -> None:
    """The compiler runs on node: without it there is no compiler."""
    program(empty / ".cache" / "solcx" / f"solc-v{toolchain.SOLC_VERSION}")

    with pytest.raises(ToolMissingError, match="node is not installed"):
        toolchain.solc()


def test_program_on_the_path_will_do(empty: Path) -> None:
    """Where npm has no binary for the system, an installed one is taken."""
    anvil = program(empty / "bin" / "anvil")

    assert anvil == toolchain.anvil()


def test_program_of_the_project_comes_first(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pinned one wins over whatever is on the PATH."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    program(empty / "bin" / "anvil")
    pinned = program(empty / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil")

    assert pinned == toolchain.anvil()


def test_programs_get_a_home_in_the_cache(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What anvil, forge and ape write goes into the project's cache, and never into the user's home."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/else")
    environment = toolchain.environment()

    written = [environment[name] for name in ("HOME", "APE_DATA_FOLDER", "SOLCX_BINARY_PATH", "TMPDIR")]
    assert [] == [path for path in written if not path.startswith(str(empty / ".cache"))]
    assert "XDG_CACHE_HOME" not in environment
    assert environment["PATH"] == os.environ["PATH"]


def test_prepare_ape_redirects_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """ape, py-solc-x and every temporary folder are sent to the cache."""
    cache = str(ROOT / ".cache")
    for name in ("APE_DATA_FOLDER", "SOLCX_BINARY_PATH", "IPYTHONDIR", "TMPDIR"):
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setattr(tempfile, "tempdir", None)

    toolchain.prepare_ape()

    assert os.environ["APE_DATA_FOLDER"].startswith(cache)
    assert os.environ["SOLCX_BINARY_PATH"].startswith(cache)
    assert tempfile.gettempdir().startswith(cache)


def test_prepare_ape_refuses_without_a_compiler(empty: Path) -> None:
    """Without the compiler ape would try to download one: the error comes before."""
    with pytest.raises(ToolMissingError):
        toolchain.prepare_ape()

    assert str(empty) not in os.environ.get("APE_DATA_FOLDER", "")


@pytest.fixture
def project(empty: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two sources and a build; `prepare_ape` in it changes nothing outside the test."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)
    monkeypatch.setattr(toolchain, "solc", lambda: empty)
    for name in (
        "ape-config.yaml",
        "package-lock.json",
        "tools/solc.cjs",
        "contracts/a/A.sol",
        "contracts/B.sol",
    ):
        path = empty / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"// {name}")
    toolchain.prepare_ape()
    (empty / ".build").mkdir()
    return empty


def test_build_of_the_same_sources_is_kept(project: Path) -> None:
    """Nothing has changed: ape need not compile again."""
    toolchain.prepare_ape()

    assert (project / ".build").is_dir()


@pytest.mark.parametrize(
    "name", ["contracts/a/A.sol", "contracts/New.sol", "ape-config.yaml", "tools/solc.cjs"]
)
def test_build_of_other_sources_is_forgotten(project: Path, name: str) -> None:
    """A source, old or new, or the settings changed: ape would keep what depends on it as it was."""
    (project / name).write_text("// changed")
    toolchain.prepare_ape()

    assert not (project / ".build").exists()


def test_build_of_a_removed_source_is_forgotten(project: Path) -> None:
    """A file that is gone is a change as well."""
    (project / "contracts" / "B.sol").unlink()
    toolchain.prepare_ape()

    assert not (project / ".build").exists()
