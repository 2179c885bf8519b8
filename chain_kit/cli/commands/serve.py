"""`chain-kit serve`."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Annotated

import typer

from chain_kit.cli.listening import DEFAULT_HOST, DEFAULT_PORT, listen, url_of
from chain_kit.cli.logs import log_to_stderr
from chain_kit.cli.options import Database, LogFormat, load_settings
from chain_kit.cli.output import print_json_line, say
from chain_kit.cli.signals import stop_on_signals

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["serve"]


def serve(
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Where to listen.")] = DEFAULT_HOST,
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65_535, help="The port; 0 takes a free one.")
    ] = DEFAULT_PORT,
    db: Database = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trusted-proxy", metavar="NETWORK", help="Whose X-Forwarded-For is believed; may be repeated."
        ),
    ] = None,
    fd: Annotated[
        int | None, typer.Option("--fd", hidden=True, help="A socket that listens already.")
    ] = None,
    log_format: LogFormat = None,
    json: Annotated[bool, typer.Option("--json", help="Print the address as a JSON line.")] = False,
) -> None:
    """The index over HTTP and WebSocket, and a page to look at it, until Ctrl-C.

    Example: chain-kit serve --db deployments/31337.db --port 8600
    """
    from indexer.http.app import create_app
    from indexer.http.server import run

    settings = load_settings(database=db, log_format=log_format)
    log_to_stderr(settings.log_level, settings.log_format)
    app = create_app(str(settings.database), trusted_proxies=trusted_proxy or ())
    with listen(host, port) if fd is None else socket.socket(fileno=fd) as listening:
        run(_serve(app, listening, json))


async def _serve(app: FastAPI, listening: socket.socket, json: bool) -> None:
    from indexer.http.server import serve

    url = url_of(listening)

    def tell() -> None:
        say(f"serving {url}; Ctrl-C stops")
        if json:
            print_json_line({"event": "serving", "url": url})

    await serve(app, listening, stop_on_signals(), on_ready=tell)
