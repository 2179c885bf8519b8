"""`chain-kit reserve --prove` and `--verify`: the reserves, for those who trust nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chain_kit.cli.options import load_settings, require_named_chain
from chain_kit.cli.output import print_json, print_table, say
from chain_kit.errors import UsageError
from chain_kit.units import format_units, iso_utc

if TYPE_CHECKING:
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.manifest import Manifest
    from indexer.reserve_proof.reserves import Proven
    from indexer.reserve_proof.tries import Header

__all__ = [
    "BlockHash",
    "Prove",
    "Verify",
    "from_node",
    "place",
    "prove_or_verify",
    "require_one",
    "say_what_to_compare",
    "title",
    "write",
]

Prove = Annotated[
    Path | None,
    typer.Option("--prove", metavar="FILE", help="Write a proof from the chain, at a finalized block."),
]
Verify = Annotated[
    Path | None,
    typer.Option("--verify", metavar="FILE", help="Check such a proof: without index, node or network."),
]
BlockHash = Annotated[
    str | None,
    typer.Option("--block-hash", metavar="HASH", help="The block's hash from elsewhere, for --verify."),
]


def prove_or_verify(
    prove: Path | None,
    verify: Path | None,
    block_hash: str | None,
    *,
    rpc_url: str | None,
    deployment: Path | None,
    at_block: int | None,
    json: bool,
) -> bool:
    """What `reserve` does with these options; False if it is to ask the index, as without them."""
    require_one(prove, verify, block_hash)
    if prove is not None:
        _prove(prove, rpc_url=rpc_url, deployment=deployment, at_block=at_block)
    elif verify is not None:
        _verify(verify, block_hash, deployment=deployment, json=json)
    return prove is not None or verify is not None


def require_one(prove: Path | None, verify: Path | None, block_hash: str | None) -> None:
    """Raises UsageError for options that do not go together."""
    if prove is not None and verify is not None:
        raise UsageError("--prove writes a file and --verify reads one: give one of them")
    if block_hash is not None and verify is None:
        raise UsageError("--block-hash is for --verify")
    if block_hash is not None and not _is_hash(block_hash):
        raise UsageError(f"{block_hash!r} is not a block's hash", hint="it is 0x and 64 hexadecimal digits")


def _prove(
    path: Path, *, rpc_url: str | None = None, deployment: Path | None = None, at_block: int | None = None
) -> None:
    """Writes what the contracts hold and owe, with its proof."""
    from indexer.reserve_proof.fetching import Deployed, prove_reserves

    async def ask(rpc: JsonRpc, manifest: Manifest) -> bytes:
        return await prove_reserves(rpc, Deployed.from_manifest(manifest), at_block=at_block)

    write(path, from_node(ask, rpc_url, deployment))


def _verify(path: Path, block_hash: str | None, *, deployment: Path | None, json: bool) -> None:
    """Checks a file of `_prove` and shows what it proves; of `deployment`, if that is given."""
    from indexer.reserve_proof.document import read_file
    from indexer.reserve_proof.reserves import verify_reserves

    proven = verify_reserves(read_file(path), block_hash)
    if deployment is not None:
        _require_deployment(proven, deployment)
    rows = [
        {
            "contract": one.holder.contract,
            "address": one.holder.address,
            "token": one.holder.token,
            "symbol": one.holder.symbol,
            "reserve": format_units(one.held, one.holder.decimals),
            "liabilities": format_units(one.owed, one.holder.decimals),
            "coverage": None if one.coverage_e18 is None else format_units(one.coverage_e18, 18),
        }
        for one in proven.reserves
    ]
    if json:
        print_json(place(proven.chain_id, proven.block, block_hash) | {"reserves": rows})
    else:
        amounts = [(f"{name} ", name) for name in ("reserve", "liabilities", "coverage")]
        columns = [("contract", "contract"), ("address", "address"), ("token", "symbol"), *amounts]
        print_table(title(proven.block), columns, rows)
    say_what_to_compare(proven.block, block_hash)


def from_node(
    ask: Callable[[JsonRpc, Manifest], Awaitable[bytes]], rpc_url: str | None, deployment: Path | None
) -> bytes:
    """What is answered of the node and the deployment that the settings name."""
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.manifest import Manifest

    settings = load_settings(rpc_url=rpc_url, deployment=deployment)
    manifest = Manifest.load(settings.deployment)

    async def run() -> bytes:
        async with JsonRpc(settings.rpc_url) as rpc:
            await require_named_chain(rpc, settings)
            await manifest.check_chain(rpc)
            return await ask(rpc, manifest)

    return asyncio.run(run())


def write(path: Path, body: bytes) -> None:
    """Writes a proof, and says how it is checked."""
    from chain_kit.files import write_atomically

    try:
        write_atomically(path, body)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="name another file") from None
    say(f"{path}: {len(body):,} bytes; check it with --verify {path}")


def _require_deployment(proven: Proven, path: Path) -> None:
    """That the file is of a manifest's contracts and tokens, and of all that hold reserves."""
    from chain_kit.manifest import Manifest
    from indexer.reserve_proof.document import ProofError
    from indexer.reserve_proof.fetching import Deployed

    manifest = Manifest.load(path)
    holding = Deployed.from_manifest(manifest).holding()
    wanted = [(name, address, token.address) for name, address, token in holding]
    found = [(one.holder.contract, one.holder.address, one.holder.token) for one in proven.reserves]
    if (proven.chain_id, found) != (manifest.chain_id, wanted):
        raise ProofError(f"it is not of the contracts of {path}")


def place(chain_id: int, block: Header, block_hash: str | None) -> dict[str, Any]:
    """Of which block a proof is, for JSON."""
    return {
        "chain_id": chain_id,
        "block": block.number,
        "block_hash": block.hash,
        "block_time": iso_utc(block.timestamp),
        "block_hash_compared": block_hash is not None,
    }


def title(block: Header) -> str:
    """The same, over a table."""
    return f"Proven for block {block.number} of {iso_utc(block.timestamp)}"


def say_what_to_compare(block: Header, block_hash: str | None) -> None:
    """What is left for the reader to check, if no hash was given."""
    if block_hash is None:
        say(f"This holds if the hash of block {block.number} is {block.hash}.")
        say("Compare it with a source that you trust, or give that hash with --block-hash.")


def _is_hash(text: str) -> bool:
    digits = text.removeprefix("0x")
    return text.startswith("0x") and len(digits) == 64 and all(c in "0123456789abcdefABCDEF" for c in digits)
