"""Questions beside the markets: `payouts`, `mrt` and `races`. They ask the index, never the chain."""

from __future__ import annotations

from typing import Annotated

import typer

from chain_kit.cli.commands.asking import Limit, answer, columns_of, shown
from chain_kit.cli.options import AtBlock, Csv, Database, Json

__all__ = ["mrt", "payouts", "races"]


def payouts(
    address: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="Claims of this account only.")
    ] = None,
    limit: Limit = 100,
    at_block: AtBlock = None,
    db: Database = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """What the payout vault owes under which root, and what it has paid to whom; as CSV, the claims.

    Example: chain-kit payouts --json
    """
    from indexer import queries

    found = answer(db, lambda index: queries.payouts(index, address, limit=limit, at_block=at_block))
    stamp = {name: found[name] for name in columns_of(queries.Stamp)}  # type: ignore[literal-required]
    claims = [{**claim, **stamp} for claim in found["claims"]]
    if shown(found, ["account", "claimed", *stamp], claims, json=json, csv=csv):
        return
    from chain_kit.cli.answer_tables import print_payouts

    print_payouts(found)


def mrt(
    market: Annotated[str, typer.Argument(metavar="MARKET", help="A market's symbol.")],
    holders: Annotated[
        bool, typer.Option("--holders", help="Who holds the token, the largest first.")
    ] = False,
    limit: Limit = 100,
    at_block: AtBlock = None,
    db: Database = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """A market's reward token: what its curve has raised, how far it is from its pool, and who holds it.

    Example: chain-kit mrt BTC --holders
    """
    from indexer import queries

    if holders:
        rows = answer(db, lambda index: queries.mrt_holders(index, market, limit=limit, at_block=at_block))
        if shown(rows, columns_of(queries.MrtHolderAnswer), rows, json=json, csv=csv):
            return
        from chain_kit.cli.answer_tables import print_mrt_holders

        print_mrt_holders(market, rows)
        return
    found = answer(db, lambda index: queries.mrt(index, market, at_block=at_block))
    if shown(found, columns_of(queries.MrtAnswer), [found], json=json, csv=csv):
        return
    from chain_kit.cli.answer_tables import print_mrt

    print_mrt(found)


def races(
    race: Annotated[
        str | None, typer.Argument(metavar="RACE", help="A race's symbol, for its finish.")
    ] = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", metavar="N", min=1, help="Not the epoch that runs, but this one.")
    ] = None,
    at_block: AtBlock = None,
    db: Database = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """The races; or one of them in one epoch: who finished where, and what is in its books (by --json).

    Example: chain-kit races MAJORS --epoch 3
    """
    from indexer import queries

    if race is None:
        rows = answer(db, lambda index: queries.races(index, at_block=at_block))
        flat = [{**row, "assets": [asset["asset"] for asset in row["assets"]]} for row in rows]
        if shown(rows, columns_of(queries.RaceAnswer), flat, json=json, csv=csv):
            return
        from chain_kit.cli.answer_tables import print_races

        print_races(rows)
        return
    found = answer(db, lambda index: queries.race(index, race, epoch=epoch, at_block=at_block))
    whole = ("race", "epoch", "status", *columns_of(queries.Stamp))
    beside = {name: found[name] for name in whole}  # type: ignore[literal-required]
    finish = [{**row, **beside} for row in found["finish"]]
    if shown(found, list(finish[0]), finish, json=json, csv=csv):
        return
    from chain_kit.cli.answer_tables import print_race

    print_race(found)
