"""`chain-kit deploy`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chain_kit.cli.options import Deployment, Json, RpcUrl, load_settings
from chain_kit.cli.output import print_json, print_table, say
from chain_kit.cli.signing import ApeAccount, DevAccount, Keystore, PasswordFile, find_signer
from chain_kit.errors import PendingError, SettingError
from chain_kit.settings import Settings
from chain_kit.units import iso_utc

if TYPE_CHECKING:
    from chain_kit.deploy import DeploymentReport, DeploymentSpec, Step
    from chain_kit.signers import Signer

__all__ = ["deploy", "specification"]


def deploy(
    network: Annotated[
        str | None,
        typer.Option("--network", metavar="NAME", help="local, base, base-sepolia, or an RPC URL [local]."),
    ] = None,
    rpc_url: RpcUrl = None,
    spec: Annotated[
        Path | None, typer.Option("--spec", metavar="TOML", help="What to deploy; needed off anvil.")
    ] = None,
    deployment: Deployment = None,
    keystore: Keystore = None,
    ape_account: ApeAccount = None,
    dev_account: DevAccount = None,
    password_file: PasswordFile = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Rehearse on a fork of the chain, say what it costs, send nothing."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending to a live chain.")] = False,
    json: Json = False,
) -> None:
    """Compile and deploy what is not there yet; run twice, it sends nothing the second time.

    What only the timelock may do is announced there; run again after its delay (until then: exit code 8).

    Example: chain-kit deploy --network base-sepolia --spec deploy.toml --keystore key.json --dry-run
    """
    settings = load_settings(rpc_url=rpc_url, deployment=deployment, keystore=keystore, network=network)
    asyncio.run(_deploy(settings, spec, ape_account, dev_account, password_file, dry_run, yes, json))


async def _deploy(
    settings: Settings,
    spec_file: Path | None,
    ape_account: str | None,
    dev_account: int | None,
    password_file: Path | None,
    dry_run: bool,
    yes: bool,
    json: bool,
) -> None:
    from chain_kit.jsonrpc import JsonRpc

    async with JsonRpc(settings.rpc_url) as rpc:
        chain_id = await rpc.chain_id()
        if settings.chain_id is not None:
            await rpc.require_chain(settings.chain_id)
        manifest = settings.deployment
        if settings.origins["deployment"] == "default":
            manifest = manifest.with_name(f"{chain_id}.json")
        is_anvil = (await rpc.client_version()).startswith("anvil")
        if is_anvil and settings.keystore is None and ape_account is None and dev_account is None:
            dev_account = 0
        signer = await find_signer(
            rpc, settings, ape_account=ape_account, dev_account=dev_account, password_file=password_file
        )
        spec = specification(spec_file, is_anvil=is_anvil, chain_id=chain_id)
        if dry_run:
            await _rehearse(settings.rpc_url, manifest, spec, signer, json)
            return
        if not is_anvil and not yes:
            say(f"about to deploy to chain {chain_id} from {signer.address}")
            typer.confirm("Go on?", abort=True, err=True)
        report = await asyncio.to_thread(_run, settings.rpc_url, spec, signer, manifest)
        _show(report, manifest, json)


def specification(file: Path | None, *, is_anvil: bool, chain_id: int) -> DeploymentSpec:
    """What to deploy: the file, or on anvil the local system. Raises SettingError if there is neither."""
    from chain_kit.deploy.local import local_spec
    from chain_kit.deploy.specification_file import load_specification

    if file is not None:
        return load_specification(file, chain_id=chain_id)
    if not is_anvil:
        raise SettingError(
            f"chain {chain_id} is no anvil, and no --spec says what to deploy",
            hint="write one: docs/deploy.md shows every field",
        )
    from chain_kit.cli.local.roles import roles

    return local_spec(roles().reporter_addresses, chain_id=chain_id)


def _run(
    rpc_url: str, spec: DeploymentSpec, signer: Signer, manifest: Path, *, quiet: bool = False
) -> DeploymentReport:
    from chain_kit import toolchain

    toolchain.prepare_ape()
    from chain_kit.deploy import deploy as deploy_all
    from chain_kit.deploy.ape_chain import ApeChain, KeyAccount, compile_contracts, connected

    def told(step: Step) -> None:
        if not quiet:
            say(f"  {step.name:28} {step.address} {'sent' if step.transaction else 'there already'}")

    compile_contracts()
    with connected(rpc_url):
        return deploy_all(spec, ApeChain(KeyAccount.of(signer)), manifest, on_step=told)


def _show(report: DeploymentReport, manifest: Path, json: bool) -> None:
    """Prints what was done; raises PendingError if something waits for the timelock."""
    if json:
        print_json(
            {
                "sent": report.sent,
                "manifest": str(manifest),
                "parts": [
                    {"name": s.name, "address": s.address, "transaction": s.transaction} for s in report.steps
                ],
                "waiting": _waiting(report),
            }
        )
    elif report.sent:
        say(f"{report.sent} parts deployed; {manifest} has their addresses")
    elif report.waiting is None:
        say(f"nothing to deploy: all {len(report.steps)} parts are there; nothing was sent")
    if report.waiting is not None:
        names, ready = ", ".join(report.waiting.what), iso_utc(report.waiting.ready_at)
        raise PendingError(
            f"{names}: announced at the timelock, and can be executed from {ready} on",
            hint="run the same command again then: it goes on from there",
        )


def _waiting(report: DeploymentReport) -> dict[str, Any] | None:
    """What waits for the timelock, as JSON."""
    waiting = report.waiting
    if waiting is None:
        return None
    return {
        "parts": list(waiting.what),
        "timelock": waiting.timelock,
        "operation": waiting.operation,
        "ready_at": iso_utc(waiting.ready_at),
    }


async def _rehearse(rpc_url: str, manifest: Path, spec: DeploymentSpec, signer: Signer, json: bool) -> None:
    """Deploys to a fork that ends with this command, and says what that took."""
    from chain_kit.cli.local.rehearsal import rehearse

    def run(url: str, copy: Path) -> DeploymentReport:
        return _run(url, spec, signer, copy, quiet=True)

    costs = await rehearse(rpc_url, manifest, signer.address, run)
    if json:
        print_json({"dry_run": True, "sent": 0, **costs})
        return
    print_table(
        "What would be sent", [("part", "name"), ("gas ", "gas"), ("fee (wei) ", "fee_wei")], costs["parts"]
    )
    say(f"gas {costs['gas']}, fee {costs['fee_wei']} wei at today's gas price on L2; nothing was sent")
