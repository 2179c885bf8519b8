"""The dead man's signal: somebody outside is told of every verified effect, and misses it when none comes.

A ping says that the chain has what the keeper is for, never that a process runs. Its URL is a secret, as the
services that wait for pings know who calls by the URL alone: no log and no message shows more than its host.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Literal

import httpx

from chain_kit.errors import SettingError
from chain_kit.urls import public_url

__all__ = ["DeadMan"]

_LOG = logging.getLogger(__name__)
_MOST_REDIRECTS = 3


class _HideUrls(logging.Filter):
    """httpx logs each request with its URL: here without what may be secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets all of them through."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                public_url(str(one)) if isinstance(one, httpx.URL) else one for one in record.args
            )
        return True


_HIDE_URLS = _HideUrls()


class DeadMan:
    """Pings the URL of an action after its effects, at most once in `least_seconds` for each action.

    A ping runs beside the keeper and never stops it: what fails is logged. A redirect is followed on the same
    host only, and never from https to http. Raises SettingError for a URL that is none.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        method: Literal["GET", "POST"] = "GET",
        least_seconds: float = 60.0,
        timeout_seconds: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        for action, url in urls.items():
            if not url.startswith(("http://", "https://")) or public_url(url) == "(not a URL)":
                raise SettingError(
                    f"the dead man's URL of {action} is not one", hint="give an http(s) URL, all of it"
                )
        logging.getLogger("httpx").addFilter(_HIDE_URLS)
        self.on_ping: Callable[[str, bool], None] = lambda _action, _arrived: None
        """Told of each ping, and whether it arrived."""
        self._urls = dict(urls)
        self._method = method
        self._least_seconds = least_seconds
        self._timeout_seconds = timeout_seconds
        self._client = httpx.AsyncClient(timeout=timeout_seconds, transport=transport)
        self._last: dict[str, float] = {}
        self._pings: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"DeadMan({', '.join(f'{action}: {public_url(url)}' for action, url in self._urls.items())})"

    def effect(self, action: str) -> None:
        """An effect of the action was verified: pings, unless it did a moment ago or has no URL."""
        now = asyncio.get_running_loop().time()
        last = self._last.get(action)
        if action not in self._urls or (last is not None and now - last < self._least_seconds):
            return
        self._last[action] = now
        task = asyncio.create_task(self._ping(action))
        self._pings.add(task)
        task.add_done_callback(self._pings.discard)

    async def aclose(self) -> None:
        """Waits for pings that are on their way, which is not for long; calling it twice is fine."""
        await asyncio.gather(*self._pings)
        await self._client.aclose()

    # ------------------------------------------------------------------ inside

    async def _ping(self, action: str) -> None:
        url = self._urls[action]
        try:
            async with asyncio.timeout(self._timeout_seconds):
                problem = await self._send(self._client.build_request(self._method, url))
        except TimeoutError:
            problem = f"no answer within {self._timeout_seconds:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = type(error).__name__
        if problem:
            _LOG.warning("the ping of %s to %s did not arrive: %s", action, public_url(url), problem)
        self.on_ping(action, not problem)

    async def _send(self, request: httpx.Request) -> str:
        """What went wrong; "" if nothing did. The answer's body is not read."""
        for _ in range(1 + _MOST_REDIRECTS):
            response = await self._client.send(request, stream=True)
            await response.aclose()
            if response.is_success:
                return ""
            if response.next_request is None:
                return f"HTTP status {response.status_code}"
            if not _may_follow(request.url, response.next_request.url):
                return "it redirects elsewhere"
            request = response.next_request
        return "it redirects too often"


def _may_follow(url: httpx.URL, to: httpx.URL) -> bool:
    same_port = (url.scheme, url.port) == (to.scheme, to.port)
    return url.host == to.host and (same_port or (url.scheme, to.scheme) == ("http", "https"))
