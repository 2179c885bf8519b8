"""`chain-kit up` as a process of its own, whose events a test waits for."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chain_kit.contracts import Contract
from chain_kit.manifest import Manifest
from chain_kit.processes import die_with_parent
from tests.system_support.cli import command, environment
from tests.system_support.node import call, view
from tests.system_support.processes import below, still_running

__all__ = ["Running", "running_up"]

PATIENCE_SECONDS = 240.0
Event = dict[str, Any]


class Running:
    """A started `up --json`: its lines as they come."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.lines: list[Event] = []
        self.talk: list[str] = []
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self.talk.extend(self.process.stderr)

    def wait_for(self, wanted: Callable[[Event], bool], *, after: int = 0) -> Event:
        """The first line from number `after` on that is wanted, as soon as it is there."""

        def found() -> Event | None:
            return next((line for line in self.lines[after:] if wanted(line)), None)

        with self._news:
            self._news.wait_for(lambda: found() or self.process.poll() is not None, PATIENCE_SECONDS)
            line = found()
        assert line is not None, f"not among {self.lines[after:]}\n{''.join(self.talk)}"
        return line

    def wait_for_event(self, **fields: object) -> Event:
        """The first line with these values."""
        return self.wait_for(lambda line: fields.items() <= line.items())

    def wait_until_indexed(self, block: int) -> None:
        """Returns when the index has a block."""
        self.wait_for(lambda line: line.get("event") == "indexed" and line["block"] >= block)

    @property
    def description(self) -> Event:
        """The first line: what runs where."""
        self.wait_for(lambda _: True)
        return self.lines[0]

    @property
    def url(self) -> str:
        """The chain."""
        return str(self.description["rpc_url"])

    @property
    def manifest(self) -> Manifest:
        """What was deployed."""
        return Manifest.load(self.folder / self.description["deployment"])

    @property
    def database(self) -> Path:
        """The index."""
        return self.folder / str(self.description["database"])

    def ask(self, contract: Contract, fn: str, *arguments: object, block: int | str = "latest") -> Any:
        """What a contract's function returns."""
        return view(self.url, contract, fn, *arguments, block=block)

    @property
    def now(self) -> int:
        """The time of the newest block."""
        return int(call(self.url, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def move_to(self, timestamp: int) -> None:
        """Puts the chain's clock forward."""
        call(self.url, "evm_increaseTime", max(0, timestamp - self.now))
        call(self.url, "anvil_mine", "0x1")

    def interrupt(self) -> list[int]:
        """Ctrl-C: waits for the end; the processes of it that still run."""
        family = [self.process.pid, *(process.pid for process in below(self.process.pid))]
        self.process.send_signal(signal.SIGINT)
        self.wait()
        return still_running(family)

    def wait(self) -> int:
        """Waits for the end; the exit code. All that was said is there then."""
        code = self.process.wait(PATIENCE_SECONDS)
        for thread in self._threads:
            thread.join()
        return code


@contextmanager
def running_up(folder: Path, *options: object, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Runs `chain-kit up --json` in `folder` on a free port while the block runs."""
    with subprocess.Popen(
        command("up", "--port", 0, "--json", *options),
        cwd=folder,
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  # it calls the kernel only
    ) as process:
        running = Running(process, folder)
        try:
            yield running
        finally:
            if process.poll() is None:
                running.interrupt()
