"""`chain-kit tx`: what the outbox holds, and what keeps it. Nothing here writes, to a file or a chain."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chain_kit.cli.options import Deployment, Json, Outbox, RpcUrl, load_settings
from chain_kit.cli.output import print_json, print_table
from chain_kit.errors import ChainKitError, RpcError, SettingError, StoreDeploymentError

if TYPE_CHECKING:
    from chain_kit.inspection.reading import Entry, OutboxReader
    from chain_kit.inspection.view import ChainView
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.outbox.intents import Row
    from chain_kit.settings import Settings

__all__ = ["NEEDS_A_PERSON", "doctor", "list_rows", "show"]

NEEDS_A_PERSON = 5
"""The exit code of a doctor who found something that no keeper mends."""

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The keepers' file, for all that no other option says."),
]
_GWEI_DECIMALS = 9


def list_rows(
    outbox: Outbox = None,
    config: Config = None,
    live: Annotated[bool, typer.Option("--live", help="Only what is under way.")] = False,
    action: Annotated[
        str | None, typer.Option("--action", metavar="ACTION", help="Only one action: post, say.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="The newest N.")] = 50,
    json: Json = False,
) -> None:
    """List the transactions in the outbox, newest first. Asks no node.

    Example: chain-kit tx list --live
    """
    from chain_kit.cli.transactions import LIST, listed

    with _outbox(_settings(config, outbox=outbox)) as reader:
        rows = [listed(entry) for entry in reader.entries(live=live, action=action, limit=limit)]
        chain_id = reader.chain_id
    if json:
        print_json([{key: row[key] for key in row if key not in _FOR_TABLES} for row in rows])
    else:
        print_table(f"Transactions on chain {chain_id}", LIST, rows)


_FOR_TABLES = frozenset(
    {"shown_subjects", "shown_state", "shown_hash", "fee_gwei", "tip_gwei", "tries", "age"}
)


def show(
    row: Annotated[
        str, typer.Argument(metavar="ID|HASH", help="The row's id, or how a transaction's hash begins.")
    ],
    outbox: Outbox = None,
    config: Config = None,
    rpc_url: RpcUrl = None,
    deployment: Deployment = None,
    json: Json = False,
) -> None:
    """Show everything about one transaction: its call, attempts, fees and effect, and where it stands.

    Example: chain-kit tx show 0x3f9c
    """
    from chain_kit.cli.transactions import row_document, row_lines

    settings = _settings(config, outbox=outbox, rpc_url=rpc_url, deployment=deployment)
    with _outbox(settings) as reader:
        entry = _one(reader, row)
        after = reader.successor(entry.row)
        document = row_document(
            entry, _names(settings).get(entry.row.intent.contract), successor=after.id if after else None
        )
        try:
            asyncio.run(_add_chain(settings, reader, entry.row, document))
        except RpcError as error:
            document["problem"] = error.message
    if json:
        print_json(document)
    else:
        typer.echo("\n".join(row_lines(document)))


def doctor(
    outbox: Outbox = None,
    config: Config = None,
    rpc_url: RpcUrl = None,
    max_fee_gwei: Annotated[
        str | None,
        typer.Option(
            "--max-fee-gwei", metavar="GWEI", help="The keeper's cap on the fee [500, or the file's]."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Explain every nonce in flight, and say what to do. Exits with 5 if something needs a person.

    Example: chain-kit tx doctor --outbox postgresql://db.example/outbox
    """
    from chain_kit.cli.transactions import finding_lines
    from chain_kit.fees import FeePolicy
    from chain_kit.inspection.doctor import diagnose
    from chain_kit.inspection.view import Urgency
    from chain_kit.keepers.config import FleetConfig

    policy = FeePolicy() if config is None else FleetConfig.load(config).fees
    if max_fee_gwei is not None:
        policy = dataclasses.replace(policy, max_fee_wei=_gwei(max_fee_gwei))
    settings = _settings(config, outbox=outbox, rpc_url=rpc_url)

    with _outbox(settings) as reader:
        rows = [*reader.watched(), *reader.superseded()]
        findings = diagnose(rows, asyncio.run(_view(settings, reader, rows)), policy)
    if json:
        print_json([dataclasses.asdict(one) for one in findings])
    else:
        typer.echo("\n".join(finding_lines(findings)) or "the outbox is empty")
    if any(one.urgency is Urgency.PERSON for one in findings):
        raise typer.Exit(NEEDS_A_PERSON)


def _settings(
    config: Path | None, *, outbox: str | None, rpc_url: str | None = None, deployment: Path | None = None
) -> Settings:
    """The settings; what the keepers' file says is on top of all but the options."""
    if config is None:
        return load_settings(rpc_url=rpc_url, deployment=deployment, outbox=outbox)
    from chain_kit.keepers.config import FleetConfig
    from chain_kit.settings import Settings

    fleet = FleetConfig.load(config)
    return Settings.load(
        {
            "rpc_url": rpc_url or ",".join(fleet.chain.rpc_urls),
            "chain_id": fleet.chain.chain_id,
            "deployment": deployment or fleet.chain.deployment,
            "outbox": outbox or fleet.outbox,
        }
    )


