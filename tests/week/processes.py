"""The processes of the week: started, killed without a word, and started again at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from chain_kit import toolchain
from chain_kit.processes import die_with_parent
from chain_kit.testing import Fault, FaultProxy
from chain_kit.testing.http_relay import Reply

__all__ = ["Kept", "Line"]

_LAST_LINES = 40
_QUICK_SECONDS = 10.0
_QUICK_EXITS = 10
_GRACE_SECONDS = 10.0


class Line(FaultProxy):
    """The proxy between a process and the chain. It tells of what passes, and can be told to strike.

    `on_request` is called for each request, `on_broadcast` when the node has answered a transaction's.
    """

    def __init__(self, upstream_url: str, faults: Sequence[Fault], *, seed: int) -> None:
        super().__init__(upstream_url, faults, seed=seed)
        self.on_request: Callable[[], None] = _nothing
        self.on_broadcast: Callable[[], None] = _nothing
        self._strike: Callable[[], None] | None = None
        self._strike_at = 0
        self._after = False

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    @property
    def armed(self) -> bool:
        """Whether a strike is still to come."""
        return self._strike is not None

    def strike_after(self, requests: int, strike: Callable[[], None], *, on_the_way_back: bool) -> None:
        """Calls `strike` at the n-th request from now, before the node sees it or after it has answered."""
        self._strike, self._strike_at, self._after = strike, self.requests + requests, on_the_way_back

    async def _answer(self, body: bytes) -> Reply | None:
        self.on_request()
        due = self._strike is not None and self.requests >= self._strike_at
        if due and not self._after:
            self._hit()
            return None
        before = len(self.forwarded)
        reply = await super()._answer(body)
        if len(self.forwarded) > before:
            self.on_broadcast()
        if due:
            self._hit()
            return None
        return reply

    def _hit(self) -> None:
        strike, self._strike = self._strike, None
        if strike is not None:
            strike()


def _nothing() -> None:
    """Is told, and does nothing."""


class Kept:
    """A process that is started again whenever it ends, as a service manager does.

    `arguments` are chain-kit's. `heard` is told of every line that it prints, or logs; all of them also go to
    the file `log`.
    """

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        self.heard: Callable[[str], object] = len
        self._arguments = arguments
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self.kills = 0
        self.exits = 0
        """How often it ended by itself."""

    async def __aenter__(self) -> Kept:
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        if self._task is not None:
            _, deaf = await asyncio.wait([self._task], timeout=_GRACE_SECONDS)
            if deaf:
                self.kill()
                await self._task

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None and self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)
            self.kills += 1

    def check(self) -> None:
        """Raises RuntimeError if the process cannot be kept running."""
        if self._task is not None and self._task.done():
            self._task.result()

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        quick = 0
        with self._log.open("ab") as log:
            while not self._stopping:
                began = loop.time()
                status = await self._run(log)
                if status == -signal.SIGKILL:
                    continue
                self.exits += 1
                quick = quick + 1 if loop.time() - began < _QUICK_SECONDS else 0
                if quick >= _QUICK_EXITS:
                    log.flush()
                    words = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
                    last = "\n".join(words[-_LAST_LINES:])
                    raise RuntimeError(f"{self._arguments[0]} ended with status {status}:\n{last}")

    async def _run(self, log: BinaryIO) -> int:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chain_kit.cli",
            *self._arguments,
            cwd=toolchain.root(),
            env={**os.environ, "PYTHONPATH": str(toolchain.root()), "NO_COLOR": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            log.write(line)
            self.heard(line.decode(errors="replace").rstrip())
        return await self._process.wait()
