"""A contract that counts: a second effect of an intent shows as a two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chain_kit.contracts import block_tag
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Effect, Effects, Intent
from chain_kit.units import checksum_address

__all__ = ["CODE", "COUNTER", "EFFECTS", "REFUSING_SLOT", "counting", "slots_in"]

COUNTER = checksum_address(f"0x{0xC0117E4:040x}")
REFUSING_SLOT = 0
"""While this slot holds something, the contract reverts."""

# if (sload(0)) revert;
# for (i = 0; calldatasize > i; i += 32) sstore(calldataload(i), sload(calldataload(i)) + 1)
CODE = "0x5f54601f575f5b80361115601d578035805460010190556020016006565b005b5f5ffd"
_ACTIONS = ("post", "claim", "vote")


def counting(slots: Sequence[int], *, deadline: int | None = None, worth_wei: int | None = None) -> Intent:
    """Adds one to each of the slots (1 or more). Its action goes by the first, so that there are several."""
    return Intent(
        COUNTER,
        _ACTIONS[slots[0] % len(_ACTIONS)],
        tuple(str(slot) for slot in slots),
        b"".join(slot.to_bytes(32, "big") for slot in slots),
        Effect("counted", {"slots": list(slots)}),
        deadline=deadline,
        worth_wei=worth_wei,
    )


def slots_in(data: str) -> list[int]:
    """The slots that a call's data (0x…) counts up."""
    raw = bytes.fromhex(data.removeprefix("0x"))
    return [int.from_bytes(raw[place : place + 32], "big") for place in range(0, len(raw), 32)]


async def _counted(rpc: JsonRpc, args: Mapping[str, Any], block: int | str) -> bool:
    calls = [("eth_getStorageAt", [COUNTER, hex(slot), block_tag(block)]) for slot in args["slots"]]
    return all(int(word, 16) > 0 for word in await rpc.batch(calls))


EFFECTS: Effects = {"counted": _counted}
