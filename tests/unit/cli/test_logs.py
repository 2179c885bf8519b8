from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.cli.logs import JsonLines, TextLines, log_to_stderr

KEY = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
URL = "postgresql://keeper:Zq-s3cret-Zq@db.example:5432/outbox"


@pytest.fixture(autouse=True)
def _loggers() -> Iterator[None]:
    """The root logger is left as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(style: str, *arguments: Any, name: str = "chain_kit.test", **extra: Any) -> str:
    """What one warning looks like."""
    stream = io.StringIO()
    log_to_stderr("info", style, stream=stream)
    logging.getLogger(name).warning(*arguments, **extra)
    return stream.getvalue()


class TestText:
    """Lines for people."""

    def test_time_level_message_and_fields(self) -> None:
        """In UTC."""
        line = logged("text", "nonce %s", 5, extra={"tx_hash": KEY})

        assert line.endswith(f"Z WARNING nonce 5 tx_hash={KEY}\n")
        assert line[4] == line[7] == "-"

    def test_a_message_cannot_feign_a_line_or_steer_the_terminal(self) -> None:
        """A contract's reason is anybody's words."""
        line = logged("text", "refused: %s", "x\n2026-01-01T00:00:00Z ERROR \x1b[31mall lost")

        assert line.count("\n") == 1
        assert "\x1b" not in line

    def test_a_traceback_follows_without_secrets(self) -> None:
        """Its lines stay lines."""
        try:
            raise ValueError(f"cannot connect to {URL}")
        except ValueError:
            text = logged("text", "failed", exc_info=True)

        assert "ValueError: cannot connect to postgresql://db.example:5432" in text
        assert "s3cret" not in text


class TestJson:
    """Lines for programs."""

    def test_one_object_a_line(self) -> None:
        """Time, level, logger, message and fields."""
        document = json.loads(logged("json", "nonce %s", 5, extra={"nonce": 5, "tx_hash": KEY}))

        assert document.pop("time")[-5:-4] == "."
        assert document == {
            "level": "warning",
            "logger": "chain_kit.test",
            "message": "nonce 5",
            "fields": {"nonce": 5, "tx_hash": KEY},
        }

    def test_without_fields_there_are_none(self) -> None:
        """Nor an error."""
        assert json.loads(logged("json", "x")).keys() == {"time", "level", "logger", "message"}

    def test_a_traceback_is_a_field(self) -> None:
        """On the same line, without secrets."""
        try:
            raise ValueError(URL)
        except ValueError:
            line = logged("json", "failed", exc_info=True)

        assert line.count("\n") == 1
        assert "ValueError" in json.loads(line)["error"]
        assert "s3cret" not in line

    def test_arguments_that_do_not_fit_cost_no_line(self) -> None:
        """Neither do they reach the caller."""
        assert "do not fit" in json.loads(logged("json", "%d", "x"))["message"]


def test_libraries_are_heard_only_when_it_is_serious() -> None:
    """Their chatter may hold whole URLs."""
    assert logged("json", "x", name="httpx") == ""
    assert logged("json", "x", name="indexer.y") != ""


@given(
    message=st.text(max_size=50),
    arguments=st.lists(st.text(max_size=10) | st.integers() | st.binary(max_size=8), max_size=2),
    fields=st.dictionaries(
        st.text(min_size=1, max_size=8).map(lambda name: f"x_{name}"),
        st.text(max_size=20) | st.integers(),
        max_size=3,
    ),
    secret=st.sampled_from([KEY, KEY[2:], URL, "Bearer Zq-s3cret-Zq", "password=Zq-s3cret-Zq"]),
)
def test_whatever_is_logged_is_one_line_without_the_secret(
    *, message: str, arguments: list[Any], fields: dict[str, Any], secret: str
) -> None:
    """In the message, in an argument, in a field or in the name of one."""
    for record in (
        logging.makeLogRecord({"msg": f"{message} {secret}", "args": tuple(arguments), **fields}),
        logging.makeLogRecord({"msg": "%s", "args": (f"{message} {secret}",), **fields}),
        logging.makeLogRecord({"msg": message, "args": (), **fields, "x": secret, "y": [secret]}),
        logging.makeLogRecord({"msg": "x", "args": (), f"x {secret}": 5}),
    ):
        line = JsonLines().format(record)

        assert isinstance(json.loads(line)["message"], str)
        for text in (line, TextLines().format(record)):
            assert "\n" not in text
            assert KEY[10:] not in text
            assert "s3cret" not in text
