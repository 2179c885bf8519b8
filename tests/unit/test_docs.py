"""The documentation says what the code has."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from chain_kit import errors, toolchain
from chain_kit.cli.app import INTERRUPTED, app
from chain_kit.cli.commands.tx import NEEDS_A_PERSON
from chain_kit.deploy.feed_specification import ChainlinkSpec, FeedSpec, PythSpec
from chain_kit.deploy.specification import DeploymentSpec, MarketSpec, RaceSpec, TokenSpec
from chain_kit.deploy.specification_file import load_specification
from chain_kit.settings import KEYS
from chain_kit.signers import PASSWORD_FILE_VARIABLE
from indexer.http.app import create_app
from indexer.http.metrics import Metrics
from indexer.models import metadata

ROOT = toolchain.root()
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
ANYWHERE = "\n".join((README, *PAGES.values()))


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
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.ChainKitError)}
    codes |= {0, NEEDS_A_PERSON, INTERRUPTED}
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


def test_the_pages_link_to_what_is_there() -> None:
    """Every page of docs, and every part of one that is linked to, exists."""
    broken = []
    for name, text in PAGES.items() | {("../README.md", README)}:
        folder = (ROOT / "docs" / name).parent
        for path, part in re.findall(r"\]\(([^)#:]*)#?([^)]*)\)", text):
            target = (folder / path).resolve() if path else ROOT / "docs" / name
            if not target.exists() or (part and part not in _parts(target)):
                broken.append((name, path, part))
    assert broken == []


def _parts(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_readme() -> None:
    """Whoever looks for one finds it there."""
    assert [name for name in PAGES if f"docs/{name}" not in README] == []


def _undocumented(words: Iterable[str], text: str) -> list[str]:
    """Those that are not in the text as code."""
    return [word for word in words if f"`{word}`" not in text]


def _kinds_of_trouble() -> Iterator[str]:
    """Every kind that the index can say it has: what `raise_trouble` is called with."""
    for file in (ROOT / "indexer").rglob("*.py"):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "raise_trouble":
                yield getattr(importlib.import_module(module), ast.unparse(node.args[1]))


def test_every_kind_of_trouble_is_documented() -> None:
    """With what to do about it, in docs/index.md."""
    kinds = set(_kinds_of_trouble())
    rows = re.findall(r"^\| `(\w+)` \|", PAGES["index.md"].partition("## Trouble")[2], re.MULTILINE)
    assert {"difference", "no_endpoint"} < kinds
    assert kinds - set(rows) == set()


def test_every_metric_is_documented() -> None:
    """As Prometheus is told of it, in docs/http.md."""
    families = list(Metrics().registry.collect())
    names = [f"{one.name}_total" if one.type == "counter" else one.name for one in families]
    assert len(names) > 10
    assert _undocumented(names, PAGES["http.md"]) == []


def test_every_option_of_the_index_is_documented() -> None:
    """In the table of docs/index.md."""
    (options,) = [each.params for name, each in COMMANDS.items() if name == "chain-kit index run"]
    flags = [flag for option in options for flag in (*option.opts, *option.secondary_opts)]
    assert _undocumented(flags, PAGES["index.md"]) == []


def test_every_option_of_a_question_is_documented() -> None:
    """Somewhere, but for those of all commands."""
    asking = ("serve", "share", "reserve", "positions", "trades", "candles", "mrt", "races", "index status")
    options = [each for name in asking for each in COMMANDS[f"chain-kit {name}"].params if not each.hidden]
    flags = {flag for option in options for flag in option.opts if flag.startswith("--")}
    assert {flag for flag in flags if not re.search(rf"{flag}\b", ANYWHERE)} == set()


def test_every_table_of_the_index_is_documented() -> None:
    """In docs/index.md."""
    assert _undocumented(metadata.tables, PAGES["index.md"]) == []


def test_every_path_is_documented_and_no_other() -> None:
    """docs/http.md lists what OpenAPI describes; what the README asks is there."""
    paths = set(create_app("none.db").openapi()["paths"])
    documented = set(re.findall(r"^\| `(/[^`]*)` \|", PAGES["http.md"], re.MULTILINE))
    asked = re.findall(r"^curl '?http://[^/]+(/[^?'\n]*)", README, re.MULTILINE)
    known = [re.sub(r"\{\w+\}", "[^/]+", path) for path in paths]

    assert documented == paths
    assert asked
    assert [path for path in asked if not any(re.fullmatch(one, path) for one in known)] == []


def _lines_to_type() -> Iterator[list[str]]:
    """Every line of a code block that begins with `chain-kit`, in words."""
    for block in re.findall(r"^```\w*\n(.*?)^```", ANYWHERE, re.DOTALL | re.MULTILINE):
        yield from (shlex.split(line) for line in block.splitlines() if line.startswith("chain-kit "))


def test_commands_that_are_shown_can_be_typed() -> None:
    """Each names a command, and options that this has."""
    lines = list(_lines_to_type())
    assert len(lines) > 5
    for words in lines:
        name = next(name for name in (" ".join(words[:3]), " ".join(words[:2])) if name in COMMANDS)
        options = {flag for each in COMMANDS[name].params for flag in getattr(each, "opts", ())}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, words


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
