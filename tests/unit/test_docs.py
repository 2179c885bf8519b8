"""The documentation says what the code has."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from chain_kit import errors, toolchain
from chain_kit.cli.app import INTERRUPTED, app
from chain_kit.deploy.feed_specification import ChainlinkSpec, FeedSpec, PythSpec
from chain_kit.deploy.specification import DeploymentSpec, MarketSpec, RaceSpec, TokenSpec
from chain_kit.deploy.specification_file import load_specification
from chain_kit.settings import KEYS
from chain_kit.signers import PASSWORD_FILE_VARIABLE

ROOT = toolchain.root()
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands() -> Iterator[tuple[str, Any]]:
    """Every command by its full name, groups left out."""
    stack: list[tuple[str, Any]] = [("chain-kit", typer.main.get_command(app))]
    while stack:
        name, command = stack.pop()
        inner = getattr(command, "commands", None)
        if inner is None:
            yield name, command
        else:
            stack += [(f"{name} {sub}", each) for sub, each in inner.items()]


COMMANDS = dict(_commands())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_in_the_readme(name: str) -> None:
    """A newcomer finds each command in the table."""
    assert re.search(rf"`{re.escape(name)}( [A-Z]+)?`", README)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_helps_with_an_example(name: str) -> None:
    """What it does, and one line that can be copied."""
    help_text = COMMANDS[name].help or ""
    assert re.search(rf"Example: .*{re.escape(name)}", help_text)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_says_what_it_is_for(name: str) -> None:
    """No option or argument is without a help text."""
    silent = [parameter.name for parameter in COMMANDS[name].params if not getattr(parameter, "help", None)]
    assert silent == []


def test_every_setting_is_in_the_readme() -> None:
    """With its name and all of its environment variables."""
    words = [key.name for key in KEYS] + [variable for key in KEYS for variable in key.environment]
    assert [word for word in (*words, PASSWORD_FILE_VARIABLE) if f"`{word}`" not in README] == []


def test_every_exit_code_is_in_the_readme() -> None:
    """As the error tree and the command line give them."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.ChainKitError)} | {0, INTERRUPTED}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)} == codes


def test_every_field_of_a_specification_is_documented() -> None:
    """docs/deploy.md names each field that the file takes."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    kinds = (DeploymentSpec, MarketSpec, RaceSpec, FeedSpec, PythSpec, ChainlinkSpec, TokenSpec)
    names = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


def test_the_specification_that_is_shown_can_be_used(tmp_path: Path) -> None:
    """The example of docs/deploy.md is one, with every table that there is."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "deploy.toml").write_text(example)
    spec = load_specification(tmp_path / "deploy.toml", chain_id=8453)

    assert (1, 1, 1, 3) == (len(spec.markets), len(spec.races), len(spec.feeds), len(spec.all_feeds))


def test_the_map_names_what_is_there() -> None:
    """Every folder of the map exists, and links lead somewhere."""
    folders = re.findall(r"^\| `([\w/]+/)` \|", README, re.MULTILINE)
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert folders
    assert [path for path in (*folders, *links) if not Path(ROOT / path).exists()] == []


def _hints() -> Iterator[str]:
    """Every hint that an error brings, wherever it is written."""
    for file in (path for package in ("chain_kit", "indexer") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in {"hint", "default_hint"}:
                yield "".join(
                    part.value
                    for part in ast.walk(node.value)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                )


def test_hints_name_what_there_is() -> None:
    """An option or a command that a hint tells people to use is there to be used."""
    hints = set(_hints())
    options = {
        name for command in COMMANDS.values() for each in command.params for name in getattr(each, "opts", ())
    }
    named = {flag for hint in hints for flag in re.findall(r"--[a-z][a-z-]*", hint)}
    told = [match for hint in hints for match in re.findall(r"chain-kit (\w+)(?: (\w+))?", hint)]

    assert len(hints) > 40
    assert named - options - {"--help"} == set()
    assert [
        words
        for words in told
        if not {f"chain-kit {words[0]}", "chain-kit " + " ".join(words)} & set(COMMANDS)
    ] == []
