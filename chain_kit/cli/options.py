"""The options that several commands share, and the settings that they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chain_kit.settings import Settings

if TYPE_CHECKING:  # a question asks no node
    from chain_kit.jsonrpc import RpcClient

__all__ = [
    "AtBlock",
    "Csv",
    "Database",
    "Deployment",
    "Json",
    "LogFormat",
    "Outbox",
    "RpcUrl",
    "load_settings",
    "require_named_chain",
]

RpcUrl = Annotated[
    str | None,
    typer.Option("--rpc-url", metavar="URL", help="The node to use [env: CHAIN_KIT_RPC_URL, ETH_RPC_URL]."),
]
Deployment = Annotated[
    Path | None,
    typer.Option("--deployment", metavar="FILE", help="The deployment manifest [env: CHAIN_KIT_DEPLOYMENT]."),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--db", metavar="PATH", help="The index: a SQLite file or a PostgreSQL URL [env: CHAIN_KIT_DATABASE]."
    ),
]
Outbox = Annotated[
    str | None,
    typer.Option(
        "--outbox",
        metavar="PATH",
        help="The sender's journal: a SQLite file or a PostgreSQL URL [env: CHAIN_KIT_OUTBOX].",
    ),
]
LogFormat = Annotated[
    str | None,
    typer.Option(
        "--log-format", metavar="FORMAT", help="Logs as text, or as json lines [env: CHAIN_KIT_LOG_FORMAT]."
    ),
]
AtBlock = Annotated[
    int | None,
    typer.Option("--at-block", metavar="N", min=0, help="Answer as of this block, not the newest indexed."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print a header and rows, as RFC 4180 has them.")]


def load_settings(
    *,
    rpc_url: str | None = None,
    ws_url: str | None = None,
    deployment: Path | None = None,
    database: str | None = None,
    outbox: Path | str | None = None,
    keystore: Path | None = None,
    network: str | None = None,
    log_format: str | None = None,
) -> Settings:
    """The settings, with what the command line gave on top."""
    return Settings.load(
        {
            "rpc_url": rpc_url,
            "ws_url": ws_url,
            "deployment": deployment,
            "database": database,
            "outbox": outbox,
            "keystore": keystore,
            "network": network,
            "log_format": log_format,
        }
    )


async def require_named_chain(rpc: RpcClient, settings: Settings) -> None:
    """Raises ChainMismatchError if somebody has said which chain it is to be, and the node serves another."""
    if settings.chain_id is not None and settings.origins["chain_id"] != "default":
        await rpc.require_chain(settings.chain_id)
