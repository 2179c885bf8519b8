"""`chain-kit demo`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from chain_kit.cli.options import Json
from chain_kit.cli.output import console, print_json, say

__all__ = ["demo"]


def demo(
    prices: Annotated[
        Path | None,
        typer.Option("--prices", metavar="CSV", help="Recorded prices: columns ts,close [a day of BTC/USD]."),
    ] = None,
    start: Annotated[
        int | None,
        typer.Option("--start", metavar="TS", help="Start of epoch 1, a multiple of 300 [first possible]."),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", metavar="N", help="How many epochs.")] = 12,
    traders: Annotated[int, typer.Option("--traders", metavar="K", help="How many accounts trade.")] = 12,
    seed: Annotated[
        int, typer.Option("--seed", metavar="S", help="What the traders' choices follow from.")
    ] = 1,
    db: Annotated[
        Path | None, typer.Option("--db", metavar="PATH", help="The index, made anew [deployments/31337.db].")
    ] = None,
    deployment: Annotated[
        Path | None,
        typer.Option("--deployment", metavar="FILE", help="The manifest [deployments/31337.json]."),
    ] = None,
    json: Json = False,
) -> None:
    """The main job on a chain of its own: deploy, trade, settle, pay, index, and check every number.

    Example: chain-kit demo --epochs 3 --json
    """
    from chain_kit.cli.local.demo import DemoOptions, run_demo
    from chain_kit.cli.local.folders import LocalFiles
    from chain_kit.cli.local.samples import SAMPLE_PRICES
    from chain_kit.networks import LOCAL

    manifest = deployment or Path("deployments") / f"{LOCAL.chain_id}.json"
    options = DemoOptions(
        prices=prices or SAMPLE_PRICES,
        files=LocalFiles.of(manifest, db),
        start=start,
        epochs=epochs,
        traders=traders,
        seed=seed,
    )
    document = asyncio.run(run_demo(options, say))
    if json:
        print_json(document)
    else:
        _show(document)
    say(f"to look at it: chain-kit serve --db {options.files.database}")
    if not document["verified"]:
        raise typer.Exit(1)


def _show(document: dict[str, object]) -> None:
    from chain_kit.cli.tables import print_demo

    print_demo(document)
    if document["verified"]:
        console().print("verified", style="bold green")
    else:
        console().print("NOT verified: the index and the chain differ", style="bold red")
