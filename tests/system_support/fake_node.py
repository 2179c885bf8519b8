"""A web server on this machine that answers as a test says: a JSON-RPC node that lies, or a price source."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["FakeServer", "fake_node", "serving"]


@dataclass
class FakeServer:
    """Where it listens, and what it was asked: RPC methods, or paths."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[str, bytes], bytes]) -> Iterator[FakeServer]:
    """Answers each request with what `answer(path, body)` gives, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        def do_GET(self) -> None:
            """A request without a body is answered as one with an empty body."""
            self.do_POST()

        def do_POST(self) -> None:
            """The answer."""
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            content = answer(self.path, body)
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield FakeServer(f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def fake_node(answers: Mapping[str, Any]) -> Iterator[FakeServer]:
    """A JSON-RPC node that gives these results by method, and an error for any other."""
    asked: list[str] = []

    def one(request: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(request["method"])
        found = {"jsonrpc": "2.0", "id": request["id"]}
        if request["method"] in answers:
            return {**found, "result": answers[request["method"]]}
        return {**found, "error": {"code": -32601, "message": "no such method"}}

    def answer(_: str, body: bytes) -> bytes:
        document = json.loads(body)
        result = [one(each) for each in document] if isinstance(document, list) else one(document)
        return json.dumps(result).encode()

    with serving(answer) as server:
        server.asked = asked
        yield server
