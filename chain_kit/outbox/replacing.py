"""Other transactions at a row's nonce: one that offers more for the same call, or one that takes its place.

past its deadline              an empty transaction to its own sender, at once: the nonce is freed
built again for nothing        the same: what it replaces took effect after all
pending too long               the call again with higher fees, and again, up to the caps and its worth
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from chain_kit.errors import ChainKitError, StoreError
from chain_kit.fees import FeePolicy
from chain_kit.outbox.gate import Gate, admission
from chain_kit.outbox.intents import Attempt, Kind, Offer, Row
from chain_kit.outbox.journal import CARRIED_ON, Journal, LeaseLostError
from chain_kit.outbox.node import Block, News
from chain_kit.outbox.preflight import Preflight
from chain_kit.signers import SignedTransaction, Signer

__all__ = ["Replacer", "expired", "sign"]

_LOG = logging.getLogger(__name__)
_EMPTY_GAS = 21_000


def expired(row: Row, head: Block) -> bool:
    """Whether the row's intent is not wanted any more: it is past its deadline, or is being cancelled."""
    deadline = row.intent.deadline
    cancelled = row.reason == CARRIED_ON or any(one.kind is Kind.CANCEL for one in row.attempts)
    return cancelled or (deadline is not None and head.timestamp > deadline)


def sign(
    signer: Signer, chain_id: int, nonce: int, offer: Offer, *, to: str, data: bytes = b"", value_wei: int = 0
) -> SignedTransaction:
    """An EIP-1559 transaction, signed."""
    return signer.sign_transaction(
        {
            "type": 2,
            "chainId": chain_id,
            "nonce": nonce,
            "to": to,
            "data": data,
            "value": value_wei,
            "gas": offer.gas,
            "maxFeePerGas": offer.fees.max_fee_per_gas_wei,
            "maxPriorityFeePerGas": offer.fees.max_priority_fee_per_gas_wei,
        }
    )


class Replacer:
    """Decides about rows that wait in a pool, and journals what takes their place."""

    def __init__(
        self, journal: Journal, signer: Signer, preflight: Preflight, policy: FeePolicy, gate: Gate
    ) -> None:
        self._journal = journal
        self._signer = signer
        self._preflight = preflight
        self._policy = policy
        self._gate = gate
        # By hash: since when it is pending, where that is later than its making.
        self._since: dict[str, int] = {}
        # Rows whose replacement was impossible at the last look, and why.
        self._told: dict[int, type[ChainKitError]] = {}

    def sent_again(self, row: Row, head: Block) -> None:
        """The row was broadcast once more: it has been pending since then only.

        Since the first time: what a pool takes and drops again and again must be late one day.
        """
        self._since.setdefault(row.tx_hash, head.timestamp)

    def forget(self, row: Row) -> None:
        """Nothing more is to be decided about the row."""
        self._told.pop(row.id, None)
        for attempt in row.attempts:
            self._since.pop(attempt.tx_hash, None)

    def wants(self, row: Row, news: News, *, pointless: bool) -> Kind | None:
        """What ought to take the row's place in the pool now, if anything.

        `pointless`: its effect is there already.
        """
        newest = row.attempts[-1]
        kind = Kind.CANCEL if pointless or expired(row, news.head) else Kind.CALL
        if kind is not newest.kind:
            return kind
        pending = news.head.timestamp - self._since.get(newest.tx_hash, newest.created_at)
        stuck = row.nonce == news.chain_nonce and pending >= self._policy.stuck_seconds
        return kind if stuck else None

    async def replace(self, row: Row, kind: Kind) -> Row | None:
        """Journals a replacement. None if there cannot be one now, which is logged once.

        Raises LeaseLostError or an RpcError.
        """
        cancels, newest, gas = kind is Kind.CANCEL, row.attempts[-1], self._gas(row, kind)
        # Of bytes that are no EIP-1559 transaction nothing is known that could be offered more of.
        if row.sender != self._signer.address or not gas:
            return None
        try:
            quote, now = await self._preflight.replacement(
                row.intent, row.sender, [one.offer for one in row.attempts], gas=gas, cancels=cancels
            )
            if not cancels:
                await self._gate.check(row.intent, quote)
            offer = Offer(quote.gas, quote.fees)
            entered, is_new = await asyncio.to_thread(
                self._journal.replace,
                row,
                kind,
                self._maker(row, kind, offer),
                offer=offer,
                chain_time=now,
                admit=admission(self._gate, row.intent, quote, row.sender, now, cancels=cancels),
            )
        except (LeaseLostError, StoreError):
            raise
        except ChainKitError as error:
            if self._told.get(row.id) is not type(error):
                _LOG.warning("%s: nonce %s is not replaced: %s", row.intent, row.nonce, error.message)
            self._told[row.id] = type(error)
            return None
        if is_new:
            _LOG.info("%s: %s at nonce %s is replaced (%s)", row.intent, newest.tx_hash, row.nonce, kind)
        return entered if is_new else None

    def _maker(self, row: Row, kind: Kind, offer: Offer) -> Callable[[int], SignedTransaction]:
        intent, chain_id = row.intent, self._journal.chain_id

        def make(nonce: int) -> SignedTransaction:
            if kind is Kind.CANCEL:
                return sign(self._signer, chain_id, nonce, offer, to=row.sender)
            value_wei = intent.value_wei
            return sign(
                self._signer,
                chain_id,
                nonce,
                offer,
                to=intent.contract,
                data=intent.data,
                value_wei=value_wei,
            )

        return make

    @staticmethod
    def _gas(row: Row, kind: Kind) -> int:
        calls: list[Attempt] = [attempt for attempt in row.attempts if attempt.kind is Kind.CALL]
        return _EMPTY_GAS if kind is Kind.CANCEL else max(attempt.offer.gas for attempt in calls)
