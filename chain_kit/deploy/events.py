"""Where something on chain is from, by its event."""

from __future__ import annotations

from chain_kit.deploy.chain import Chain
from chain_kit.errors import SendError
from chain_kit.manifest import ContractRecord

__all__ = ["origin"]


def origin(
    chain: Chain, made_by: ContractRecord, contract: str, event: str, indexed: bytes
) -> tuple[str, int]:
    """Transaction and block of an event that must be there. Raises SendError if the node has it not."""
    found = chain.find_event(contract, made_by.address, event, indexed, first_block=made_by.block)
    if found is None:
        raise SendError(
            f"no {event} of 0x{indexed.hex()} in the logs of {made_by.name} at {made_by.address}",
            hint="the node keeps no logs that old: use another, or restore the manifest",
        )
    return found
