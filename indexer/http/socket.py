"""One WebSocket connection: a market's messages out, "ping" in."""

from __future__ import annotations

import asyncio
import logging

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from chain_kit.errors import BadAddressError, ChainKitError, UnknownMarketError
from indexer.http.errors import error_response
from indexer.http.limits import WindowLimit
from indexer.http.parameters import with_slashes
from indexer.http.service import Asked, Service
from indexer.http.streams import STATUS, Channel, Hub, Reader, error_text

__all__ = ["router"]

router = APIRouter()

_log = logging.getLogger(__name__)
_POLICY, _FAILED, _TRY_LATER = 1008, 1011, 1013
_FLOOD = 10
"""So many times the limit, and the connection is closed."""
_SHOWN = 64


@router.websocket("/api/v1/perpetual/ws/{symbol}")
async def stream(websocket: WebSocket, symbol: str, service: Asked) -> None:
    """A market's status at once, every 30 seconds and on "ping"; its prices, and how its epochs ended."""
    hub: Hub = websocket.app.state.hub
    with service.connections.one(service.clients.name(websocket.scope)) as may_have_it:
        if not may_have_it:
            most = service.limits.connections
            details = {"limit": most}
            message = f"more than {most} connections at one time"
            headers = {"retry-after": "60"}
            await websocket.send_denial_response(
                error_response("RATE_LIMIT_EXCEEDED", message, details, headers)
            )
            return
        await websocket.accept()
        try:
            async with hub.join(with_slashes(symbol)) as (channel, reader):
                await _serve(websocket, hub, channel, reader)
        except (UnknownMarketError, BadAddressError):
            await _refuse(websocket, f"Market for {symbol[:_SHOWN]} not found", _POLICY, service)
        except ChainKitError:
            await _refuse(websocket, "the index cannot be read: try again later", _TRY_LATER, service)
        except WebSocketDisconnect:
            pass
        except Exception:  # noqa: BLE001  the log says where, the client that it did
            _log.exception("the stream of %s failed", symbol[:_SHOWN])
            await _refuse(websocket, "the stream failed: try again later", _FAILED, service)


async def _serve(websocket: WebSocket, hub: Hub, channel: Channel, reader: Reader) -> None:
    """Until the client goes, or does not read what it is sent, or says far too much."""
    parts = [
        asyncio.create_task(_send(websocket, hub, channel, reader)),
        asyncio.create_task(_receive(websocket, hub.service, reader)),
        asyncio.create_task(reader.is_slow.wait()),
    ]
    try:
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
    if parts[2] in done:
        hub.service.metrics.slow_readers.inc()
        await _close(websocket, _TRY_LATER, "the messages are not read")
    for part in done:
        part.result()


async def _send(websocket: WebSocket, hub: Hub, channel: Channel, reader: Reader) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        text = STATUS
        try:
            async with asyncio.timeout_at(due):
                text = await reader.queue.get()
        except TimeoutError:
            pass
        if text == STATUS:
            due = loop.time() + hub.status_seconds
            text = await _status(hub, channel)
        await websocket.send_text(text)
        hub.service.metrics.messages.inc()


async def _status(hub: Hub, channel: Channel) -> str:
    try:
        return await hub.status_text(channel)
    except ChainKitError:
        return error_text("the status cannot be read: try again later", hub.service.clock.iso())


async def _receive(websocket: WebSocket, service: Service, reader: Reader) -> None:
    most = service.limits.messages_per_minute
    limit = None if most is None else WindowLimit(most)
    ignored = 0
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if limit is not None and most is not None and not limit.take("").allowed:
            ignored += 1
            if ignored == 1:
                text = f"more than {most} messages in a minute: those beyond are ignored"
                reader.give(error_text(text, service.clock.iso()))
            if ignored > most * _FLOOD:
                await _close(websocket, _POLICY, "too many messages")
                return
            continue
        ignored = 0
        if message.get("text") == "ping":
            reader.give("pong")
            reader.give(STATUS)
        else:
            reader.give(error_text('not understood: send "ping"', service.clock.iso()))


async def _refuse(websocket: WebSocket, message: str, code: int, service: Service) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        try:
            await websocket.send_text(error_text(message, service.clock.iso()))
        except WebSocketDisconnect:
            return
        await _close(websocket, code, message)


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        await websocket.close(code, reason)
