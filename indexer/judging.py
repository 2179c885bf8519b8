"""Judges what endpoints told of ranges of blocks: small ones here, large ones in a process of its own.

Parsing and judging a large range takes as long as writing one: in another process the two go on at the same
time. That process is told answers as bytes and tells what is in them as bytes; it knows nothing else, keeps
nothing, and ends with this one. Should it die, its work is done here.
"""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import struct
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from chain_kit.processes import die_with_parent
from indexer.blocks import Block
from indexer.deployment import LogFilter
from indexer.false_answer import FalseAnswerError
from indexer.judge import Judge, Judged
from indexer.packed import Packed, PackedLogs, pack
from indexer.parsing import MalformedAnswerError, decode

__all__ = ["Judging", "Told", "serve"]

LARGE_BYTES = 512 << 10
_SIZE = struct.Struct("<Q")


class Told(NamedTuple):
    """What an endpoint told of some blocks from `first` on.

    `answers` are to batches of calls, each with its first id and how many calls it was to. The first
    `headers` calls were for headers, the others for the logs of `filters`.
    """

    endpoint: str
    first: int
    headers: int
    filters: tuple[LogFilter, ...]
    answers: tuple[tuple[bytes, int, int], ...]

    @property
    def size(self) -> int:
        """Of all answers, in bytes."""
        return sum(len(body) for body, *_ in self.answers)


def judged(judge: Judge, told: Told) -> Judged | None:
    """What was told, if it can be; None if it does not fit together. Raises FalseAnswerError."""
    results = [
        result
        for body, first_id, calls in told.answers
        for result in decode(body, first_id, calls, told.endpoint)
    ]
    answers = list(zip(told.filters, results[told.headers :], strict=True))
    return judge.range(results[: told.headers], answers, told.endpoint, first=told.first)


class Judging:
    """Judges answers to one set of filters. `aclose` ends the process, if there is one."""

    def __init__(self, filters: Sequence[LogFilter], *, trust_headers: bool = False) -> None:
        self.judge = Judge(filters, trust_headers=trust_headers)
        self._facts = (_plain(filters), trust_headers)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def of(self, told: Told) -> Judged | None:
        """What was told, if it can be; None if it does not fit together. Raises FalseAnswerError."""
        if told.size >= LARGE_BYTES:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                return await self._elsewhere(told)
        return judged(self.judge, told)

    async def aclose(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            # Its pipes are closed by the loop's next turns.
            await asyncio.sleep(0)

    async def _elsewhere(self, told: Told) -> Judged | None:
        async with self._turn:
            process = self._process or await self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            request = (told.endpoint, told.first, told.headers, _plain(told.filters), told.answers)
            try:
                await _send(process.stdin, marshal.dumps(request))
                (size,) = _SIZE.unpack(await process.stdout.readexactly(_SIZE.size))
                answer = await process.stdout.readexactly(size)
            except BaseException:
                # Whoever asks next shall not hear the answer to this.
                await self.aclose()
                raise
        return _understood(answer)

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from indexer.judging import serve; serve()",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
            preexec_fn=die_with_parent(),
        )  # fmt: skip
        assert process.stdin is not None
        await _send(process.stdin, marshal.dumps(self._facts))
        return process


async def _send(stdin: asyncio.StreamWriter, message: bytes) -> None:
    stdin.write(_SIZE.pack(len(message)))
    stdin.write(message)
    await stdin.drain()


def serve() -> None:
    """The process: judges what comes on standard input until that ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer

    def receive() -> Any:
        head = source.read(_SIZE.size)
        return marshal.loads(source.read(_SIZE.unpack(head)[0])) if head else None  # noqa: S302  # our own parent

    filters, trusted = receive()
    judge = Judge(_filters(filters), trust_headers=trusted)
    while (request := receive()) is not None:
        endpoint, first, count, asked, answers = request
        answer = _answer(judge, Told(endpoint, first, count, _filters(asked), answers))
        target.write(_SIZE.pack(len(answer)))
        target.write(answer)
        target.flush()


def _answer(judge: Judge, told: Told) -> bytes:
    try:
        found = judged(judge, told)
        if found is None:
            return marshal.dumps(None)
        rows = [tuple(pack(log)) for log in found.logs]
    except ValueError:
        return marshal.dumps((True, told.endpoint, "a log is not hexadecimal"))
    except FalseAnswerError as error:
        return marshal.dumps((isinstance(error, MalformedAnswerError), error.endpoint, error.reason))
    return marshal.dumps(([tuple(block) for block in found.blocks], rows, list(found.quiet)))


def _understood(answer: bytes) -> Judged | None:
    found = marshal.loads(answer)  # noqa: S302  # our own child
    if found is None:
        return None
    first, second, third = found
    if isinstance(first, bool):
        raise (MalformedAnswerError if first else FalseAnswerError)(second, third)
    blocks = tuple(Block(*row) for row in first)
    new = tuple.__new__
    rows = [new(Packed, row) for row in second]
    return Judged(blocks, PackedLogs(rows, {block.number: block.hash for block in blocks}), tuple(third))


def _plain(filters: Sequence[LogFilter]) -> tuple[Any, ...]:
    return tuple((one.addresses, one.topics) for one in filters)


def _filters(plain: Sequence[Any]) -> tuple[LogFilter, ...]:
    return tuple(LogFilter(tuple(addresses), tuple(topics)) for addresses, topics in plain)
