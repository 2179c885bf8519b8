"""The processes of a local system: started, restarted when they die, and never left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

import orjson

from chain_kit import toolchain
from chain_kit.errors import ToolError
from chain_kit.processes import die_with_parent

__all__ = ["ChildFailedError", "Children", "OnEvent", "Ready"]

OnEvent = Callable[[str, dict[str, object]], None]
"""Called with a child's name and one JSON line that it printed."""

Ready = Callable[[], Awaitable[bool]]
"""Whether there is what a child needs."""

_POLL_SECONDS = 0.05
_QUICK_SECONDS = 5.0
_QUICK_DEATHS = 5
_PAUSE_SECONDS = 0.2
_GRACE_SECONDS = 10.0
_LAST_LINES = 12


class ChildFailedError(ToolError, hint="its last lines say why; run that command alone to see more"):
    """A child that ends at once, again and again."""


class Children:
    """Runs `chain-kit` commands as processes of their own: one that is killed takes nothing with it.

    `environment` is what those have beside this process's.
    """

    def __init__(self, on_event: OnEvent) -> None:
        self.environment: dict[str, str] = {}
        self._on_event = on_event
        self._inherited: dict[str, Sequence[int]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._stopping = asyncio.Event()

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        when: Ready | None = None,
        inherits: Sequence[int] = (),
    ) -> None:
        """Starts `chain-kit` with `arguments`, as soon as `when()`, and keeps it running.

        `inherits` are file descriptors that it has as well, under the same numbers.
        """
        self._inherited[name] = inherits
        self._tasks[name] = asyncio.create_task(self._keep(name, arguments, when), name=name)

    def pid(self, name: str) -> int | None:
        """The process id of a child that runs now."""
        process = self._processes.get(name)
        return process.pid if process is not None and process.returncode is None else None

    def check(self) -> None:
        """Raises ChildFailedError if a child could not be kept running."""
        for task in self._tasks.values():
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    async def stop(self) -> None:
        """Ends all children and waits until they have ended."""
        self._stopping.set()
        self._signal(asyncio.subprocess.Process.terminate)
        if not self._tasks:
            return
        _, deaf = await asyncio.wait(self._tasks.values(), timeout=_GRACE_SECONDS)
        if deaf:
            self._signal(asyncio.subprocess.Process.kill)
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _signal(self, how: Callable[[asyncio.subprocess.Process], None]) -> None:
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                how(process)

    async def _keep(self, name: str, arguments: Sequence[str], when: Ready | None) -> None:
        loop = asyncio.get_running_loop()
        quick = 0
        while when is not None and not self._stopping.is_set() and not await when():
            await self._pause(_POLL_SECONDS)
        while not self._stopping.is_set():
            began = loop.time()
            last = deque[str](maxlen=_LAST_LINES)
            code = await self._run(name, arguments, last)
            if self._stopping.is_set():
                return
            quick = quick + 1 if loop.time() - began < _QUICK_SECONDS and code > 0 else 0
            if quick >= _QUICK_DEATHS:
                raise ChildFailedError(f"{name} ended with status {code}:\n" + "\n".join(last))
            self._on_event(name, {"event": "restarted", "status": code})
            await self._pause(_PAUSE_SECONDS * quick)

    async def _pause(self, seconds: float) -> None:
        """Waits, unless everything is stopped before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _run(self, name: str, arguments: Sequence[str], last: deque[str]) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chain_kit.cli",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **toolchain.environment(), "NO_COLOR": "1", **self.environment},
            # Ctrl-C is for the parent, which ends its children in order.
            start_new_session=True,
            pass_fds=self._inherited[name],
            # What they write, they write so that it can break off at any instant.
            preexec_fn=die_with_parent(),
        )
        self._processes[name] = process
        if self._stopping.is_set():  # while it was being started
            process.terminate()
        assert process.stdout is not None
        assert process.stderr is not None
        await asyncio.gather(self._read_events(name, process.stdout), _read_lines(process.stderr, last))
        return await process.wait()

    async def _read_events(self, name: str, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                event = {"event": "said", "text": line.decode(errors="replace").rstrip()}
            self._on_event(name, event)


async def _read_lines(stream: asyncio.StreamReader, last: deque[str]) -> None:
    async for line in stream:
        last.append(line.decode(errors="replace").rstrip())
