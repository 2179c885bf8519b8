"""Clients that know the documented API and nothing of this project. Numbers they read as bots do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

__all__ = ["Scanner", "StreamBot", "signal_of"]


async def signal_of(base: str, symbol: str) -> str:
    """What a bot that looks once would do: buy the side that seems cheap, or hold."""
    async with aiohttp.ClientSession() as session, session.get(f"{base}/markets/{symbol}/status") as answer:
        status = await answer.json()
    yes = float(status["yes_price"])
    if yes < 0.45:
        return "YES"
    return "NO" if yes > 0.55 else "HOLD"


class StreamBot:
    """Looks at the status once, then lives by the stream, which it pings."""

    def __init__(self, base: str, symbol: str) -> None:
        self.base = base
        self.symbol = symbol
        self.seen: list[tuple[int, int, bool, float]] = []
        """Epoch, seconds left, whether trading is on, price of YES."""
        self.pongs = 0
        self.errors: list[str] = []

    async def first_look(self) -> tuple[int, str]:
        """The epoch and the price of YES, over REST."""
        url = f"{self.base}/markets/{self.symbol}/status"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            status = await answer.json()
        return status["epoch"], status["yes_price"]

    async def live(self, *, ping_seconds: float, enough: int) -> None:
        """Reads until it has seen so many statuses, or the server hangs up."""
        url = f"{self.base.replace('http', 'ws', 1)}/ws/{self.symbol}"
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            pinging = asyncio.create_task(self._ping(socket, ping_seconds))
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                if message.data == "pong":
                    self.pongs += 1
                else:
                    self._read(json.loads(message.data))
                if len(self.seen) >= enough:
                    break
            pinging.cancel()

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await socket.send_str("ping")

    def _read(self, message: dict[str, Any]) -> None:
        if message["type"] == "status":
            data = message["data"]
            yes = float(data["yes_price"])
            self.seen.append((data["epoch"], data["time_remaining"], data["trading_active"], yes))
        elif message["type"] == "error":
            self.errors.append(message["message"])


class Scanner:
    """Looks at many markets at once; those that are not there are left out."""

    def __init__(self, base: str, symbols: list[str]) -> None:
        self.base = base
        self.symbols = symbols

    async def scan(self) -> dict[str, tuple[float, int]]:
        """Symbol -> the price of YES and the seconds left, of markets that trade."""
        async with aiohttp.ClientSession() as session:
            found = await asyncio.gather(*(self._status(session, symbol) for symbol in self.symbols))
        return {
            symbol: (float(status["yes_price"]), status["time_remaining"])
            for symbol, status in zip(self.symbols, found, strict=True)
            if status is not None and status["trading_active"]
        }

    async def _status(self, session: aiohttp.ClientSession, symbol: str) -> dict[str, Any] | None:
        async with session.get(f"{self.base}/markets/{symbol}/status") as answer:
            if answer.status != 200:
                return None
            status: dict[str, Any] = await answer.json()
            return status
