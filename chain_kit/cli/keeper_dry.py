"""`keeper run --dry-run`: one round of each keeper that sends nothing, and what it would have sent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from chain_kit.call_text import contract_names, describe_call
from chain_kit.cli.keeper_fleet import open_parts
from chain_kit.cli.keeper_keys import signer_address
from chain_kit.cli.output import print_json_line
from chain_kit.errors import ChainKitError, SettingError, StoreMissingError
from chain_kit.inspection.doctor import ether, gwei
from chain_kit.units import iso_utc

if TYPE_CHECKING:
    from chain_kit.inspection.reading import OutboxReader
    from chain_kit.keepers.config import FleetConfig
    from chain_kit.keepers.fleet.dry_run import Quoted

__all__ = ["dry_run", "quoted_document", "quoted_lines"]


async def dry_run(config: FleetConfig, wanted: Sequence[str], *, json: bool) -> None:
    """One round of each keeper; those that trade on paper do as if they did not.

    Raises the first failure at the end.
    """
    from chain_kit.keepers.fleet.checks import check_chain, open_endpoints
    from chain_kit.keepers.fleet.dry_run import DryRunError, DrySender

    manifest = config.manifest()
    names = contract_names(manifest)
    async with AsyncExitStack() as stack:
        rpc = await stack.enter_async_context(open_endpoints(config))
        await check_chain(config, rpc, manifest)
        parts = await open_parts(stack, config, manifest, rpc, wanted, paper=None)
        sender = DrySender(
            rpc,
            signer_address(config),
            config.chain.chain_id,
            fee_policy=config.fees,
            outbox=await _outbox(stack, config),
            tell=partial(_tell, names=names, json=json),
        )
        failures: list[Exception] = []
        for _, keeper, _ in parts.keepers(sender):
            try:
                await keeper.run_once()
            except DryRunError:
                continue
            except ChainKitError as error:
                failures.append(error)
        if failures:
            raise failures[0]


async def _outbox(stack: AsyncExitStack, config: FleetConfig) -> OutboxReader | None:
    from chain_kit.inspection.reading import OutboxReader

    try:
        reader = await asyncio.to_thread(OutboxReader.open, config.outbox, config.chain.chain_id)
    except (StoreMissingError, SettingError):  # nothing was ever sent
        return None
    stack.push_async_callback(asyncio.to_thread, reader.close)
    return reader


def _tell(quoted: Quoted, *, names: dict[str, str], json: bool) -> None:
    document = quoted_document(quoted, names.get(quoted.intent.contract))
    if json:
        print_json_line(document)
    else:
        print("\n".join(quoted_lines(document)))  # noqa: T201  # it is what was asked for


def quoted_document(quoted: Quoted, name: str | None) -> dict[str, Any]:
    """All that there is to say of it; amounts are decimal strings of wei, null where they are not known."""
    intent, quote = quoted.intent, quoted.quote
    return {
        "action": intent.action,
        "subjects": list(intent.subjects),
        "call": describe_call(name, intent.contract, intent.data),
        "contract": intent.contract,
        "value_wei": str(intent.value_wei),
        "deadline": intent.deadline,
        "worth_wei": None if intent.worth_wei is None else str(intent.worth_wei),
        "gas": quote.gas if quote else None,
        "max_fee_per_gas_wei": str(quote.fees.max_fee_per_gas_wei) if quote else None,
        "max_priority_fee_per_gas_wei": str(quote.fees.max_priority_fee_per_gas_wei) if quote else None,
        "l2_fee_wei": str(quote.l2_fee_wei) if quote else None,
        "l1_fee_wei": str(quote.l1_fee_wei) if quote else None,
        "fee_wei": str(quote.total_wei) if quote else None,
        "effect": {"name": intent.effect.name, "args": dict(intent.effect.args)},
        "problem": quoted.problem,
    }


def quoted_lines(document: dict[str, Any]) -> list[str]:
    """The same for a person."""
    subjects, effect = ", ".join(document["subjects"]), document["effect"]
    args = ", ".join(f"{name} {value}" for name, value in effect["args"].items())
    lines = [f"{document['action']} {subjects}", f"  call    {document['call']}"]
    if document["gas"] is not None:
        fee_wei, tip_wei = (int(document[f"max_{name}per_gas_wei"]) for name in ("fee_", "priority_fee_"))
        offered = f"{gwei(fee_wei)}, a tip of {gwei(tip_wei)} in it"
        lines += [
            f"  L2 fee  {ether(int(document['l2_fee_wei']))} at most: {document['gas']} gas at {offered}",
            f"  L1 fee  {ether(int(document['l1_fee_wei']))} at most",
        ]
    if document["deadline"] is not None:
        lines.append(f"  until   {iso_utc(document['deadline'])}")
    lines.append(f"  effect  {effect['name']}: {args}")
    if document["problem"]:
        lines.append(f"  but     {document['problem']}")
    return lines
