"""Transactions, and a node that is none, for tests of the proxy."""

from __future__ import annotations

from typing import Any

import orjson

from chain_kit.dev_accounts import dev_signer
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.testing.http_relay import PostServer, Reply
from chain_kit.testing.replacement import RawTransaction, decode


def signed(account: int, *, nonce: int, fee: int, tip: int, value: int = 1) -> RawTransaction:
    """A payment to account 9 of a local chain, fees in wei per gas."""
    fields = {"type": 2, "chainId": 31337, "nonce": nonce, "to": ANVIL_ADDRESSES[9], "value": value}
    fees = {"gas": 21_000, "maxFeePerGas": fee, "maxPriorityFeePerGas": tip}
    made = decode("0x" + dev_signer(account).sign_transaction({**fields, **fees}).raw.hex())
    assert made is not None
    return made


class FakeNode:
    """Answers by method from `results`, and writes down each body that it gets. An async context manager."""

    def __init__(self, **results: Any) -> None:
        self.results: dict[str, Any] = results
        self.bodies: list[bytes] = []
        self._server = PostServer(self._answer)
        self.url = ""

    async def __aenter__(self) -> FakeNode:
        self.url = f"http://127.0.0.1:{await self._server.start('127.0.0.1', 0)}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.aclose()

    @property
    def asked(self) -> list[str]:
        """The methods, in order."""
        documents = [orjson.loads(body) for body in self.bodies]
        calls = [call for one in documents for call in (one if isinstance(one, list) else [one])]
        return [call["method"] for call in calls]

    async def _answer(self, body: bytes) -> Reply | None:
        self.bodies.append(body)
        if b"method" not in body:
            return Reply(b"what?", 400)
        document = orjson.loads(body)
        if isinstance(document, list):
            # A node may answer in any order.
            return Reply(orjson.dumps([self._one(call) for call in reversed(document)]))
        return Reply(orjson.dumps(self._one(document)))

    def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        return {"jsonrpc": "2.0", "id": call["id"], "result": self.results.get(call["method"])}
