"""What keepers bring about, and how each is seen on chain.

An effect is made here together with its check, so that the arguments which the journal keeps and those which
the check reads are written in one place. Feeds are 0x and hex in them, amounts decimal strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chain_kit.clob.orders import Side
from chain_kit.contracts import Contract, block_tag, call_many
from chain_kit.errors import RevertedError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Effect, EffectCheck
from chain_kit.units import keccak256

__all__ = [
    "BOUNDARY_NONE",
    "BOUNDARY_POSTED",
    "BOUNDARY_VOID",
    "EFFECTS",
    "HOUSE_FUNDED",
    "allowance_granted",
    "boundaries_known",
    "boundary_stamped",
    "claims_paid",
    "house_funded",
    "houses_settled",
    "root_active",
    "root_known",
    "total_claimed",
    "trade_made",
]

BOUNDARY_NONE, BOUNDARY_POSTED, BOUNDARY_VOID = range(3)
"""BoundaryStatus of the oracle."""

HOUSE_FUNDED = "0x" + keccak256(b"HouseFunded(uint256,address,uint256)").hex()
"""The topic of the event."""

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


async def _positions_redeemed(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    hub = Contract("EpochHub", args["hub"])
    questions = [(hub, "positionOf", (args["market"], epoch, args["account"])) for epoch in args["epochs"]]
    return not any(yes or no for yes, no in await call_many(rpc, questions, block=block))


def claims_paid(contract: str, claims: Iterable[tuple[int, str, Sequence[int]]]) -> Effect:
    """No account of `claims`, triples of market, account and epochs, holds shares of these epochs any more.

    `contract` is a hub, or a race market, whose markets are its books.
    """
    written = [[market_id, account, list(epochs)] for market_id, account, epochs in claims]
    return Effect("claims paid", {"contract": contract, "claims": written})


async def _claims_paid(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    # Both kinds of contract answer this alike.
    ledger = Contract("EpochHub", args["contract"])
    questions = [
        (ledger, "positionOf", (market_id, epoch, account))
        for market_id, account, epochs in args["claims"]
        for epoch in epochs
    ]
    return not any(yes or no for yes, no in await call_many(rpc, questions, block=block))


async def _house_settled(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    hub = Contract("EpochHub", args["hub"])
    questions = [(hub, "epochState", (args["market"], epoch)) for epoch in args["epochs"]]
    return all(state.settled for state in await call_many(rpc, questions, block=block))


def houses_settled(hub: str, houses: Iterable[tuple[int, Sequence[int]]]) -> Effect:
    """The houses have redeemed their shares: pairs of market and epochs."""
    written = [[market_id, list(epochs)] for market_id, epochs in houses]
    return Effect("houses settled", {"hub": hub, "houses": written})


async def _houses_settled(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    hub = Contract("EpochHub", args["hub"])
    questions = [
        (hub, "epochState", (market, epoch)) for market, epochs in args["houses"] for epoch in epochs
    ]
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


def trade_made(
    hub: str, market_id: int, epoch: int, account: str, *, side: Side, least_shares_units: int
) -> Effect:
    """The account holds this many shares of a side of the epoch, or more."""
    args = {
        "hub": hub,
        "market": market_id,
        "epoch": epoch,
        "account": account,
        "side": side.name,
        "shares": str(least_shares_units),
    }
    return Effect("trade made", args)


async def _trade_made(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    hub = Contract("EpochHub", args["hub"])
    held = await hub.call(rpc, "positionOf", args["market"], args["epoch"], args["account"], block=block)
    return bool(held[Side[args["side"]]] >= int(args["shares"]))


def allowance_granted(token: str, owner: str, spender: str, least_units: int) -> Effect:
    """The spender may take this much of the owner's tokens, or more."""
    args = {"token": token, "owner": owner, "spender": spender, "least": str(least_units)}
    return Effect("allowance granted", args)


async def _allowance_granted(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    token = Contract("TestToken", args["token"])
    (units,) = await token.call(rpc, "allowance", args["owner"], args["spender"], block=block)
    return bool(units >= int(args["least"]))


def house_funded(hub: str, market_id: int, payer: str, *, from_block: int, count: int) -> Effect:
    """From a block on the payer has added to the house's budget so many times, or more often."""
    args = {"hub": hub, "market": market_id, "payer": payer, "from_block": from_block, "count": count}
    return Effect("house funded", args)


async def _house_funded(rpc: JsonRpc, args: Args, block: int | str) -> bool:
    query = {
        "address": args["hub"],
        "topics": [HOUSE_FUNDED, f"0x{args['market']:064x}", "0x" + args["payer"][2:].lower().rjust(64, "0")],
        "fromBlock": block_tag(args["from_block"]),
        "toBlock": block_tag(block),
    }
    return len(await rpc.call("eth_getLogs", [query])) >= int(args["count"])


EFFECTS: Mapping[str, EffectCheck] = {
    "allowance granted": _allowance_granted,
    "house funded": _house_funded,
    "boundaries known": _boundaries_known,
    "boundary stamped": _boundary_stamped,
    "claims paid": _claims_paid,
    "houses settled": _houses_settled,
    "total claimed": _total_claimed,
    "root known": _root_known,
    "root active": _root_active,
    "trade made": _trade_made,
    # What journals of earlier versions hold.
    "positions redeemed": _positions_redeemed,
    "house settled": _house_settled,
}
"""Every check by its effect's name: what a keeper's sender is opened with."""
