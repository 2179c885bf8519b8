"""What the chain says about an outbox's rows, and what a doctor makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chain_kit.contracts import MAX_BATCH
from chain_kit.errors import RpcError, RpcResponseError, RpcUnreachableError
from chain_kit.fees import next_base_fee
from chain_kit.inspection.reading import LeaseView
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.l1_fee import l1_fee_from_answer, l1_fee_request, unsigned_size
from chain_kit.outbox.intents import Kind, Row
from chain_kit.outbox.node import Block, Node

__all__ = ["ChainView", "Finding", "PoolTransaction", "SignerView", "Urgency", "view_chain"]


class Urgency(StrEnum):
    """Who has to do something."""

    FINE = "fine"
    WAITS = "waits"
    """Nobody: time or a running keeper mends it."""
    PERSON = "person"


@dataclass(frozen=True)
class PoolTransaction:
    """A transaction of a signer in the node's pool. The fee is what it offers, in wei per gas."""

    tx_hash: str
    nonce: int
    max_fee_wei: int | None = None


@dataclass(frozen=True)
class SignerView:
    """What the chain and the outbox say of one signer."""

    latest: int
    """Its next nonce by mined transactions."""
    pending: int
    """Its next nonce, those in the pool counted that follow on."""
    balance_wei: int
    pool: tuple[PoolTransaction, ...] | None = None
    """None if the node does not tell."""
    lease: LeaseView | None = None
    used_by: Mapping[int, str] = field(default_factory=dict)
    """Nonces that transactions of others used, and their hashes, as far as they were found."""
    halts: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """The actions that are halted: since when (UNIX seconds), and why."""


@dataclass(frozen=True)
class ChainView:
    """What the chain says."""

    head: Block
    base_fee_wei: int
    """The next block's, per gas."""
    known: frozenset[str]
    """The hashes that the node knows, mined ones too."""
    mined: Mapping[str, tuple[int, str]]
    """By hash: number and hash of the block that holds it."""
    blocks: Mapping[int, str | None]
    """The chain's hashes of the blocks in which the journal's rows stand; None for one that is not there."""
    signers: Mapping[str, SignerView]
    l1_fee_wei: Mapping[int, int] = field(default_factory=dict)
    """By row: the most that its data costs on the parent chain; absent where there is no such fee."""


@dataclass(frozen=True)
class Finding:
    """Something that is so, and what to do. `kind` is one of a fixed set of names."""

    kind: str
    urgency: Urgency
    says: str
    remedy: str
    signer: str
    nonce: int | None = None
    row_id: int | None = None
    intent: str = ""


async def view_chain(rpc: JsonRpc, chain_id: int, rows: Sequence[Row], signers: Iterable[str]) -> ChainView:
    """Asks the node about the rows and the signers; only reads. Raises an RpcError.

    Leases and halts are the outbox's to tell: `SignerView.lease` and `halts` are left out.
    """
    node = Node(rpc)
    head = await node.head()
    live = [row for row in rows if row.state.live]
    hashes = [attempt.tx_hash for row in live for attempt in row.attempts]
    receipts = await _batched(rpc, [("eth_getTransactionReceipt", [one]) for one in hashes])
    known = await _batched(rpc, [("eth_getTransactionByHash", [one]) for one in hashes])
    history = await rpc.call("eth_feeHistory", ["0x1", "latest", []])
    numbers = [row.block_number for row in rows if row.block_number is not None and not row.state.live]
    addresses = sorted({*signers, *(row.sender for row in rows)})
    return ChainView(
        head=head,
        base_fee_wei=_base_fee(rpc, history),
        known=frozenset(one for one, found in zip(hashes, known, strict=True) if found is not None),
        mined={
            one: (int(receipt["blockNumber"], 16), str(receipt["blockHash"]))
            for one, receipt in zip(hashes, receipts, strict=True)
            if isinstance(receipt, Mapping) and receipt.get("blockHash")
        },
        blocks=await node.block_hashes(numbers),
        signers={one: await _signer(rpc, head, one, live) for one in addresses},
        l1_fee_wei=await _l1_fees(rpc, chain_id, live),
    )


async def _batched(rpc: JsonRpc, calls: Sequence[Call]) -> list[Any]:
    answers: list[Any] = []
    for first in range(0, len(calls), MAX_BATCH):
        answers += await rpc.batch(calls[first : first + MAX_BATCH])
    return answers


def _base_fee(rpc: JsonRpc, history: Any) -> int:
    try:
        return next_base_fee(history)
    except (KeyError, IndexError, TypeError, ValueError):
        raise RpcUnreachableError(rpc.public_url, "eth_feeHistory did not give a fee history") from None


async def _signer(rpc: JsonRpc, head: Block, address: str, live: Sequence[Row]) -> SignerView:
    latest, pending, balance = await rpc.batch(
        [
            ("eth_getTransactionCount", [address, "latest"]),
            ("eth_getTransactionCount", [address, "pending"]),
            ("eth_getBalance", [address, "latest"]),
        ]
    )
    used_by: dict[int, str] = {}
    for row in live:
        if row.sender == address and row.nonce is not None and row.nonce < int(latest, 16):
            used = await Node(rpc).user_of(address, row.nonce, head)
            if used is not None and used[0] is not None:
                used_by[row.nonce] = used[0]
    pool = await _pool(rpc, address)
    return SignerView(int(latest, 16), int(pending, 16), int(balance, 16), pool, used_by=used_by)


async def _pool(rpc: JsonRpc, address: str) -> tuple[PoolTransaction, ...] | None:
    """The signer's transactions in the node's pool; None where the node does not tell."""
    try:
        content = await rpc.call("txpool_contentFrom", [address])
    except RpcResponseError:
        try:
            everybody = await rpc.call("txpool_content")
            content = {place: _of_account(everybody.get(place), address) for place in ("pending", "queued")}
        except (RpcError, AttributeError):
            return None
    try:
        found = [one for place in ("pending", "queued") for one in (content.get(place) or {}).values()]
        listed = [
            PoolTransaction(str(one["hash"]), int(one["nonce"], 16), int(one["maxFeePerGas"], 16))
            if one.get("maxFeePerGas")
            else PoolTransaction(str(one["hash"]), int(one["nonce"], 16))
            for one in found
        ]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return tuple(sorted(listed, key=lambda one: one.nonce))


def _of_account(content: Any, address: str) -> Any:
    return next((own for account, own in (content or {}).items() if account.lower() == address.lower()), {})


async def _l1_fees(rpc: JsonRpc, chain_id: int, live: Sequence[Row]) -> dict[int, int]:
    """By row what its newest attempt costs on the parent chain at most, where there is such a fee."""
    calls = []
    for row in live:
        last, intent = row.attempts[-1], row.intent
        cancels = last.kind is Kind.CANCEL
        fields = {
            "chainId": chain_id,
            "nonce": row.nonce or 0,
            "maxPriorityFeePerGas": last.offer.fees.max_priority_fee_per_gas_wei,
            "maxFeePerGas": last.offer.fees.max_fee_per_gas_wei,
            "gas": last.offer.gas,
            "to": row.sender if cancels else intent.contract,
            "value": 0 if cancels else intent.value_wei,
            "data": b"" if cancels else intent.data,
        }
        calls.append(l1_fee_request(unsigned_size(fields)))
    answers = await _batched(rpc, calls)
    fees = {row.id: l1_fee_from_answer(rpc, answer) for row, answer in zip(live, answers, strict=True)}
    return {row_id: wei for row_id, wei in fees.items() if wei}
