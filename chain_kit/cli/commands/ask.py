"""Questions about markets: `epochs`, `positions`, `reserve`, `markets`, `trades` and `candles`.

They ask the index, never the chain.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from chain_kit.cli.commands.asking import Address, Limit, Market, answer, columns_of, shown
from chain_kit.cli.commands.reserve_proof import BlockHash, Prove, Verify, prove_or_verify
from chain_kit.cli.options import AtBlock, Csv, Database, Deployment, Json, RpcUrl

__all__ = ["candles", "epochs", "markets", "positions", "reserve", "trades"]

OfMarket = Annotated[
    str | None, typer.Option("--market", metavar="MARKET", help="Of this market only: symbol or address.")
]


def epochs(
    market: Market, at_block: AtBlock = None, db: Database = None, json: Json = False, csv: Csv = False
) -> None:
    """How a market's epochs went: prices, outcome, supplies, collateral.

    Example: chain-kit epochs BTC --json
    """
    from indexer import queries

    rows = answer(db, lambda index: queries.epochs(index, market, at_block=at_block))
    if shown(rows, columns_of(queries.EpochAnswer), rows, json=json, csv=csv):
        return
    from chain_kit.cli.tables import print_epochs

    print_epochs(rows)


def positions(
    address: Address,
    market: OfMarket = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", metavar="N", min=1, help="Of this epoch only.")
    ] = None,
    races: Annotated[bool, typer.Option("--races", help="In races: --market is then a race.")] = False,
    at_block: AtBlock = None,
    db: Database = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """What an account holds or held, epoch by epoch, with cost, profit and what can be claimed.

    Example: chain-kit positions 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
    """
    from indexer import queries

    if races:
        return _race_positions(address, market, epoch, at_block, db, json=json, csv=csv)
    rows = answer(
        db, lambda index: queries.positions(index, address, market=market, epoch=epoch, at_block=at_block)
    )
    if shown(rows, columns_of(queries.PositionAnswer), rows, json=json, csv=csv):
        return None
    from chain_kit.cli.tables import print_positions

    return print_positions(address, rows)


def _race_positions(
    address: str,
    race: str | None,
    epoch: int | None,
    at_block: int | None,
    db: str | None,
    *,
    json: bool,
    csv: bool,
) -> None:
    from indexer import queries

    rows = answer(
        db,
        lambda index: queries.race_positions(index, address, race=race, epoch=epoch, at_block=at_block),
    )
    if shown(rows, columns_of(queries.RacePositionAnswer), rows, json=json, csv=csv):
        return
    from chain_kit.cli.answer_tables import print_race_positions

    print_race_positions(address, rows)


def reserve(
    at_block: AtBlock = None,
    prove: Prove = None,
    verify: Verify = None,
    block_hash: BlockHash = None,
    rpc_url: RpcUrl = None,
    deployment: Deployment = None,
    db: Database = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """What hub, vault and race market hold and owe, and whether that was checked against the chain.

    Or, without the index, a proof of it: written with --prove, checked by anybody with --verify.

    Example: chain-kit reserve --at-block 120 --json
    """
    if prove_or_verify(
        prove, verify, block_hash, rpc_url=rpc_url, deployment=deployment, at_block=at_block, json=json
    ):
        return
    from indexer import queries

    found = answer(db, lambda index: queries.reserve(index, at_block=at_block))
    from chain_kit.cli.tables import print_reserve, reserve_rows

    rows = reserve_rows(found)
    if not shown(found, list(rows[0]), rows, json=json, csv=csv):
        print_reserve(found)


def markets(at_block: AtBlock = None, db: Database = None, json: Json = False, csv: Csv = False) -> None:
    """The markets, in the order of their creation, with the epoch that runs.

    Example: chain-kit markets
    """
    from indexer import queries

    rows = answer(db, lambda index: queries.markets(index, at_block=at_block))
    if shown(rows, columns_of(queries.MarketAnswer), rows, json=json, csv=csv):
        return
    from chain_kit.cli.answer_tables import print_markets

    print_markets(rows)


def trades(
    market: OfMarket = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ADDRESS", help="Of this account only.")
    ] = None,
    limit: Limit = 100,
    before: Annotated[
        int | None,
        typer.Option("--before", metavar="POSITION", help="Older than this: the `position` of a trade."),
    ] = None,
    at_block: AtBlock = None,
    db: Database = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Trades with the house and fills of signed orders, newest first.

    Example: chain-kit trades --market BTC --limit 20
    """
    from indexer import queries

    rows = answer(
        db,
        lambda index: queries.trades(
            index, market=market, account=account, limit=limit, before=before, at_block=at_block
        ),
    )
    if shown(rows, columns_of(queries.TradeAnswer), rows, json=json, csv=csv):
        return
    from chain_kit.cli.answer_tables import print_trades

    print_trades(rows)


def candles(
    market: Market,
    interval: Annotated[
        int, typer.Option("--interval", metavar="S", min=300, help="Seconds of a candle: a multiple of 300.")
    ] = 300,
    of: Annotated[
        Literal["price", "yes"], typer.Option("--of", help="The oracle's prices, or what YES was traded at.")
    ] = "price",
    limit: Limit = 100,
    at_block: AtBlock = None,
    db: Database = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Open, high, low and close of a market by interval, and what was traded in it.

    Example: chain-kit candles BTC --interval 3600 --csv
    """
    from indexer import queries

    rows = answer(
        db, lambda index: queries.candles(index, market, interval, limit=limit, of=of, at_block=at_block)
    )
    if shown(rows, columns_of(queries.CandleAnswer), rows, json=json, csv=csv):
        return
    from chain_kit.cli.answer_tables import print_candles

    print_candles(market, rows)
