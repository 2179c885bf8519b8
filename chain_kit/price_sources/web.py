"""Reads a JSON document off the web, and trusts nothing about it but its place."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import httpx

from chain_kit.errors import PriceSourceError
from chain_kit.urls import public_url

__all__ = ["WebDocument"]

MOST_BYTES = 65_536


class WebDocument:
    """A JSON document at a URL, with bounds on its size and on how long it may take.

    Redirects are not followed: the price comes from where the operator said. Nothing is taken compressed: a
    few bytes could become gigabytes. No message shows more of the URL than its host.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_seconds: float = 5.0,
        max_bytes: int = MOST_BYTES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds, transport=transport, headers={"accept-encoding": "identity"}
        )

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._client.aclose()

    async def read(self, path: str = "", parameters: dict[str, str] | None = None) -> Any:
        """The document; numbers that are not whole are Decimals. Raises PriceSourceError."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                body = await self._read(self._url + path, parameters)
        except TimeoutError:
            raise self.failed(f"no answer within {self._timeout_seconds} s") from None
        except httpx.HTTPError as error:
            raise self.failed(type(error).__name__) from None
        try:
            # No float: 0.1 stays 0.1.
            return json.loads(body, parse_float=Decimal, parse_constant=Decimal)
        except (ValueError, RecursionError) as error:
            raise self.failed(f"it is not JSON: {error}") from None

    def failed(self, reason: str) -> PriceSourceError:
        """The error for a document that gives no price."""
        return PriceSourceError(f"no price from {public_url(self._url)}: {reason}")

    async def _read(self, url: str, parameters: dict[str, str] | None) -> bytes:
        body = bytearray()
        async with self._client.stream("GET", url, params=parameters) as response:
            if response.status_code != httpx.codes.OK:
                raise self.failed(f"HTTP status {response.status_code}")
            encoding = response.headers.get("content-encoding", "identity")
            if encoding.strip().lower() != "identity":
                raise self.failed("it sent a compressed answer that was not asked for")
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._max_bytes:
                    raise self.failed(f"it sent more than {self._max_bytes} bytes")
        return bytes(body)