async def _view(settings: Settings, reader: OutboxReader, rows: list[Row]) -> ChainView:
    """What the node says, and what the outbox knows of the signers beside its rows."""
    from chain_kit.inspection.view import view_chain

    leases, halts = reader.leases(), reader.halts()
    async with _node(settings, reader) as rpc:
        view = await view_chain(rpc, reader.chain_id, rows, {*reader.signers(), *leases, *halts})
    signers = {
        address: dataclasses.replace(signer, lease=leases.get(address), halts=halts.get(address, {}))
        for address, signer in view.signers.items()
    }
    return dataclasses.replace(view, signers=signers)


@contextmanager
def _outbox(settings: Settings) -> Iterator[OutboxReader]:
    from chain_kit.inspection.reading import OutboxReader

    named = settings.origins["chain_id"] != "default"
    reader = OutboxReader.open(
        settings.outbox, settings.chain_id if named else None, default=settings.chain_id
    )
    try:
        yield reader
    finally:
        reader.close()


@asynccontextmanager
async def _node(settings: Settings, reader: OutboxReader) -> AsyncIterator[JsonRpc]:
    """The node, once it has turned out to serve the outbox's chain."""
    from chain_kit.jsonrpc import JsonRpc

    async with JsonRpc(settings.rpc_url) as rpc:
        await rpc.require_chain(reader.chain_id)
        genesis = await rpc.call("eth_getBlockByNumber", ["0x0", False])
        known = reader.genesis_hash()
        if genesis is not None and genesis["hash"] != known:
            raise StoreDeploymentError(
                f"the outbox is of another chain {reader.chain_id}: its genesis block is {known},"
                f" the node's is {genesis['hash']}",
                hint="name the right node with --rpc-url, or the right outbox with --outbox",
            )
        yield rpc


def _one(reader: OutboxReader, id_or_hash: str) -> Entry:
    """The row that is meant. Raises SettingError for none or several."""
    found = reader.find(id_or_hash)
    if len(found) == 1:
        return found[0]
    if not found:
        raise SettingError(
            f"the outbox has no row {id_or_hash!r}, nor a transaction whose hash begins so",
            hint="`chain-kit tx list` has both",
        )
    ids = ", ".join(str(entry.row.id) for entry in found)
    raise SettingError(f"{id_or_hash!r} is how several hashes begin: rows {ids}", hint="give more of it")


def _names(settings: Settings) -> dict[str, str]:
    """The names of the contracts by address, if there is a manifest."""
    from chain_kit.call_text import contract_names
    from chain_kit.manifest import Manifest

    if settings.origins["deployment"] == "default" and not settings.deployment.exists():
        return {}
    return contract_names(Manifest.load(settings.deployment))


async def _add_chain(settings: Settings, reader: OutboxReader, row: Row, document: dict[str, Any]) -> None:
    """Adds what the chain says of the row. Raises an RpcError."""
    from chain_kit.cli.transactions import paid
    from chain_kit.outbox.node import Node

    async with _node(settings, reader) as rpc:
        head = await Node(rpc).head()
        if row.block_number is not None:
            hashes = await Node(rpc).block_hashes([row.block_number])
            document["canonical"] = hashes[row.block_number] == row.block_hash
            document["confirmations"] = max(0, head.number - row.block_number + 1)
        for attempt in document["attempts"]:
            receipt, known = await rpc.batch(
                [
                    ("eth_getTransactionReceipt", [attempt["tx_hash"]]),
                    ("eth_getTransactionByHash", [attempt["tx_hash"]]),
                ]
            )
            if receipt is not None and receipt.get("blockHash"):
                number = int(receipt["blockNumber"], 16)
                attempt["block_number"], attempt["paid"] = number, paid(receipt)
                attempt["where"] = f"in block {number}, {head.number - number + 1} deep"
                if not attempt["paid"]["succeeded"]:
                    attempt["paid"]["revert"] = (await Node(rpc).explain(row, number)).sentence
            else:
                attempt["where"] = "unknown to the node" if known is None else "in the node's pool"
        document["effect"] |= await _effect_now(rpc, row)


async def _effect_now(rpc: JsonRpc, row: Row) -> dict[str, Any]:
    from chain_kit.keepers import EFFECTS
    from chain_kit.outbox.watch import WATCH_EFFECTS

    check = {**EFFECTS, **WATCH_EFFECTS}.get(row.intent.effect.name)
    if check is None:
        return {"holds": None, "problem": "this version cannot check it"}
    try:
        return {"holds": await check(rpc, row.intent.effect.args, "latest")}
    except ChainKitError as error:
        return {"holds": None, "problem": error.message}


def _gwei(text: str) -> int:
    from chain_kit.units import parse_units

    return parse_units(text, _GWEI_DECIMALS)
