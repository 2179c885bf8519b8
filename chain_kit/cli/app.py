"""The `chain-kit` command. Each command loads what it needs when it is called, so a question stays quick.

Exit codes: 0 done, 1 failed, 2 usage, 3 reverted on chain, 4 no signer, 5 a person is needed (`tx doctor`),
8 still pending, 130 interrupted.
"""

from __future__ import annotations

import sys

import typer

from chain_kit import __version__
from chain_kit.cli.commands import (
    ask,
    ask_others,
    config,
    demo,
    deploy,
    index,
    keeper,
    keeper_run,
    keeper_status,
    serve,
    share,
    tx,
    up,
)
from chain_kit.cli.output import print_error
from chain_kit.errors import ChainKitError

__all__ = ["app", "main"]

INTERRUPTED = 130

app = typer.Typer(
    name="chain-kit",
    help="Short-epoch prediction markets on chain: deploy, run the keepers, ask what is held for whom.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
index_app = typer.Typer(help="Follow a deployment's events into a database.", no_args_is_help=True)
keeper_app = typer.Typer(help="Post prices and pay claims, unattended.", no_args_is_help=True)
tx_app = typer.Typer(help="What the outbox holds, and what keeps it.", no_args_is_help=True)
config_app = typer.Typer(help="Settings, and where each comes from.", no_args_is_help=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chain-kit {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Holds the options that stand before a command."""


app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("deploy")(deploy.deploy)
app.add_typer(index_app, name="index")
app.add_typer(keeper_app, name="keeper")
app.add_typer(tx_app, name="tx")
app.command("epochs")(ask.epochs)
app.command("positions")(ask.positions)
app.command("reserve")(ask.reserve)
app.command("share")(share.share)
app.command("markets")(ask.markets)
app.command("trades")(ask.trades)
app.command("candles")(ask.candles)
app.command("payouts")(ask_others.payouts)
app.command("mrt")(ask_others.mrt)
app.command("races")(ask_others.races)
app.command("serve")(serve.serve)
app.add_typer(config_app, name="config")
index_app.command("run")(index.run)
index_app.command("status")(index.status)
keeper_app.command("resolve")(keeper.resolve)
keeper_app.command("claim")(keeper.claim)
keeper_app.command("run")(keeper_run.run)
keeper_app.command("status")(keeper_status.status)
keeper_app.command("resume")(keeper_status.resume)
tx_app.command("list")(tx.list_rows)
tx_app.command("show")(tx.show)
tx_app.command("doctor")(tx.doctor)
config_app.command("show")(config.show)


def main() -> None:
    """Runs the command line; a user's mistake ends in a sentence, never in a traceback."""
    try:
        app()
    except ChainKitError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        sys.stderr.close()
        sys.exit(1)


if __name__ == "__main__":
    main()
