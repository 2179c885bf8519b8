"""What keepers bring about, and how each is seen on chain.

An effect is made here together with its check, so that the arguments which the journal keeps and those which
the check reads are written in one place. Feeds are 0x and hex in them, amounts decimal strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chain_kit.contracts import Contract, call_many
from chain_kit.errors import RevertedError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Effect, EffectCheck

__all__ = [
    "BOUNDARY_NONE",
    "BOUNDARY_POSTED",
    "BOUNDARY_VOID",
    "EFFECTS",
    "boundaries_known",
    "boundary_stamped",
    "house_settled",
    "positions_redeemed",
    "root_active",
    "root_known",
    "total_claimed",
]

BOUNDARY_NONE, BOUNDARY_POSTED, BOUNDARY_VOID = range(3)
"""BoundaryStatus of the oracle."""

Args = Mapping[str, Any]


def boundaries_known(oracle: str, points: Iterable[tuple[bytes, int]]) -> Effect:
    """Each of the boundaries, pairs of feed id and instant, has a price or is void."""
    written = [["0x" + feed.hex(), boundary] for feed, boundary in points]
    return Effect("boundaries known", {"oracle": oracle, "points": written})


async def _boundaries_known(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    oracle = Contract("BoundaryOracle", args["oracle"])
    points = [(bytes.fromhex(feed[2:]), boundary) for feed, boundary in args["points"]]
    answers = await call_many(rpc, [(oracle, "boundaryOf", point) for point in points], block=block)
    return all(status != BOUNDARY_NONE for status, _ in answers)


def boundary_stamped(oracle: str, feed: bytes, boundary: int) -> Effect:
    """The boundary is void in the oracle's storage, not only because time has passed."""
    return Effect("boundary stamped", {"oracle": oracle, "feed": "0x" + feed.hex(), "boundary": boundary})


async def _boundary_stamped(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    # The oracle's views do not tell the two apart: what voiding it would do does.
    oracle = Contract("BoundaryOracle", args["oracle"])
    feed = bytes.fromhex(args["feed"][2:])
    try:
        await oracle.call(rpc, "voidBoundary", feed, args["boundary"], block=block)
    except RevertedError as error:
        if error.error_name in ("BoundaryAlreadyVoid", "BoundaryAlreadyPosted"):
            return True
        raise
    return False


def positions_redeemed(hub: str, market_id: int, account: str, epochs: Sequence[int]) -> Effect:
    """The account holds no shares of these epochs any more."""
    args = {"hub": hub, "market": market_id, "account": account, "epochs": list(epochs)}
    return Effect("positions redeemed", args)


async def _positions_redeemed(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    hub = Contract("EpochHub", args["hub"])
    questions = [(hub, "positionOf", (args["market"], epoch, args["account"])) for epoch in args["epochs"]]
    return not any(yes or no for yes, no in await call_many(rpc, questions, block=block))


def house_settled(hub: str, market_id: int, epochs: Sequence[int]) -> Effect:
    """The house has redeemed its shares of these epochs."""
    return Effect("house settled", {"hub": hub, "market": market_id, "epochs": list(epochs)})


async def _house_settled(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    hub = Contract("EpochHub", args["hub"])
    questions = [(hub, "epochState", (args["market"], epoch)) for epoch in args["epochs"]]
    return all(state.settled for state in await call_many(rpc, questions, block=block))


def total_claimed(vault: str, account: str, total_units: int) -> Effect:
    """The vault has paid the account this much in all, or more."""
    return Effect("total claimed", {"vault": vault, "account": account, "total": str(total_units)})


async def _total_claimed(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    vault = Contract("PayoutVault", args["vault"])
    (claimed_units,) = await vault.call(rpc, "claimed", args["account"], block=block)
    return bool(claimed_units >= int(args["total"]))


def root_known(vault: str, root: bytes) -> Effect:
    """The vault's active root, or its pending one, is this."""
    return Effect("root known", {"vault": vault, "root": "0x" + root.hex()})


async def _root_known(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    vault, root = Contract("PayoutVault", args["vault"]), bytes.fromhex(args["root"][2:])
    questions = [(vault, "activeRoot", ()), (vault, "pendingRoot", ())]
    return any(known.root == root for known in await call_many(rpc, questions, block=block))


def root_active(vault: str, root: bytes) -> Effect:
    """The vault's active root is this."""
    return Effect("root active", {"vault": vault, "root": "0x" + root.hex()})


async def _root_active(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    active = await Contract("PayoutVault", args["vault"]).call(rpc, "activeRoot", block=block)
    return bool(active[0] == bytes.fromhex(args["root"][2:]))


EFFECTS: Mapping[str, EffectCheck] = {
    "boundaries known": _boundaries_known,
    "boundary stamped": _boundary_stamped,
    "positions redeemed": _positions_redeemed,
    "house settled": _house_settled,
    "total claimed": _total_claimed,
    "root known": _root_known,
    "root active": _root_active,
}
"""Every check by its effect's name: what a keeper's sender is opened with."""
