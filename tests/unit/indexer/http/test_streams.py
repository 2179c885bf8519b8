from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from indexer.http.limits import Limits
from indexer.http.streams import Hub, Reader
from indexer.steps import Undo
from indexer.store import Store
from tests.http_support.serving import Served, indexed_world, serving, until
from tests.index_support.chain import FakeChain, address_of, raw_event
from tests.index_support.world import FEED, World

PATIENCE = 20


@asynccontextmanager
async def _quiet_world(path: Path) -> AsyncIterator[tuple[World, Store]]:
    """A market in its first epoch, with no price and no trade yet."""
    async with indexed_world(path, blocks=0) as (world, store):
        yield world, store


async def _price(world: World, store: Store, epoch: int, price: int | None, *, seconds: int = 0) -> None:
    """Mines a block, in which the price at an epoch's beginning is posted (1e18), or voided."""
    boundary = world.genesis + (epoch - 1) * 300
    if price is None:
        event = raw_event("BoundaryOracle", "BoundaryVoided", FEED, boundary)
    else:
        event = raw_event("BoundaryOracle", "BoundaryPosted", FEED, boundary, price)
    late = boundary - world.chain.tip.timestamp
    block = world.chain.mine(event, seconds=max(late, 0) + seconds)
    await store.take(world.chain.forward(block.number))


