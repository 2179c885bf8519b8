"""`chain-kit up`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from chain_kit.cli.output import print_json_line, say

__all__ = ["up"]


def up(
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65_535, help="Where anvil listens.")
    ] = 8545,
    fork_url: Annotated[
        str | None,
        typer.Option("--fork-url", metavar="URL", help="Start from another chain's state, Base's for one."),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option("--prices", metavar="CSV", help="Recorded prices to replay [a day of BTC/USD]."),
    ] = None,
    price_url: Annotated[
        str | None,
        typer.Option("--price-url", metavar="URL", help="Poll prices from here instead of replaying."),
    ] = None,
    price_path: Annotated[
        str,
        typer.Option(
            "--price-path", metavar="PATH", help="Where the price is in that URL's JSON: data.price."
        ),
    ] = "price",
    db: Annotated[
        Path | None, typer.Option("--db", metavar="PATH", help="The index, made anew [deployments/CHAIN.db].")
    ] = None,
    deployment: Annotated[
        Path | None,
        typer.Option("--deployment", metavar="FILE", help="The manifest [deployments/CHAIN.json]."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the system, then a JSON line for each event.")
    ] = False,
) -> None:
    """A whole system on this machine: anvil, contracts, keepers, indexer, prices; until Ctrl-C.

    Example: chain-kit up --port 8545 --json
    """
    asyncio.run(_up(port, fork_url, prices, price_url, price_path, db, deployment, json))


async def _up(
    port: int,
    fork_url: str | None,
    prices: Path | None,
    price_url: str | None,
    price_path: str,
    db: Path | None,
    deployment: Path | None,
    json: bool,
) -> None:
    from chain_kit.cli.local.folders import LocalFiles
    from chain_kit.cli.local.samples import SAMPLE_PRICES
    from chain_kit.cli.local.up import UpOptions, run_up
    from chain_kit.cli.signals import stop_on_signals
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.networks import LOCAL
    from chain_kit.prices import PriceSeries

    chain_id = LOCAL.chain_id
    if fork_url is not None:
        async with JsonRpc(fork_url) as upstream:
            chain_id = await upstream.chain_id()
    recorded = prices or SAMPLE_PRICES
    if price_url is None:
        PriceSeries.from_csv(recorded)  # a file that cannot be used is told of before anything starts
    manifest = deployment or Path("deployments") / (
        f"{chain_id}-fork.json" if fork_url else f"{chain_id}.json"
    )
    options = UpOptions(
        files=LocalFiles.of(manifest, db),
        port=port,
        price_options=["--replay", str(recorded)]
        if price_url is None
        else ["--price-url", price_url, "--price-path", price_path],
        replays=price_url is None,
        fork_url=fork_url,
    )
    await run_up(options, stop_on_signals(), print_json_line if json else _show, say)
    say("stopped; nothing is left running")


def _show(event: dict[str, Any]) -> None:
    """An event in words, for those that people want to hear of."""
    if "rpc_url" in event:
        for name, value in event.items():
            typer.echo(f"{name:12} {value}")
        say("running; Ctrl-C stops")
    elif event.get("event") == "epoch":
        typer.echo(
            f"{event['market']} epoch {event['epoch']}: "
            f"{event['start_price'] or '–'} to {event['end_price'] or '–'}, "
            f"{event['outcome'] or 'open'}; YES {event['yes_supply']}, NO {event['no_supply']}; "
            f"reserve {event['hub_reserve']} for {event['hub_liabilities']}"
        )
    elif event.get("event") == "restarted":
        say(f"{event['source']} had died and was started again")
