"""Before anything is signed: whether the contract takes the call, what it costs, and who pays for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chain_kit.errors import InsufficientFundsError, RpcResponseError, RpcUnreachableError, SendError
from chain_kit.fees import (
    FeePolicy,
    Fees,
    fees_from_answer,
    fees_request,
    next_base_fee,
    raised,
    replacement,
    within,
)
from chain_kit.jsonrpc import JsonRpc
from chain_kit.l1_fee import l1_fee_from_answer, l1_fee_request, unsigned_size
from chain_kit.outbox.gate import Quote
from chain_kit.outbox.intents import Intent, Offer
from chain_kit.reverts import revert_of, reverted

__all__ = ["NotWorthItError", "Plan", "Preflight", "call_of", "worthwhile"]

# State may have moved on between the estimate and the block.
_GAS_MARGIN_PERCENT = 30
# As large as the numbers of a transaction get: the bound on its size must hold whatever they are.
_LARGE = {
    "nonce": 2**32,
    "maxPriorityFeePerGas": 2**64,
    "maxFeePerGas": 2**64,
    "gas": 2**32,
}


class NotWorthItError(SendError, hint="it waits for lower fees: nothing was signed"):
    """The cheapest transaction that the next block could take costs more than the intent is worth."""

    def __init__(self, intent: Intent, needed_wei: int) -> None:
        super().__init__(f"{intent}: it would cost {needed_wei} wei, and is worth {intent.worth_wei} wei")
        self.needed_wei = needed_wei


@dataclass(frozen=True)
class Market:
    """What the chain asks now: the next block's base fee, what to offer, and the chain's clock (seconds)."""

    base_fee_wei: int
    suggested: Fees
    timestamp: int


@dataclass(frozen=True)
class Plan:
    """What a transaction needs beside its intent."""

    offer: Offer
    quote: Quote
    chain_nonce: int
    """The account's next nonce, transactions in the pool counted."""
    timestamp: int
    """The chain's clock, UNIX seconds."""