async def _heard(socket: ClientConnection, count: int, *kinds: str) -> list[dict[str, Any]]:
    """The next messages of these kinds."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            text = await socket.recv()
            if text != "pong" and json.loads(text)["type"] in kinds:
                found.append(json.loads(text))
    return found


async def test_a_reader_gets_the_status_at_once(tmp_path: Path) -> None:
    """Type, symbol and timestamp; the documented fields, in decimal strings; how far it is proven."""
    async with indexed_world(tmp_path / "index.db") as (world, _), serving(tmp_path / "index.db") as served:
        async with served.stream("BTC") as socket:
            message = json.loads(await socket.recv())
        rest = (await served.http.get("/api/v1/perpetual/markets/BTC/status")).json()
    assert set(message) == {"type", "symbol", "data", "timestamp"}
    assert (message["type"], message["symbol"]) == ("status", "BTC")
    data = message["data"]
    assert set(data) == {
        "epoch", "start_price", "current_price", "time_remaining", "trading_active", "yes_price", "no_price",
        "yes_pool", "no_pool", "yes_supply", "no_supply", "block", "block_hash", "level", "verified",
    }  # fmt: skip
    assert data["block"] == world.chain.tip.number
    same = set(data) - {"time_remaining"}
    assert {name: data[name] for name in same} == {name: rest[name] for name in same}


async def test_ping_brings_pong_and_status(tmp_path: Path) -> None:
    """In this order, at once."""
    async with (
        indexed_world(tmp_path / "index.db", blocks=5),
        serving(tmp_path / "index.db") as served,
        served.stream("BTC") as socket,
        asyncio.timeout(PATIENCE),
    ):
        await socket.recv()
        await socket.send("ping")
        assert await socket.recv() == "pong"
        assert json.loads(await socket.recv())["type"] == "status"


async def test_status_comes_again_by_itself(tmp_path: Path) -> None:
    """As often as was said: every 30 seconds, here less."""
    async with (
        indexed_world(tmp_path / "index.db", blocks=5),
        serving(tmp_path / "index.db", status_seconds=0.05) as served,
        served.stream("BTC") as socket,
    ):
        assert len(await _heard(socket, 4, "status")) == 4
    assert Hub(served.app.state.service).status_seconds == 30


async def test_other_messages_are_not_understood(tmp_path: Path) -> None:
    """An error says what is, and the connection stays."""
    async with (
        indexed_world(tmp_path / "index.db", blocks=5),
        serving(tmp_path / "index.db") as served,
        served.stream("BTC") as socket,
    ):
        await socket.send('{"op": "subscribe"}')
        await socket.send(b"\x00\xff")
        errors = await _heard(socket, 2, "error")
        await socket.send("ping")
        await _heard(socket, 1, "status")
    assert {error["message"] for error in errors} == {'not understood: send "ping"'}


async def test_an_epoch_that_ends_is_told_to_all(tmp_path: Path) -> None:
    """Once to each reader, with its prices, what it pays, and how far it is proven; then its price."""
    path = tmp_path / "index.db"
    async with AsyncExitStack() as stack:
        world, store = await stack.enter_async_context(_quiet_world(path))
        await _price(world, store, 1, 100 * 10**18)
        served = await stack.enter_async_context(serving(path))
        sockets = [
            await stack.enter_async_context(served.stream(name))
            for name in ("BTC", "BTC", address_of("BTC facade"))
        ]
        for socket in sockets:
            await socket.recv()
        await _price(world, store, 2, 125 * 10**18)
        heard = [await _heard(socket, 2, "epoch_resolved", "price") for socket in sockets]
        assert heard[0] == heard[1] == heard[2]
        ended, price = heard[0]
        tip = world.chain.tip
        assert ended == {
            "type": "epoch_resolved",
            "symbol": "BTC",
            "data": {
                "epoch": 1, "outcome": "YES", "start_price": "100", "end_price": "125", "yes_payout": "1",
                "no_payout": "0", "block": tip.number, "block_hash": tip.hash, "level": "linked",
                "verified": False,
            },
            "timestamp": ended["timestamp"],
        }  # fmt: skip
        assert price["data"] == {"price": "125", "change_24h": "25.00"}
        await _price(world, store, 3, 100 * 10**18)
        later = await _heard(sockets[0], 2, "epoch_resolved", "price")
        await _price(world, store, 4, 100 * 10**18)
        later += await _heard(sockets[0], 1, "epoch_resolved", "price")
        told = [
            (m["type"], m["data"].get("epoch"), m["data"].get("outcome"), m["data"].get("price"))
            for m in later
        ]
        assert told == [
            ("epoch_resolved", 2, "NO", None),
            ("price", None, None, "100"),
            ("epoch_resolved", 3, "VOID", None),
        ]
        assert later[2]["data"]["yes_payout"] == "0.5"


async def test_epochs_that_end_together_are_all_told(tmp_path: Path) -> None:
    """A server that was behind, or a block that closes many: in order, none left out."""
    path = tmp_path / "index.db"
    async with _quiet_world(path) as (world, store), serving(path) as served, served.stream("BTC") as socket:
        await socket.recv()
        chain = world.chain
        first = chain.tip.number + 1
        for epoch in range(1, 62):
            boundary = world.genesis + (epoch - 1) * 300
            event = raw_event("BoundaryOracle", "BoundaryPosted", FEED, boundary, (100 + epoch) * 10**18)
            chain.mine(event, seconds=max(boundary - chain.tip.timestamp, 1))
        await store.take(chain.forward(first))
        told = await _heard(socket, 60, "epoch_resolved")
    assert [message["data"]["epoch"] for message in told] == list(range(1, 61))


async def test_a_reorg_that_ends_an_epoch_otherwise_is_told(tmp_path: Path) -> None:
    """The outcome that was told is corrected; one that comes back the same is not told again."""
    path = tmp_path / "index.db"
    async with _quiet_world(path) as (world, store), serving(path) as served, served.stream("BTC") as socket:
        await socket.recv()
        await _price(world, store, 1, 100 * 10**18)
        await _price(world, store, 2, 125 * 10**18)
        assert (await _heard(socket, 1, "epoch_resolved"))[0]["data"]["outcome"] == "YES"
        chain = world.chain
        chain.rollback(1)
        await store.take(Undo(chain.tip.number, chain.head))
        await _price(world, store, 2, 75 * 10**18)
        corrected = (await _heard(socket, 1, "epoch_resolved"))[0]["data"]
    assert (corrected["epoch"], corrected["outcome"], corrected["end_price"]) == (1, "NO", "75")


async def test_who_comes_later_hears_nothing_of_before(tmp_path: Path) -> None:
    """What ended before somebody read the market is in the answers, not in the stream."""
    path = tmp_path / "index.db"
    async with _quiet_world(path) as (world, store), serving(path) as served:
        await _price(world, store, 1, 100 * 10**18)
        await _price(world, store, 2, 125 * 10**18)
        async with served.stream("BTC") as socket:
            await socket.recv()
            await _price(world, store, 3, 150 * 10**18)
            told = await _heard(socket, 1, "epoch_resolved")
        assert told[0]["data"]["epoch"] == 2

        async def is_empty() -> bool:
            return not served.app.state.hub._channels

        await until(is_empty)


@pytest.mark.parametrize("symbol", ["XYZ", "btc", "%20", address_of("nobody"), "0x" + "aB" * 20, "X" * 100])
async def test_an_unknown_market_is_an_error_and_the_end(served_world: Served, symbol: str) -> None:
    """The documented message, and then the connection is closed."""
    async with served_world.stream(symbol) as socket:
        message = json.loads(await socket.recv())
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert set(message) == {"type", "message", "timestamp"}
    assert message["type"] == "error"
    shown = symbol.replace("%20", " ")[:64]
    assert message["message"] == f"Market for {shown} not found"
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


@pytest.fixture(scope="module")
async def served_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A server on the model world."""
    path = tmp_path_factory.mktemp("streams") / "index.db"
    async with indexed_world(path, blocks=20), serving(path) as served:
        yield served


