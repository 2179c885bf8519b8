"""`ape run deploy --network NETWORK --account ALIAS`: what `chain-kit deploy` does, from inside ape."""

from pathlib import Path

from chain_kit import toolchain

# Before ape looks at what it has compiled earlier.
toolchain.prepare_ape()

import ape
import click
from ape.cli import ConnectedProviderCommand, account_option

from chain_kit.cli.commands.deploy import specification
from chain_kit.cli.output import say
from chain_kit.deploy import deploy
from chain_kit.deploy.ape_chain import ApeChain
from chain_kit.settings import Settings
from chain_kit.units import iso_utc


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--spec", type=click.Path(path_type=Path), help="What to deploy; needed off anvil.")
def cli(account: ape.api.AccountAPI, spec: Path | None) -> None:
    """Deploy what is not there yet."""
    chain = ApeChain(account)
    manifest = Settings.load({"chain_id": chain.chain_id}).deployment
    report = deploy(specification(spec, is_anvil=chain.is_anvil, chain_id=chain.chain_id), chain, manifest)
    say(f"{report.sent} parts deployed, {len(report.steps) - report.sent} there already; see {manifest}")
    if report.waiting is not None:
        names, ready = ", ".join(report.waiting.what), iso_utc(report.waiting.ready_at)
        say(f"{names}: announced at the timelock; run this again from {ready} on")
