"""Logs of long-running commands on standard error, without secrets: lines of text, or of JSON.

A line of text begins with the time in UTC. A line of JSON is an object with `time`, `level`, `logger`,
`message`, and `fields` and `error` where there are any; fields are what the caller gives as `extra`.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

import orjson

from chain_kit.redaction import redacted, redacted_fields

__all__ = ["JsonLines", "TextLines", "log_to_stderr"]

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class _Lines(logging.Formatter):
    """What both have in common: the time in UTC."""

    converter = staticmethod(time.gmtime)

    def moment(self, record: logging.LogRecord) -> str:
        """The time of the record, to the millisecond."""
        return f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z"

    def error(self, record: logging.LogRecord) -> str:
        """The traceback that comes with the record, if one does."""
        parts = [self.formatException(record.exc_info)] if record.exc_info else []
        parts += [self.formatStack(record.stack_info)] if record.stack_info else []
        return redacted("\n".join(parts))


class TextLines(_Lines):
    """A line for each record, and the lines of a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record without secrets, and without what steers a terminal or feigns another line."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{redacted(_message(record))}{fields}"
        plain = "".join(one if one.isprintable() else repr(one)[1:-1] for one in line)
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ")
        error = self.error(record)
        return f"{stamp} {record.levelname} {plain}" + (f"\n{error}" if error else "")


class JsonLines(_Lines):
    """An object for each record, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record without secrets."""
        document: dict[str, Any] = {
            "time": self.moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(_message(record)),
        }
        fields, error = _fields(record), self.error(record)
        document |= {"fields": fields} if fields else {}
        document |= {"error": error} if error else {}
        return orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS).decode("utf-8", "replace")


def log_to_stderr(level: str, style: str = "text", *, stream: TextIO | None = None) -> None:
    """Sends the kit's own logs from `level` on to standard error; of libraries only what is serious.

    `style` is "text" or "json".
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    for name in ("chain_kit", "indexer"):
        logging.getLogger(name).setLevel(level.upper())


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; a caller's mistake with them costs no line."""
    try:
        return _whole(record.getMessage())
    except Exception:  # noqa: BLE001  # whatever an argument's own text raises
        return _whole(f"{record.msg} (its arguments do not fit)")


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    return redacted_fields({name: value for name, value in record.__dict__.items() if name not in _STANDARD})


def _whole(text: str) -> str:
    """Text that UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()