async def test_an_index_without_blocks_is_tried_again_later(tmp_path: Path) -> None:
    """There is no market yet: an error, and a close that says so."""
    from indexer.store import open_store
    from tests.index_support.chain import DEPLOYMENT

    path = tmp_path / "index.db"
    async with open_store(path, DEPLOYMENT), serving(path) as served, served.stream("BTC") as socket:
        assert "later" in json.loads(await socket.recv())["message"]
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013


async def test_ten_connections_and_no_more(tmp_path: Path) -> None:
    """The eleventh is refused with 429 and the envelope; when one has gone there is room again."""
    path = tmp_path / "index.db"
    async with indexed_world(path, blocks=5), serving(path, limits=Limits()) as served:
        async with AsyncExitStack() as stack:
            for _ in range(10):
                await stack.enter_async_context(served.stream("BTC"))
            with pytest.raises(InvalidStatus) as refused:
                async with served.stream("BTC"):
                    pass
        response = refused.value.response
        assert response.status_code == 429
        assert response.headers["retry-after"]
        assert json.loads(response.body)["error"]["code"] == "RATE_LIMIT_EXCEEDED"

        async def is_let_in() -> bool:
            try:
                async with served.stream("BTC"):
                    return True
            except InvalidStatus:
                return False

        await until(is_let_in)


async def test_messages_beyond_the_limit_are_ignored(tmp_path: Path) -> None:
    """One error says so; what comes by itself still comes; a flood ends the connection."""
    path = tmp_path / "index.db"
    async with (
        indexed_world(path, blocks=5),
        serving(path, limits=Limits(messages_per_minute=2), status_seconds=0.2) as served,
        served.stream("BTC") as socket,
    ):
        for _ in range(5):
            await socket.send("ping")
        errors = await _heard(socket, 1, "error")
        assert "2 messages in a minute" in errors[0]["message"]
        await _heard(socket, 2, "status")
        for _ in range(30):
            await socket.send("ping")
        with pytest.raises(ConnectionClosed) as closed:
            await _heard(socket, 1_000_000, "status")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_a_message_that_is_too_long_ends_the_connection(served_world: Served) -> None:
    """4 KiB are enough for "ping"."""
    async with served_world.stream("BTC") as socket:
        await socket.recv()
        await socket.send("x" * 5_000)
        with pytest.raises(ConnectionClosed) as closed:
            await _heard(socket, 1_000_000, "status")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def test_a_reader_that_does_not_read_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it is bounded; the others do not notice."""
    monkeypatch.setattr("indexer.http.streams._QUEUED_MOST", 4)
    path = tmp_path / "index.db"
    async with indexed_world(path, blocks=5), serving(path) as served:
        async with served.stream("BTC") as slow, served.stream("BTC") as other:
            await slow.recv()
            await other.recv()
            hub: Hub = served.app.state.hub
            channel = next(iter(hub._channels.values()))
            for reader in channel.readers:
                for _ in range(5):
                    reader.give("{}")
                break
            closed = [await _end(socket) for socket in (slow, other)]
        assert sorted(code for code in closed if code) == [1013]
        assert "chain_kit_stream_slow_readers_total 1.0" in (await served.http.get("/metrics")).text


async def _end(socket: ClientConnection) -> int | None:
    """With which code the server closed a connection; None if it still answers."""
    try:
        async with asyncio.timeout(PATIENCE):
            await socket.send("ping")
            while await socket.recv() != "pong":
                pass
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    return None


def test_a_full_mailbox_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes no more."""
    monkeypatch.setattr("indexer.http.streams._QUEUED_MOST", 1)
    reader = Reader()
    reader.give("a")
    assert not reader.is_slow.is_set()
    reader.give("b")
    assert reader.is_slow.is_set()
    assert reader.queue.qsize() == 1


async def test_stopping_tells_the_readers(tmp_path: Path) -> None:
    """The connection is closed as one of a service that restarts: 1012."""
    path = tmp_path / "index.db"
    async with indexed_world(path, blocks=5), AsyncExitStack() as stack:
        async with serving(path) as served:
            socket = await stack.enter_async_context(served.stream("BTC"))
            await socket.recv()
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def test_the_model_has_the_feed() -> None:
    """What these tests post prices on is the model's market's."""
    assert World(FakeChain(), 1).genesis % 300 == 0
    assert FEED.startswith(b"BTC/USD")
