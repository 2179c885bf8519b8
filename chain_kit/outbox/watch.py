"""The watch over all rows that are not final: blocks that went, blocks that stay, and gaps in the nonces."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from chain_kit.contracts import block_tag
from chain_kit.errors import RpcResponseError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox.intents import Effect, EffectCheck, Intent, Level, Row
from chain_kit.outbox.journal import Journal
from chain_kit.outbox.node import Node
from chain_kit.outbox.stepper import NONCE_USED, Stepper

__all__ = ["WATCH_EFFECTS", "Watch"]

_LOG = logging.getLogger(__name__)


class Watch:
    """Compares the journal of one signer with the chain."""

    def __init__(self, rpc: JsonRpc, journal: Journal, address: str, node: Node, stepper: Stepper) -> None:
        self._rpc = rpc
        self._journal = journal
        self._address = address
        self._node = node
        self._stepper = stepper

    async def rows(self) -> list[Row]:
        """Every row that the chain may have news of, lowest nonce first."""
        return await self._stepper.in_journal(self._journal.watched)

    async def check_blocks(self) -> None:
        """Takes rows back to work whose block is gone; notes how firmly the blocks of the others stand."""
        ended = [row for row in await self.rows() if row.block_number is not None and not row.state.live]
        safe, finalized = await self._node.firm()
        hashes = await self._node.block_hashes(row.block_number for row in ended if row.block_number)
        firm: dict[Level, list[Row]] = {Level.SAFE: [], Level.FINALIZED: []}
        for row in ended:
            assert row.block_number is not None
            there = hashes.get(row.block_number)
            if self._stepper.is_gone(row, there):
                await self._stepper.demote(row)
            elif there is None:
                continue
            elif row.block_number <= finalized:
                firm[Level.FINALIZED].append(row)
            elif row.block_number <= safe and row.level is Level.MINED:
                firm[Level.SAFE].append(row)
        for level, rows in firm.items():
            await self._stepper.in_journal(self._journal.settle, rows, level)
        await self._settle_superseded(finalized)

    async def _settle_superseded(self, finalized: int) -> None:
        lost = await self._stepper.in_journal(self._journal.superseded)
        if not lost:
            return
        senders = sorted({row.sender for row in lost})
        counts = await self._rpc.batch_settled(
            [("eth_getTransactionCount", [sender, hex(finalized)]) for sender in senders]
        )
        by_sender = dict(zip(senders, counts, strict=True))
        for row in lost:
            count = by_sender[row.sender]
            known = not isinstance(count, RpcResponseError)
            if row.nonce is None or (known and int(count, 16) > row.nonce):
                # The other transaction's block may have gone, and one of the row's own been mined after all.
                mined = await self._node.receipts(row)
                if mined is not None:
                    await self._stepper.spent(row, mined)
                await self._stepper.in_journal(self._journal.settle, [row], Level.FINALIZED)

    async def gap(self) -> Intent | None:
        """What uses up a nonce that nobody holds and that rows above it wait for, if there is one.

        One is left behind when a transaction of another program with this key took a nonce and went away.
        """
        held = [row.nonce for row in await self.rows() if row.sender == self._address and row.state.live]
        nonces = [nonce for nonce in held if nonce is not None]
        if not nonces:
            return None
        count = await self._rpc.call("eth_getTransactionCount", [self._address, "pending"])
        gap = int(count, 16)
        if min(nonces) <= gap:
            return None
        _LOG.warning("nonce %s of %s is missing; sending it an empty transaction", gap, self._address)
        effect = Effect(NONCE_USED, {"account": self._address, "nonce": gap})
        return Intent(self._address, "fill nonce", (str(gap),), b"", effect)


async def _nonce_used(rpc: JsonRpc, args: Mapping[str, Any], block: int | str) -> bool:
    count = await rpc.call("eth_getTransactionCount", [args["account"], block_tag(block)])
    return int(count, 16) > int(args["nonce"])


WATCH_EFFECTS: Mapping[str, EffectCheck] = {NONCE_USED: _nonce_used}
"""The effects that the watch's own intents have."""
