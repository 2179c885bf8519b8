"""`chain-kit share`: what one account has, proven."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chain_kit.cli.commands.reserve_proof import (
    BlockHash,
    Prove,
    Verify,
    from_node,
    place,
    require_one,
    say_what_to_compare,
    title,
    write,
)
from chain_kit.cli.options import AtBlock, Database, Deployment, Json, RpcUrl, load_settings
from chain_kit.cli.output import print_json, print_table
from chain_kit.errors import StoreMissingError, UnknownMarketError, UsageError
from chain_kit.units import checksum_address, format_units

if TYPE_CHECKING:
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.manifest import Manifest
    from indexer.reserve_proof.shares import Share

__all__ = ["share"]


def share(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The account.")],
    prove: Prove = None,
    verify: Verify = None,
    block_hash: BlockHash = None,
    payouts: Annotated[
        Path | None,
        typer.Option("--payouts", metavar="FILE", help="For --prove: the published payouts of the vault."),
    ] = None,
    epoch: Annotated[
        list[str] | None,
        typer.Option("--epoch", metavar="MARKET:N", help="For --prove: of these epochs, not the index's."),
    ] = None,
    at_block: AtBlock = None,
    rpc_url: RpcUrl = None,
    deployment: Deployment = None,
    db: Database = None,
    json: Json = False,
) -> None:
    """What an account has in hub and vault, with a proof that needs no trust.

    Example: chain-kit share 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 --verify share.json
    """
    require_one(prove, verify, block_hash)
    account = checksum_address(address)
    if verify is not None:
        _verify(verify, account, block_hash, json=json)
    elif prove is not None:
        held = None if epoch else _held(account, db)
        tree_file = payouts

        async def ask(rpc: JsonRpc, manifest: Manifest) -> bytes:
            from chain_kit.payouts import PayoutTree
            from indexer.reserve_proof.fetching import Deployed, prove_share

            places = [_place_of(one, manifest) for one in epoch or ()] if held is None else held
            tree = None if tree_file is None else PayoutTree.load(tree_file)
            deployed = Deployed.from_manifest(manifest)
            return await prove_share(rpc, deployed, account, places, tree, at_block=at_block)

        write(prove, from_node(ask, rpc_url, deployment))
    else:
        raise UsageError(
            "nothing to do", hint="--prove FILE writes a proof, --verify FILE checks one; see `positions`"
        )


def _held(account: str, db: str | None) -> list[tuple[int, int]]:
    """The epochs (market id, epoch) in which the index says that the account has shares."""
    from indexer import queries

    async def ask() -> list[tuple[int, int]]:
        async with queries.open_database(load_settings(database=db).database) as index:
            rows = await queries.positions(index, account)
        return [
            (row["market_id"], row["epoch"])
            for row in rows
            if any(digit not in "0." for digit in row["yes_tokens"] + row["no_tokens"])
        ]

    try:
        return asyncio.run(ask())
    except StoreMissingError as error:
        raise StoreMissingError(
            error.message, hint="name the epochs to prove with --epoch MARKET:N, or index them first"
        ) from None


def _place_of(text: str, manifest: Manifest) -> tuple[int, int]:
    """Of a text such as BTC:12 the market's id, by symbol or number, and the epoch."""
    market, _, number = text.rpartition(":")
    if not (number.isascii() and number.isdecimal()) or not market:
        raise UsageError(f"{text!r} names no epoch", hint="write MARKET:N, as BTC:12")
    known = {symbol: one.market_id for symbol, one in manifest.markets.items()}
    known |= {str(one): one for one in list(known.values())}
    if market not in known:
        raise UnknownMarketError(market, manifest.markets)
    return known[market], int(number)


def _verify(path: Path, account: str, block_hash: str | None, *, json: bool) -> None:
    from indexer.reserve_proof.document import read_file
    from indexer.reserve_proof.shares import verify_share

    proven = verify_share(read_file(path), account, block_hash)
    shown = _shown(proven)
    if json:
        print_json(place(proven.chain_id, proven.block, block_hash) | shown)
    else:
        columns = [
            ("market ", "market_id"),
            ("epoch ", "epoch"),
            ("YES ", "yes_tokens"),
            ("NO ", "no_tokens"),
        ]
        print_table(title(proven.block), columns, shown["positions"])
        (symbol, _), (paid_in, _) = proven.tokens
        rows = [
            {"what": f"internal balance, {symbol}", "value": shown["balance"]},
            {"what": f"owed by the vault in all, {paid_in}", "value": shown["payout"]["total"]},
            {"what": "of it claimed", "value": shown["payout"]["claimed"]},
            {"what": "left to claim", "value": shown["payout"]["claimable"]},
        ]
        print_table("Hub and vault", [("what", "what"), ("value ", "value")], rows)
    say_what_to_compare(proven.block, block_hash)


def _shown(proven: Share) -> dict[str, Any]:
    (_, decimals), (_, payout_decimals) = proven.tokens
    return {
        "account": proven.account,
        "hub": proven.hub,
        "vault": proven.vault,
        "balance": format_units(proven.balance, decimals),
        "positions": [
            {
                "market_id": one.market_id,
                "epoch": one.epoch,
                "yes_tokens": format_units(one.yes_shares, decimals),
                "no_tokens": format_units(one.no_shares, decimals),
            }
            for one in proven.positions
        ],
        "payout": {
            "root": proven.leaf.root if proven.leaf else None,
            "total": format_units(proven.leaf.total if proven.leaf else 0, payout_decimals),
            "claimed": format_units(proven.claimed, payout_decimals),
            "claimable": format_units(proven.claimable, payout_decimals),
        },
    }
