from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from chain_kit.testing.http_relay import PostServer, Reply, Upstream

Answer = Callable[[bytes], Awaitable[Reply | None]]


async def _echo(body: bytes) -> Reply | None:
    return Reply(b"<" + body + b">") if body != b"go away" else None


@asynccontextmanager
async def serving(answer: Answer = _echo) -> AsyncIterator[int]:
    """A server's port."""
    server = PostServer(answer)
    yield await server.start("127.0.0.1", 0)
    await server.aclose()


@asynccontextmanager
async def saying(words: bytes) -> AsyncIterator[str]:
    """The URL of what answers any request with these bytes, and closes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"ask")
        writer.write(words)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/path?key=1"
    server.close()


async def talk(port: int, words: bytes) -> bytes:
    """All that comes back on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


class TestServer:
    """What a client meets."""

    async def test_answers_one_after_the_other_on_a_connection(self) -> None:
        """In their order, and it stays open."""
        one, two = (b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n" + word for word in (b"a", b"b"))

        async with serving() as port:
            answer = await talk(port, one + two)

        assert [b"<a>", b"<b>"] == [
            part.rpartition(b"\r\n")[2] for part in answer.split(b"HTTP/1.1 200 OK")[1:]
        ]

    async def test_takes_a_body_in_chunks_and_one_that_is_waited_with(self) -> None:
        """As curl sends large ones."""
        head = b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"

        async with serving() as port:
            answer = await talk(port, head + b"2\r\nab\r\n1;x=1\r\nc\r\n0\r\n\r\n")

        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
        assert answer.endswith(b"<abc>")

    async def test_breaks_off_where_there_is_no_reply(self) -> None:
        """Without a word."""
        async with serving() as port:
            assert await talk(port, b"POST / HTTP/1.1\r\ncontent-length: 7\r\n\r\ngo away") == b""

    async def test_says_what_it_is_for(self) -> None:
        """To a browser."""
        async with serving() as port:
            assert b"405 Method Not Allowed" in await talk(port, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")

    @pytest.mark.parametrize(
        "words", [b"\x16\x03\x01\r\n\r\n", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
    )
    async def test_hangs_up_on_what_it_does_not_speak(self, words: bytes) -> None:
        """And goes on with others."""
        async with serving() as port:
            assert b"200 OK" not in await talk(port, words)
            assert b"200 OK" in await talk(port, b"POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n")

    async def test_a_status_of_its_own_and_when_to_come_again(self) -> None:
        """In the words of HTTP, if it has some for it."""
        head = Reply(b"", 429, retry_after_seconds=7).head()

        assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert b"\r\nretry-after: 7\r\n" in head
        assert b"599 Status" in Reply(b"", 599).head()


class TestUpstream:
    """What the node is asked over."""

    async def test_keeps_its_connection(self) -> None:
        """The second request needs no second one, requests at the same time do."""
        ports: set[str] = set()

        async def answer(body: bytes) -> Reply:
            ports.add(body.decode())
            return Reply(body)

        async with serving(answer) as port:
            upstream = Upstream(f"http://127.0.0.1:{port}")
            await upstream.post(b"one")
            await upstream.post(b"two")
            kept = len(upstream._idle)
            await asyncio.gather(*(upstream.post(b"%d" % number) for number in range(3)))
            opened = len(upstream._idle)
            await upstream.aclose()

        assert (kept, opened) == (1, 3)

    @pytest.mark.parametrize(
        "words",
        [
            b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nfine",
        ],
    )
    async def test_reads_a_body_however_its_end_is_told(self, words: bytes) -> None:
        """By length, in chunks, or by hanging up."""
        async with saying(words) as url:
            upstream = Upstream(url)
            assert (await upstream.post(b"ask")).body == b"fine"
            await upstream.aclose()

    async def test_raises_when_the_answer_breaks_off(self) -> None:
        """Half an answer is none."""
        async with saying(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nha") as url:
            with pytest.raises(EOFError):
                await Upstream(url).post(b"ask")

    async def test_what_is_no_upstream(self) -> None:
        """It is refused at once."""
        with pytest.raises(ValueError, match="http or https"):
            Upstream("ws://127.0.0.1:8545")
