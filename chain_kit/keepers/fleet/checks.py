"""What is checked against the chain before a fleet starts: nothing was sent when it is refused."""

from __future__ import annotations

from chain_kit.endpoints import Endpoints
from chain_kit.errors import ChainMismatchError, RpcUnreachableError
from chain_kit.fees import fees_request, next_base_fee
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.config import FleetConfig
from chain_kit.manifest import Manifest
from chain_kit.units import format_units

__all__ = ["check_chain", "open_endpoints"]

_GWEI = 9


def open_endpoints(config: FleetConfig) -> Endpoints:
    """The nodes of a configuration."""
    return Endpoints(config.chain.rpc_urls, chain_id=config.chain.chain_id)


async def check_chain(config: FleetConfig, rpc: JsonRpc, manifest: Manifest) -> None:
    """Compares the configuration with the chain.

    Raises ConfigError if the nodes serve another chain, or if the base fee is above the cap already;
    ManifestChainError or CodeMismatchError if the deployment is another's; and an RpcError.
    """
    try:
        await rpc.call("eth_chainId")
    except ChainMismatchError as error:
        raise config.refuse(
            f"chain.chain_id = {error.expected}, but {rpc.public_url} serves chain {error.actual}",
            "name nodes of this chain in chain.rpc_urls, or mend the id",
        ) from None
    await manifest.check_chain(rpc)
    history = await rpc.call(*fees_request(config.fees))
    try:
        base_fee_wei = next_base_fee(history)
    except (KeyError, IndexError, TypeError, ValueError):
        raise RpcUnreachableError(rpc.public_url, "eth_feeHistory did not give a fee history") from None
    least_wei = base_fee_wei + config.fees.min_priority_fee_wei
    if config.fees.max_fee_wei < least_wei:
        asked, cap = format_units(least_wei, _GWEI), format_units(config.fees.max_fee_wei, _GWEI)
        raise config.refuse(
            f"fees.max_fee_gwei = {cap}, but the next block takes {asked} gwei",
            "raise the cap above it, with room for a rise",
        )
