"""A local chain: starts anvil, knows when it is ready, steers it, and lets it never outlive this process."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType

from chain_kit import toolchain
from chain_kit.devnet_control import DevnetControl
from chain_kit.errors import AnvilExitedError, PortInUseError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import LOCAL
from chain_kit.processes import die_with_parent

__all__ = ["Anvil"]

_LISTENING = re.compile(rb"^Listening on .*:(\d+)\s*$")
_HOST = "127.0.0.1"
_LAST_LINES = 12


class Anvil(DevnetControl):
    """One anvil process, as an async context manager; `rpc` is a client of it.

    port            0 takes a free one; `port` and `url` hold the real one once it runs
    timestamp       Unix seconds of the genesis block; the chain's clock goes on from there
    block_time      seconds between blocks; None mines each transaction at once
    mining          False mines only on `mine()`
    fork_url        start from the newest block of another chain, or from `fork_block`
    extra           further command-line arguments of anvil
    """

    def __init__(
        self,
        *,
        chain_id: int | None = None,
        port: int = 0,
        timestamp: int | None = None,
        block_time: float | None = None,
        mining: bool = True,
        accounts: int = 10,
        slots_in_an_epoch: int = 1,
        fork_url: str | None = None,
        fork_block: int | None = None,
        startup_seconds: float = 30.0,
        extra: Sequence[str] = (),
    ) -> None:
        self.port = port
        self._startup_seconds = startup_seconds
        # A fork keeps the id of the chain that it forks, unless another is asked for.
        chain_id = chain_id if chain_id is not None or fork_url else LOCAL.chain_id
        options: dict[str, object | None] = {
            "--host": _HOST,
            "--port": port,
            "--chain-id": chain_id,
            "--timestamp": timestamp,
            "--block-time": block_time,
            "--accounts": accounts,
            "--slots-in-an-epoch": slots_in_an_epoch,
            "--fork-url": fork_url,
            "--fork-block-number": fork_block,
            "--hardfork": "prague",
        }
        given = [(name, str(value)) for name, value in options.items() if value is not None]
        self._arguments = [word for pair in given for word in pair]
        self._arguments += [] if mining else ["--no-mining"]
        self._arguments += extra
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._errors: deque[str] = deque(maxlen=_LAST_LINES)
        self._stopping = False
        self._close_client: Callable[[], Awaitable[None]] = _nothing

    @property
    def url(self) -> str:
        """The RPC URL."""
        return f"http://{_HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    async def __aenter__(self) -> Anvil:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Starts anvil and returns when it answers.

        Raises ToolMissingError, PortInUseError, or AnvilExitedError with anvil's last lines if it ends, or
        says nothing for `startup_seconds`.
        """
        program = toolchain.anvil()
        self._process = await asyncio.create_subprocess_exec(
            program,
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=toolchain.environment(),
            # Ctrl-C is for us: what runs on top of the chain must end before the chain does.
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
        try:
            async with asyncio.timeout(self._startup_seconds):
                await self._become_ready(self._process)
        except TimeoutError:
            await self.stop()
            raise AnvilExitedError(f"anvil was not ready after {self._startup_seconds} s") from None
        except BaseException:
            await self.stop()
            raise

    async def _become_ready(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        collect = asyncio.create_task(self._collect(process.stderr))
        self._readers.append(collect)
        async for line in process.stdout:
            if match := _LISTENING.match(line):
                self.port = int(match[1])
                break
        else:
            await collect
            await process.wait()
            raise self._exit_error()
        rpc = JsonRpc(self.url)
        self._close_client = rpc.aclose
        super().__init__(rpc)
        # From here on it is quiet, and what it still says is read and dropped: a full pipe would block it.
        await self.rpc.call("anvil_setLoggingEnabled", [False])
        self._readers.append(asyncio.create_task(_drain(process.stdout)))

    async def _collect(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self._errors.append(line.decode(errors="replace").rstrip())

    def _exit_error(self) -> AnvilExitedError | PortInUseError:
        words = "\n".join(line for line in self._errors if line)
        if "Address already in use" in words:
            return PortInUseError(self.port)
        code = self._process.returncode if self._process else None
        return AnvilExitedError(f"anvil ended with status {code}:\n{words or '(it said nothing)'}")

    async def wait(self) -> None:
        """Returns when `stop()` has ended the process; raises AnvilExitedError if it ends in another way."""
        if self._process is None:
            return
        await self._process.wait()
        if not self._stopping:
            await asyncio.gather(*self._readers)
            raise self._exit_error()

    async def stop(self) -> None:
        """Ends the process and waits until it has ended. Calling it again, or before `start`, is fine."""
        self._stopping = True
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            await _end(process)
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._readers.clear()
        await self._close_client()


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _nothing() -> None:
    """Closes what is not open."""


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65_536):
        pass
