from __future__ import annotations

import os
import pty
import sys
from pathlib import Path
from typing import Any

import pytest

from chain_kit import errors
from chain_kit.cli import app, output
from chain_kit.cli.tables import print_demo, print_reserve, short
from tests.system_support.cli import say
from tests.unit.cli.beside_epochs import BESIDE_EPOCHS


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("1.23456", "1.2345"),
        ("1.99999", "1.9999"),
        ("-1.99999", "-1.9999"),
        ("41582", "41,582.0000"),
        ("0", "0.0000"),
        ("0.00000001", "0.0000"),
        ("-0.00000001", "-0.0000"),
        ("123456789012345678901234567890.123456789", "123,456,789,012,345,678,901,234,567,890.1234"),
    ],
)
def test_amounts_are_cut_not_rounded(amount: str, shown: str) -> None:
    """A table never shows more than there is: digits are cut away, however large the amount."""
    assert shown == short(amount)


def test_places_may_be_chosen() -> None:
    """Two places of an amount of cents."""
    assert "9.99" == short("9.999", 2)


def test_error_and_hint_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """What failed and what to do: two lines of talk, no data."""
    output.print_error(errors.PortInUseError(8545))
    said = capsys.readouterr()

    assert "" == said.out
    assert [
        "error: port 8545 is in use",
        f"hint: {errors.PortInUseError.default_hint}",
    ] == said.err.splitlines()


def test_error_without_a_hint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No empty hint is printed."""
    output.print_error(errors.ChainKitError("it failed"))

    assert "error: it failed\n" == capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ChainKitError("x"), 1),
        (errors.StoreMissingError("x"), 1),
        (errors.SettingError("x"), 2),
        (errors.RevertedError("x"), 3),
        (errors.WrongPasswordError("x"), 4),
        (errors.PendingError("x"), 8),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 1),
    ],
)
def test_exit_codes(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of failure has the code that the help names, and no traceback."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(app, "app", fail)
    said = say()

    assert (code, "") == (said.code, said.out)
    assert "Traceback" not in said.err
    assert str(code) in str(app.__doc__) or code == 1


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no user's mistake keeps its traceback."""

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(ZeroDivisionError):
        say()


def test_version_and_bare_command() -> None:
    """--version says it; no command at all shows the help, and ends as usage."""
    assert "chain-kit " in say("--version").require().out
    bare = say().require(2)

    assert "Usage:" in bare.out + bare.err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("epoch",), "'epoch'"),
        (("epochs", "BTC", "--jsn"), "--jsn"),
        (("reserve", "--at-block", "x"), "--at-block"),
        (("reserve", "--at-block", "-1"), "--at-block"),
        (("positions",), "ADDRESS"),
        (("up", "--port", "70000"), "--port"),
    ],
)
def test_wrong_words_are_usage(words: tuple[str, ...], named: str) -> None:
    """An unknown command or option, or a value that it does not take, is named; the code is 2."""
    assert named in say(*words).require(2).err


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    """A document may have lines; a stream has one line for each."""
    output.print_json({"b": 1, "a": [None, "ü"]})
    output.print_json_line({"event": "x"})
    output.print_json_line({"event": "y"})
    lines = capsys.readouterr().out.splitlines()

    assert ['{"event":"x"}', '{"event":"y"}'] == lines[-2:]
    assert ["{", '  "b": 1,', '  "a": [', "    null,", '    "ü"', "  ]", "}"] == lines[:-2]


def test_table_shows_a_dash_for_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    """None and a missing key are a dash; every column is there in a pipe, however many."""
    output.print_table("T", [("one", "a"), ("two ", "b")], [{"a": None}, {"a": "x", "b": 7}])
    said = capsys.readouterr().out

    assert 2 + 1 == said.count("–") + said.count("7")
    assert "\x1b" not in said


def reserve(*, verified: bool) -> dict[str, Any]:
    """A reserve's answer."""
    part = {"reserve": "12.00009", "liabilities": "0", "coverage": None}
    return {"block": 7, "block_hash": "0xab", "at": "", "hub": part, "vault": part, "verified": verified}


@pytest.mark.parametrize(
    ("verified", "words"), [(True, "checked against the chain"), (False, "not checked against the chain")]
)
def test_reserve_says_whether_it_was_checked(
    verified: bool, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table has both contracts, and its last line says what the numbers are worth."""
    print_reserve(reserve(verified=verified))  # type: ignore[arg-type]
    said = capsys.readouterr().out

    assert said.splitlines()[-1].startswith(words)
    assert 2 == said.count("12.0000")


def test_demo_tables_name_each_difference(capsys: pytest.CaptureFixture[str]) -> None:
    """What differs from the chain is listed, after the tables."""
    print_demo(
        {
            "epochs": [],
            "accounts": [{"account": "0x1", "habit": "late", "epochs": 1, "profit": "-3.5"}],
            "positions": [{"account": "0x1", "market": "BTC", "epoch": 1, "cost": "1.5"}],
            **BESIDE_EPOCHS,
            "reserve": reserve(verified=False),
            "differences": ["cost is 1, on chain 2"],
            "checks": 42,
        }
    )
    said = capsys.readouterr().out

    assert "differs: cost is 1, on chain 2" in said
    assert "42 numbers checked" in said
    assert "-3.5000" in said


def test_demo_tables_show_what_is_beside_the_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    """The match with both orders, the race with its places, the pool with what is in it."""
    document = {"epochs": [], "accounts": [], "positions": [], "differences": [], "checks": 0}
    print_demo({**document, **BESIDE_EPOCHS, "reserve": reserve(verified=True)})
    said = capsys.readouterr().out

    assert "MINT: two signed orders in epoch 3 of BTC, fee 0.022" in said
    assert "taker: buys YES" in said
    assert "Race ALTS: 180 staked on 3 places, 180 paid" in said
    assert "The reward token of BTC has graduated: 100 USDC raised" in said
    assert "200,000,000.0000" in said


def test_colour_is_for_terminals_and_may_be_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a terminal a title is bold, with NO_COLOR set nothing is coloured; a file gets neither."""
    monkeypatch.setenv("TERM", "xterm")
    for refused in (False, True):
        leader, follower = pty.openpty()
        if refused:
            monkeypatch.setenv("NO_COLOR", "1")
        else:
            monkeypatch.delenv("NO_COLOR", raising=False)
        with os.fdopen(follower, "w") as terminal, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            output.console().print("word", style="red")
        said = os.read(leader, 1000)
        os.close(leader)
        assert (b"\x1b[31m" in said) is not refused
    with (tmp_path / "file").open("w") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        output.console().print("word " * 60, style="red")
    assert "\x1b" not in (tmp_path / "file").read_text()
    assert 1 == len((tmp_path / "file").read_text().splitlines())