class Preflight:
    """Asks the node what a transaction would do and cost."""

    def __init__(self, rpc: JsonRpc, chain_id: int, policy: FeePolicy) -> None:
        self._rpc = rpc
        self._chain_id = chain_id
        self._policy = policy

    async def plan(self, intent: Intent, sender: str) -> Plan:
        """Tries the call and works out fees, gas and nonce.

        Raises RevertedError if the contract would refuse, NotWorthItError, InsufficientFundsError,
        FeeCapError or an RpcError.
        """
        call = call_of(intent, sender)
        tried, gas, balance, nonce, *asked = await self._rpc.batch_settled(
            [
                ("eth_call", [call, "latest"]),
                ("eth_estimateGas", [call]),
                ("eth_getBalance", [sender, "latest"]),
                ("eth_getTransactionCount", [sender, "pending"]),
                *self._questions(intent),
            ]
        )
        _require(balance, nonce, *asked)
        available_wei = int(balance, 16)
        if available_wei < intent.value_wei:
            raise InsufficientFundsError(sender, intent.value_wei, available_wei)
        for answer in (tried, gas):
            if isinstance(answer, RpcResponseError):
                raise reverted(answer, f"{intent}: the contract at {intent.contract}") from answer
        market, l1_fee_wei = self._market(*asked)
        offer = worthwhile(intent, Offer(_limit(gas), market.suggested), market.base_fee_wei, l1_fee_wei)
        quote = _quote(offer, l1_fee_wei)
        most_wei = quote.total_wei + intent.value_wei
        if available_wei < most_wei:
            raise InsufficientFundsError(sender, most_wei, available_wei)
        return Plan(offer, quote, int(nonce, 16), market.timestamp)

    async def quote(self, intent: Intent, sender: str) -> Quote:
        """What the intent would cost now, and whether the contract takes it.

        Fees are as high as they would be offered without regard to its worth. Raises FeeCapError or an
        RpcError.
        """
        call = call_of(intent, sender)
        tried, gas, *asked = await self._rpc.batch_settled(
            [("eth_call", [call, "latest"]), ("eth_estimateGas", [call]), *self._questions(intent)]
        )
        _require(*asked)
        market, l1_fee_wei = self._market(*asked)
        for answer in (tried, gas):
            if isinstance(answer, RpcResponseError):
                revert = revert_of(answer)
                if revert is None:
                    raise answer
                return replace(_quote(Offer(0, market.suggested), l1_fee_wei), revert=revert.sentence)
        return _quote(Offer(_limit(gas), market.suggested), l1_fee_wei)

    async def replacement(
        self, intent: Intent, sender: str, before: Sequence[Offer], *, gas: int, cancels: bool
    ) -> tuple[Quote, int]:
        """What to offer in the place of the last of `before`, and the chain's clock (UNIX seconds).

        One that `cancels` sends nothing; it is not bound by the intent's worth nor by the relative cap.
        Raises BumpCapError, NotWorthItError, InsufficientFundsError, FeeCapError or an RpcError.
        """
        balance, *asked = await self._rpc.batch(
            [("eth_getBalance", [sender, "latest"]), *self._questions(intent)]
        )
        market, l1_fee_wei = self._market(*asked)
        previous, first = before[-1].fees, before[0].fees
        fees = replacement(previous, market.suggested, self._policy, first=first, must=cancels)
        offer = Offer(gas, fees)
        if not cancels:
            offer = worthwhile(intent, offer, market.base_fee_wei, l1_fee_wei)
            least = raised(previous, self._policy)
            if offer.fees.max_fee_per_gas_wei < least.max_fee_per_gas_wei:
                raise NotWorthItError(intent, Offer(gas, least).most_wei + l1_fee_wei)
        quote = _quote(offer, l1_fee_wei)
        most_wei = quote.total_wei + (0 if cancels else intent.value_wei)
        if int(balance, 16) < most_wei:
            raise InsufficientFundsError(sender, most_wei, int(balance, 16))
        return quote, market.timestamp

    def _questions(self, intent: Intent) -> list[Any]:
        fields = {"to": intent.contract, "data": intent.data, "value": intent.value_wei, **_LARGE}
        return [
            fees_request(self._policy),
            l1_fee_request(unsigned_size({**fields, "chainId": self._chain_id})),
            ("eth_getBlockByNumber", ["latest", False]),
        ]

    def _market(self, history: Any, l1_fee: Any, head: Any) -> tuple[Market, int]:
        suggested = fees_from_answer(self._rpc, history, self._policy)
        if not isinstance(head, Mapping):
            raise RpcUnreachableError(self._rpc.public_url, "it knows no latest block")
        market = Market(next_base_fee(history), suggested, int(head["timestamp"], 16))
        return market, l1_fee_from_answer(self._rpc, l1_fee)


def worthwhile(intent: Intent, offer: Offer, base_fee_wei: int, l1_fee_wei: int) -> Offer:
    """The offer, its fee lowered until the transaction costs no more than the intent is worth.

    Raises NotWorthItError if the next block would not take it then.
    """
    if intent.worth_wei is None:
        return offer
    affordable_wei = max(0, intent.worth_wei - l1_fee_wei) // offer.gas
    needed_wei = base_fee_wei + offer.fees.max_priority_fee_per_gas_wei
    if affordable_wei < needed_wei:
        raise NotWorthItError(intent, needed_wei * offer.gas + l1_fee_wei)
    return Offer(offer.gas, within(offer.fees, affordable_wei))


def call_of(intent: Intent, sender: str) -> dict[str, str]:
    """The intent as eth_call takes it."""
    return {
        "from": sender,
        "to": intent.contract,
        "data": "0x" + intent.data.hex(),
        "value": hex(intent.value_wei),
    }


def _limit(estimate: str) -> int:
    return int(estimate, 16) * (100 + _GAS_MARGIN_PERCENT) // 100


def _quote(offer: Offer, l1_fee_wei: int) -> Quote:
    return Quote(offer.gas, offer.most_wei, l1_fee_wei, offer.fees)


def _require(*answers: Any) -> None:
    for answer in answers:
        if isinstance(answer, RpcResponseError):
            raise answer
