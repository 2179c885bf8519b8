"""The anvil on which the busy chain was made, started again from its state."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

import orjson

from chain_kit import toolchain

__all__ = ["AnvilNode"]


class AnvilNode:
    """A node like `index_runs.Node`, as a context manager; it does not count what it is asked."""

    def __init__(self, folder: Path) -> None:
        state = str(folder / "state.json")
        self._command = [
            str(toolchain.anvil()),
            "--port",
            "0",
            "--load-state",
            state,
            "--disable-block-gas-limit",
        ]
        self.url = ""

    def __enter__(self) -> AnvilNode:
        self._process = subprocess.Popen(
            self._command, env=toolchain.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(b"Listening on "):
                self.url = "http://" + line.split()[-1].decode()
                # What it says from here on nobody reads: a full pipe would stop it.
                self._silence()
                return self
        raise RuntimeError(f"anvil ended with {self._process.wait()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.stdout.close()
        self._process.wait(timeout=30)

    def _silence(self) -> None:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "anvil_setLoggingEnabled", "params": [False]}
        request = Request(self.url, orjson.dumps(asked), {"content-type": "application/json"})  # noqa: S310
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            answer.read()

    def asked(self) -> dict[str, Any]:
        """Nothing that is known."""
        return {"requests": 0}
