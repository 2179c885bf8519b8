"""Intents without contracts: each pays one wei to an address of its own, so that a second payment shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chain_kit.contracts import block_tag
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Effect, Effects, Intent
from chain_kit.units import checksum_address

__all__ = ["PAYMENT_EFFECTS", "balance_of", "payee", "payment"]


def payee(number: int) -> str:
    """The address that payment `number` goes to."""
    return checksum_address(f"0x{0xFEE00000 + number:040x}")


def payment(number: int) -> Intent:
    """One wei to `payee(number)`."""
    to = payee(number)
    return Intent(to, "pay", (str(number),), b"", Effect("paid", {"to": to}), value_wei=1)


async def balance_of(rpc: JsonRpc, address: str, block: int | str = "latest") -> int:
    """What an address holds, in wei."""
    return int(await rpc.call("eth_getBalance", [address, block_tag(block)]), 16)


async def _paid(rpc: JsonRpc, args: Mapping[str, Any], block: int | str) -> bool:
    return await balance_of(rpc, args["to"], block) > 0


PAYMENT_EFFECTS: Effects = {"paid": _paid}
