from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [name for name in ("chain_kit", "indexer", "exchange") if (ROOT / name / "__init__.py").is_file()]
HEAVY = ("ape", "pandas", "numpy", "IPython", "web3", "eth_account", "httpx")


def module_name(file: Path) -> str:
    """The dotted name under which a file is imported."""
    parts = list(file.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, and every name that it takes from one."""
    package = module_name(file).split(".")
    package = package if file.name == "__init__.py" else package[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*parent, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def importers_of(*targets: str, within: str) -> list[str]:
    """The modules of `within` that import one of `targets` or something below it."""

    def hits(name: str) -> bool:
        return any(name == target or name.startswith(f"{target}.") for target in targets)

    files = sorted((ROOT / within).rglob("*.py"))
    return [module_name(file) for file in files if any(hits(name) for name in imports(file))]


def below(package: str, modules: list[str]) -> list[str]:
    """Those of `modules` that are not `package` or in it."""
    return [name for name in modules if name != package and not name.startswith(f"{package}.")]


def test_the_rules_see_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute, relative and nested imports are all found: the other tests rest on it."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    folder = tmp_path / "package" / "inner"
    folder.mkdir(parents=True)
    (folder / "one.py").write_text("from ..outer import thing\n")
    (folder / "two.py").write_text("def f():\n    from chain_kit import cli\n")
    (folder / "three.py").write_text("import os, web3.auto as w\n")

    assert importers_of("package.outer", within="package") == ["package.inner.one"]
    assert importers_of("chain_kit.cli", within="package") == ["package.inner.two"]
    assert importers_of("web3", within="package") == ["package.inner.three"]


@pytest.mark.parametrize("reader", ["indexer", "exchange"])
def test_chain_kit_does_not_know_its_users(reader: str) -> None:
    """Only the roof imports the indexer or the exchange: dependencies point one way."""
    assert below("chain_kit.cli", importers_of(reader, within="chain_kit")) == []


@pytest.mark.parametrize(("one", "other"), [("indexer", "exchange"), ("exchange", "indexer")])
def test_indexer_and_exchange_do_not_know_each_other(one: str, other: str) -> None:
    """Both stand on chain_kit, and on nothing else of ours."""
    assert importers_of(other, within=one) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_imports_the_roof(package: str) -> None:
    """chain_kit.cli may know all; nobody may know it."""
    assert below("chain_kit.cli", importers_of("chain_kit.cli", within=package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_only_deployment_imports_ape(package: str) -> None:
    """ape is for compiling and deploying: chain_kit.deploy, and nothing else."""
    assert below("chain_kit.deploy", importers_of("ape", within=package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_imports_web3(package: str) -> None:
    """web3 comes with ape and serves the tests; what runs in production speaks JSON-RPC itself."""
    assert importers_of("web3", within=package) == []


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `statement`."""
    code = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["chain_kit", "chain_kit.manifest", "chain_kit.settings", "chain_kit.errors", "indexer.queries"]
)
def test_what_a_question_imports_is_light(module: str) -> None:
    """A question loads no ape, no web3, no signing and no HTTP."""
    assert loaded_by(f"import {module}") & set(HEAVY) == set()


def test_package_itself_imports_nothing() -> None:
    """`import chain_kit` loads nothing but itself."""
    assert loaded_by("import chain_kit") - loaded_by("pass") == {"chain_kit"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_is_short_enough_to_read(package: str) -> None:
    """No source file passes 400 lines: what grows beyond that is two things."""
    lengths = {module_name(f): len(f.read_text().splitlines()) for f in (ROOT / package).rglob("*.py")}

    assert {name: length for name, length in lengths.items() if length > 400} == {}
