"""`chain-kit index`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chain_kit.cli.options import Database, Deployment, Json, load_settings, require_named_chain
from chain_kit.cli.output import print_json, print_table
from chain_kit.cli.signals import stop_on_signals

if TYPE_CHECKING:
    from chain_kit.cli.index_progress import Shown
    from chain_kit.errors import RpcError
    from chain_kit.jsonrpc import RpcClient
    from chain_kit.manifest import Manifest
    from chain_kit.settings import Settings
    from indexer.deployment import Deployment as Followed
    from indexer.proof.prover import Prover
    from indexer.rpc import ChainRpc
    from indexer.store import Store
    from indexer.tail import Progress

__all__ = ["run", "status"]

_RpcUrls = Annotated[
    list[str] | None,
    typer.Option(
        "--rpc-url",
        metavar="URL",
        help="A node to ask; given again, another one, asked when those before fail "
        "[env: CHAIN_KIT_RPC_URL, ETH_RPC_URL].",
    ),
]
_WsUrl = Annotated[
    str | None,
    typer.Option(
        "--ws-url", metavar="URL", help="A node that pushes new blocks, ws(s)://… [env: CHAIN_KIT_WS_URL]."
    ),
]


def run(
    rpc_url: _RpcUrls = None,
    ws_url: _WsUrl = None,
    deployment: Deployment = None,
    db: Database = None,
    poll_seconds: Annotated[
        float, typer.Option("--poll-seconds", metavar="S", min=0.01, help="Pause between looks at the head.")
    ] = 0.5,
    undo_window: Annotated[
        int,
        typer.Option(
            "--undo-window",
            metavar="N",
            min=1,
            help="A reorg of more blocks is trouble, and is rebuilt from the finalized block.",
        ),
    ] = 128,
    trust_headers: Annotated[
        bool,
        typer.Option(
            "--trust-headers", help="Take headers as they are told: for a chain that hashes them otherwise."
        ),
    ] = False,
    reconcile_seconds: Annotated[
        float,
        typer.Option(
            "--reconcile-seconds", metavar="S", min=0.1, help="Ask the contracts about changes so often, …"
        ),
    ] = 15.0,
    reconcile_blocks: Annotated[
        int, typer.Option("--reconcile-blocks", metavar="N", min=1, help="… and after so many blocks.")
    ] = 200,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove/--no-prove",
            help="Prove what is indexed, by receipts and by what contracts answer; or leave that for later.",
        ),
    ] = True,
    standby: Annotated[
        bool, typer.Option("--standby", help="Wait for as long as another process writes this index.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Stop when the chain's head is reached, and proven.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each step.")] = False,
) -> None:
    """Follow a deployment's events into the database until stopped; started again, it goes on where it was.

    Example: chain-kit index run --rpc-url http://127.0.0.1:8545 --ws-url ws://127.0.0.1:8545
    """
    urls = ",".join(rpc_url) if rpc_url else None
    settings = load_settings(rpc_url=urls, ws_url=ws_url, deployment=deployment, database=db)
    how = _How(
        poll_seconds=poll_seconds,
        undo_window=undo_window,
        trust_headers=trust_headers,
        cadence=(reconcile_seconds, reconcile_blocks) if prove else None,
        standby=standby,
        once=once,
    )
    asyncio.run(_run(settings, how, json=json))


@dataclass(frozen=True)
class _How:
    """How an index is run; `cadence` is the seconds and the blocks between two proofs, None for none."""

    poll_seconds: float
    undo_window: int
    trust_headers: bool
    cadence: tuple[float, int] | None
    standby: bool
    once: bool


async def _run(settings: Settings, how: _How, *, json: bool) -> None:
    from chain_kit.cli.index_progress import Shown
    from chain_kit.cli.standby import store_in_turn
    from chain_kit.manifest import Manifest
    from indexer.deployment import Deployment as Followed
    from indexer.rpc import ChainRpc

    manifest = Manifest.load(settings.deployment)
    stop = stop_on_signals()
    async with AsyncExitStack() as stack:
        shown = stack.enter_context(Shown(json=json))
        # What pushes is for pushes; ordinary questions go there if nobody else answers.
        urls = sorted(settings.rpc_urls, key=_is_websocket)
        clients = [await stack.enter_async_context(_client(url)) for url in urls]
        rpc = ChainRpc(clients, trust_headers=how.trust_headers, on_notice=shown.say)
        await _require_chain(rpc, clients, settings, manifest)
        followed = Followed.from_manifest(manifest)
        store = await store_in_turn(
            stack, settings.database, followed, stop, standby=how.standby, say=shown.say
        )
        if store is not None:
            await _follow(store, rpc, followed, how, shown, stop)


async def _follow(
    store: Store, rpc: ChainRpc, followed: Followed, how: _How, shown: Shown, stop: asyncio.Event
) -> None:
    from indexer.live import Live
    from indexer.source import Source
    from indexer.tail import run as tail
    from indexer.together import in_step, together

    pushing = rpc.endpoints.pushing()
    live = None if pushing is None else Live(rpc, pushing)
    source = Source(
        rpc,
        followed,
        store,
        poll_seconds=how.poll_seconds,
        undo_window=how.undo_window,
        finalized=await store.finalized(),
        live=live,
    )

    def told(progress: Progress) -> None:
        shown.step(progress)
        if how.once and progress.caught_up:
            stop.set()

    def trouble(error: RpcError) -> None:
        shown.say(f"{error.message}; trying again")

    beside = [] if live is None else [live.run()]
    following = tail(store, source, stop, on_step=told, on_trouble=trouble)
    if how.cadence is None:
        await together(following, *beside)
        return
    prover = _prover(store, rpc, how.cadence, shown.say)
    await together(in_step(stop, following, prover.run(stop)), *beside)
    if how.once:
        await prover.finish(stop_on_signals())


def _prover(store: Store, rpc: ChainRpc, cadence: tuple[float, int], say: Callable[[str], None]) -> Prover:
    from indexer.proof.prover import Cadence, Prover

    seconds, blocks = cadence
    return Prover(store, rpc, Cadence(blocks=blocks, seconds=seconds), on_trouble=say)


def _is_websocket(url: str) -> bool:
    return url.startswith(("ws://", "wss://"))


def _client(url: str) -> RpcClient:
    from chain_kit.jsonrpc import JsonRpc

    if _is_websocket(url):
        from chain_kit.websocket_rpc import WebSocketRpc

        return WebSocketRpc(url)
    return JsonRpc(url)


async def _require_chain(
    rpc: ChainRpc, clients: Sequence[RpcClient], settings: Settings, manifest: Manifest
) -> None:
    """That the chain is the one that was named, and the manifest's; endpoints of another are left."""
    if len(clients) == 1:
        await require_named_chain(clients[0], settings)
    await rpc.require_chain(manifest.chain_id, manifest.genesis_hash)
    chosen = rpc.endpoints.choose().client
    await require_named_chain(chosen, settings)
    await manifest.check_chain(chosen)


def status(db: Database = None, json: Json = False) -> None:
    """How far the index is, how far behind the chain it last saw, and how far what it has is proven.

    Example: chain-kit index status --json
    """
    from indexer import queries
    from indexer.proof.readiness import proof_status

    async def ask() -> tuple[queries.StatusAnswer, dict[str, Any]]:
        async with queries.open_database(load_settings(database=db).database) as index:
            answer = await queries.status(index)
            async with index.snapshot() as connection:
                return answer, await proof_status(connection)

    answer, proof = asyncio.run(ask())
    if json:
        print_json({**answer, "proof": proof})
        return
    rows = [{"what": name.replace("_", " "), "value": value} for name, value in answer.items()]
    print_table("Index", [("what", "what"), ("value ", "value")], rows)
    columns = [
        ("first ", "first"),
        ("last ", "last"),
        ("level", "level"),
        ("failed", "failed"),
        ("by", "endpoint"),
    ]
    print_table("Blocks and how far they are proven", columns, proof["ranges"])
    if proof["trouble"]:
        columns = [("trouble", "kind"), ("block ", "block"), ("what", "what")]
        print_table("What is wrong", columns, proof["trouble"])
