"""`chain-kit keeper`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chain_kit.cli.keeper_claims import IndexedClaims
from chain_kit.cli.keeper_words import tell_outcome
from chain_kit.cli.logs import log_to_stderr
from chain_kit.cli.options import (
    Database,
    Deployment,
    LogFormat,
    Outbox,
    RpcUrl,
    load_settings,
    require_named_chain,
)
from chain_kit.cli.signals import stop_on_signals
from chain_kit.cli.signing import (
    ApeAccount,
    DevAccount,
    Keystore,
    PasswordFile,
    Remote,
    RemoteKind,
    RemoteToken,
    RemoteUrl,
    SignerAddress,
    find_signer,
)
from chain_kit.errors import SettingError

if TYPE_CHECKING:
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.keepers import ClaimKeeper, ResolveKeeper
    from chain_kit.manifest import Manifest
    from chain_kit.outbox import Sender
    from chain_kit.price_sources import PriceSource
    from chain_kit.settings import Settings
    from chain_kit.signers import Signer

__all__ = ["claim", "resolve"]

_LAST_ROUND_SECONDS = 3.0

PollSeconds = Annotated[
    float, typer.Option("--poll-seconds", metavar="S", min=0.01, help="Pause between two rounds.")
]
Once = Annotated[bool, typer.Option("--once", help="Do one round, then stop.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print a JSON line for each effect.")]


@dataclass(frozen=True)
class _Key:
    ape_account: str | None
    dev_account: int | None
    password_file: Path | None
    remote: Remote


def resolve(
    rpc_url: RpcUrl = None,
    deployment: Deployment = None,
    outbox: Outbox = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", metavar="CSV", help="Recorded prices on their own clock.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="CSV", help="Recorded prices, their day mapped onto today."),
    ] = None,
    price_url: Annotated[
        str | None, typer.Option("--price-url", metavar="URL", help="An HTTP source that is polled.")
    ] = None,
    price_path: Annotated[
        str, typer.Option("--price-path", metavar="PATH", help="Where the price is in its JSON: data.price.")
    ] = "price",
    feed: Annotated[
        str, typer.Option("--feed", metavar="FEED", help="The feed that these prices are of.")
    ] = "BTC/USD",
    keystore: Keystore = None,
    ape_account: ApeAccount = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    remote_signer: RemoteUrl = None,
    signer_address: SignerAddress = None,
    remote_kind: RemoteKind = None,
    remote_token_file: RemoteToken = None,
    reporter_keystore: Annotated[
        list[Path] | None,
        typer.Option("--reporter-keystore", metavar="FILE", help="A reporter's keystore; repeat for each."),
    ] = None,
    dev_reporters: Annotated[
        str | None,
        typer.Option("--dev-reporters", metavar="N,N", help="Anvil accounts that report; on anvil only."),
    ] = None,
    poll_seconds: PollSeconds = 2.0,
    once: Once = False,
    log_format: LogFormat = None,
    json: JsonLines = False,
) -> None:
    """Post the prices that somebody's position needs, signed by the quorum; void those that cannot come.

    Example: chain-kit keeper resolve --price-url https://prices.example/btc --keystore keeper.json
    """
    settings = load_settings(
        rpc_url=rpc_url, deployment=deployment, outbox=outbox, keystore=keystore, log_format=log_format
    )
    remote = Remote(remote_signer, signer_address, remote_kind, token_file=remote_token_file)
    key = _Key(ape_account, dev_account, password_file, remote)

    async def run() -> None:
        from chain_kit.keepers import ResolveKeeper

        async with _deployment(settings) as (rpc, manifest):
            source = _source(settings, feed, prices, replay, price_url, price_path)
            quorum = await _reporters(rpc, reporter_keystore or (), dev_reporters, password_file)
            async with _sender(rpc, settings, key, json) as sender:
                keeper = ResolveKeeper(
                    sender,
                    hub=manifest.address("EpochHub"),
                    oracle=manifest.address("BoundaryOracle"),
                    adapter=manifest.address("SignedReportAdapter"),
                    source=source,
                    quorum=quorum,
                )
                await _run(keeper, once, poll_seconds)

    asyncio.run(run())


def claim(
    rpc_url: RpcUrl = None,
    deployment: Deployment = None,
    db: Database = None,
    outbox: Outbox = None,
    payouts: Annotated[
        Path | None,
        typer.Option("--payouts", metavar="FILE", help="The vault's published payouts, to claim them too."),
    ] = None,
    keystore: Keystore = None,
    ape_account: ApeAccount = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    remote_signer: RemoteUrl = None,
    signer_address: SignerAddress = None,
    remote_kind: RemoteKind = None,
    remote_token_file: RemoteToken = None,
    poll_seconds: PollSeconds = 10.0,
    once: Once = False,
    log_format: LogFormat = None,
    json: JsonLines = False,
) -> None:
    """Pay everybody what they are owed: ended epochs, the house's share of them, vault claims.

    Example: chain-kit keeper claim --keystore keeper.json
    """
    settings = load_settings(
        rpc_url=rpc_url,
        deployment=deployment,
        database=db,
        outbox=outbox,
        keystore=keystore,
        log_format=log_format,
    )
    remote = Remote(remote_signer, signer_address, remote_kind, token_file=remote_token_file)
    key = _Key(ape_account, dev_account, password_file, remote)

    async def run() -> None:
        from chain_kit.keepers import ClaimKeeper
        from indexer.deployment import Deployment as Followed
        from indexer.queries import open_database

        async with _deployment(settings) as (rpc, manifest):
            followed = Followed.from_manifest(manifest)
            async with (
                open_database(settings.database, deployment=followed) as index,
                _sender(rpc, settings, key, json) as sender,
            ):
                keeper = ClaimKeeper(
                    sender,
                    hub=manifest.address("EpochHub"),
                    source=IndexedClaims(index),
                    vault=manifest.address("PayoutVault"),
                    payouts=payouts,
                )
                await _run(keeper, once, poll_seconds)

    asyncio.run(run())


async def _run(keeper: ResolveKeeper | ClaimKeeper, once: bool, poll_seconds: float) -> None:
    """Runs one round, or rounds until a signal comes.

    A round that a transaction keeps waiting is then broken off: the outbox goes on with it next time.
    """
    if once:
        await keeper.run_once()
        return
    stop = stop_on_signals()
    running, stopping = asyncio.create_task(keeper.run(stop, poll_seconds)), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({running}, timeout=_LAST_ROUND_SECONDS)
        if running.done():
            running.result()
    finally:
        for task in (running, stopping):
            task.cancel()
        await asyncio.gather(running, stopping, return_exceptions=True)


@asynccontextmanager
async def _deployment(settings: Settings) -> AsyncIterator[tuple[JsonRpc, Manifest]]:
    """A node, and the deployment on it."""
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.manifest import Manifest

    log_to_stderr(settings.log_level, settings.log_format)
    manifest = Manifest.load(settings.deployment)
    async with JsonRpc(settings.rpc_url) as rpc:
        await require_named_chain(rpc, settings)
        await manifest.check_chain(rpc)
        yield rpc, manifest


@asynccontextmanager
async def _sender(rpc: JsonRpc, settings: Settings, key: _Key, json: bool) -> AsyncIterator[Sender]:
    """A sender with its outbox, which tells of what it has done."""
    from chain_kit.keepers import EFFECTS
    from chain_kit.outbox import Sender

    signer = await find_signer(
        rpc,
        settings,
        ape_account=key.ape_account,
        dev_account=key.dev_account,
        password_file=key.password_file,
        remote=key.remote,
    )

    told = partial(tell_outcome, json=json)
    sender = await Sender.open(rpc, settings.outbox, signer, EFFECTS, on_done=told, poll_seconds=0.05)
    async with sender:
        yield sender


def _source(
    settings: Settings,
    feed: str,
    prices: Path | None,
    replay: Path | None,
    price_url: str | None,
    price_path: str,
) -> PriceSource:
    """The one price source that the options name. Raises SettingError for none or several."""
    from chain_kit.price_sources import HttpPriceSource, RecordedPrices, ReplayedPrices
    from chain_kit.prices import PriceSeries

    given = [
        name
        for name, value in (("--prices", prices), ("--replay", replay), ("--price-url", price_url))
        if value
    ]
    if len(given) != 1:
        raise SettingError(
            f"{len(given)} price sources given ({', '.join(given) or 'none'})",
            hint="give one of --prices CSV, --replay CSV, --price-url URL",
        )
    if prices is not None:
        return RecordedPrices({feed: PriceSeries.from_csv(prices)})
    if replay is not None:
        return ReplayedPrices(feed, PriceSeries.from_csv(replay))
    assert price_url is not None
    # Beside the outbox; beside the manifest where that is no file.
    beside = settings.outbox if isinstance(settings.outbox, Path) else settings.deployment
    memory = beside.with_name(f"{beside.stem}-prices.json")
    return HttpPriceSource(feed, price_url, price_path, memory=memory)


async def _reporters(
    rpc: JsonRpc, keystores: Sequence[Path], dev_reporters: str | None, password_file: Path | None
) -> list[Signer]:
    """The quorum's signers. Raises a SignerError for keys that do not open, SettingError for bad numbers."""
    from chain_kit.dev_accounts import dev_signer_on
    from chain_kit.signers import Signer, read_password

    password = read_password(password_file) if keystores else ""
    signers = [Signer.from_keystore(path, password) for path in keystores]
    for number in (dev_reporters or "").split(","):
        if number and not number.isdecimal():
            raise SettingError(f"--dev-reporters has {number!r}", hint="give account numbers: 13,14,15")
        if number:
            signers.append(await dev_signer_on(rpc, int(number)))
    return signers
