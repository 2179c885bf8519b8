"""A remote signer on this machine: JSON-RPC as geth has it, and web3signer's REST, with keys of eth-account.

What it answers can be spoilt: `spoil` gets the path, the method or "", and the right answer, and gives
another: bytes or a JSON value, or a pair of an HTTP status and one of these.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import orjson
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.datatypes import PrivateKey

from chain_kit.units import keccak256

__all__ = ["SigningServer"]

Spoil = Callable[[str, str, Any], Any]


class SigningServer:
    """A context manager; `url` is where it listens, `asked` what it was asked: path, headers and document."""

    def __init__(self, *keys: str, tls: ssl.SSLContext | None = None) -> None:
        self._keys = [PrivateKey(bytes.fromhex(key.removeprefix("0x"))) for key in keys]
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.spoil: Spoil = lambda _path, _method, answer: answer
        self.without: set[str] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self) -> None:
                """Public keys."""
                self._answer(None)

            def do_POST(self) -> None:
                """Something to sign."""
                self._answer(orjson.loads(self.rfile.read(int(self.headers["content-length"]))))

            def log_message(self, *_: object) -> None:
                """Says nothing."""

            def _answer(self, document: Any) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.asked.append((self.path, headers, document))
                status, body = server.answer(self.path, document)
                try:
                    self.send_response(status)
                    if 300 <= status < 400:
                        self.send_header("location", body.decode())
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> SigningServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, path: str, document: Any) -> tuple[int, bytes]:
        """Status and body for a request."""
        method = document.get("method", "") if isinstance(document, dict) else ""
        right = self._rpc(document) if method else self._rest(path, document)
        given = self.spoil(path, method, right)
        status, body = given if isinstance(given, tuple) else (200, given)
        return status, body if isinstance(body, bytes) else orjson.dumps(body)

    # ------------------------------------------------------------------ web3signer's REST

    def _rest(self, path: str, document: Any) -> Any:
        names = {"0x" + key.public_key.to_bytes().hex(): key for key in self._keys}
        if path == "/api/v1/eth1/publicKeys":
            return list(names)
        prefix, _, identifier = path.rpartition("/")
        name = identifier.lower() if identifier.lower().startswith("0x") else f"0x{identifier.lower()}"
        if prefix != "/api/v1/eth1/sign" or name not in names:
            return 404, b""
        return b"0x" + _signed(names[name], keccak256(bytes.fromhex(document["data"][2:]))).hex().encode()

    # ------------------------------------------------------------------ JSON-RPC

    def _rpc(self, document: Any) -> Any:
        method, params = document["method"], document["params"]
        if method in self.without:
            return _error(document, -32601, f"the method {method} does not exist/is not available")
        try:
            result = self._sign(method, params)
        except LookupError:
            return _error(document, -32000, "unknown account")
        return {"jsonrpc": "2.0", "id": document["id"], "result": result}

    def _sign(self, method: str, params: list[Any]) -> Any:
        if method == "eth_signTransaction":
            fields = dict(params[0])
            key = self._of(fields.pop("from"))
            return "0x" + bytes(Account.sign_transaction(fields, key.to_bytes()).raw_transaction).hex()
        key = self._of(params[0])
        message = orjson.loads(params[1]) if isinstance(params[1], str) else params[1]
        signable = encode_typed_data(full_message=message)
        data = b"\x19" + signable.version + signable.header + signable.body
        return "0x" + _signed(key, keccak256(data)).hex()

    def _of(self, address: str) -> PrivateKey:
        by_address = {str(key.public_key.to_checksum_address()): key for key in self._keys}
        return by_address[address]


def _signed(key: PrivateKey, digest: bytes) -> bytes:
    made = key.sign_msg_hash(digest).to_bytes()
    return made[:64] + bytes([27 + made[64]])


def _error(document: Any, code: int, message: str) -> Any:
    return {"jsonrpc": "2.0", "id": document["id"], "error": {"code": code, "message": message}}
