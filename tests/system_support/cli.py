"""The command line as a user meets it: a process of its own, or in this one where only its words matter."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from chain_kit.cli import app
from chain_kit.processes import die_with_parent

__all__ = ["Said", "ask", "command", "environment", "kill_at", "run", "say"]

TIMEOUT_SECONDS = 180.0


@dataclass(frozen=True)
class Said:
    """How a command ended: its exit code, its data and its talk."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    def require(self, code: int = 0) -> Said:
        """This, if it ended with `code`; else a failure that shows what was said."""
        assert code == self.code, f"exit code {self.code}, not {code}\n{self.out}\n{self.err}"
        return self


def command(*arguments: object) -> list[str]:
    """The words that start `chain-kit` with `arguments`."""
    return [sys.executable, "-m", "chain_kit.cli", *map(str, arguments)]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without any of the kit's settings, and with `more`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CHAIN_KIT_") and k != "ETH_RPC_URL"}
    return {**kept, "NO_COLOR": "1", **(more or {})}


def run(
    *arguments: object,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    prefix: Sequence[str] | None = None,
) -> Said:
    """Runs `chain-kit` in a process of its own, in folder `cwd`; `prefix` starts something in its place."""
    words = [*prefix, *map(str, arguments)] if prefix else command(*arguments)
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environment(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr)


def kill_at(words: str, *arguments: object, cwd: Path) -> None:
    """Runs `chain-kit` until standard error has a line with `words`, and kills it there."""
    with subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  # it is killed before threads could matter
    ) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if words in line:
                process.kill()
        assert process.wait() == -signal.SIGKILL, "".join(said)


def say(*arguments: object, stdin: str = "") -> Said:
    """Runs the command line in this process: quicker, and a test can reach into it."""
    out, err = _Kept(), _Kept()
    words = ["chain-kit", *map(str, arguments)]
    with (
        mock.patch.multiple(sys, argv=words, stdin=StringIO(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
        _logging_kept(),
    ):
        try:
            app.main()
            code: object = 0
        except SystemExit as ended:
            code = ended.code or 0
    assert isinstance(code, int)
    return Said(code, out.getvalue(), err.getvalue())


def ask(*arguments: object) -> Any:
    """The JSON answer of a command that must succeed, run in this process."""
    return say(*arguments, "--json").require().document


class _Kept(StringIO):
    """A stream that can still be read when the command has closed it."""

    def close(self) -> None:
        """Nothing is let go of."""


@contextmanager
def _logging_kept() -> Iterator[None]:
    """Commands send the log to the standard error of their time: takes that back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name in ("chain_kit", "indexer"):
            logging.getLogger(name).setLevel(logging.NOTSET)
