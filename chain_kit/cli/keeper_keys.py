"""The keys that a keepers' file names: the one that sends, and the quorum's that sign reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chain_kit.errors import KeyMissingError
from chain_kit.units import checksum_address

if TYPE_CHECKING:
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.keepers.config import FleetConfig
    from chain_kit.signers import Signer

__all__ = ["open_quorum", "open_signer", "signer_address"]


async def open_signer(config: FleetConfig, rpc: JsonRpc) -> Signer:
    """The key that sends.

    Raises a SignerError for one that does not open, or may not be used here; ConfigError for another's.
    """
    signer = await _open_signer(config, rpc)
    if config.signer.address not in (None, signer.address):
        raise config.refuse(
            f"signer.address = {config.signer.address}, but the key is of {signer.address}",
            "name the right key, or mend the address",
        )
    return signer


async def _open_signer(config: FleetConfig, rpc: JsonRpc) -> Signer:
    from chain_kit.dev_accounts import dev_signer_on
    from chain_kit.signers import Signer, read_password, refuse_public_key

    signer = config.signer
    if signer.dev_account is not None:
        return await dev_signer_on(rpc, signer.dev_account)
    if signer.remote_url is not None:
        from chain_kit.cli.signing import Remote, open_remote

        remote = open_remote(
            Remote(signer.remote_url, signer.address, signer.kind, token_file=signer.token_file)
        )
        await refuse_public_key(rpc, remote.address)
        return remote
    if signer.ape_account is not None:
        return Signer.from_ape(signer.ape_account, read_password(signer.password_file))
    assert signer.keystore is not None
    return Signer.from_keystore(signer.keystore, read_password(signer.password_file))


async def open_quorum(config: FleetConfig, rpc: JsonRpc) -> list[Signer]:
    """The reporters' keys. Raises as `open_signer` does."""
    from chain_kit.dev_accounts import dev_signer_on
    from chain_kit.signers import Signer, read_password

    reporters = config.reporters
    password = read_password(reporters.password_file) if reporters.keystores else ""
    signers = [Signer.from_keystore(path, password) for path in reporters.keystores]
    return [*signers, *[await dev_signer_on(rpc, number) for number in reporters.dev_accounts]]


def signer_address(config: FleetConfig) -> str:
    """The address that sends, without opening its key. Raises KeyMissingError if the keystore has none."""
    import orjson

    from chain_kit.dev_accounts import dev_signer
    from chain_kit.signers import ape_keystore

    signer = config.signer
    if signer.address is not None:
        return signer.address
    if signer.dev_account is not None:
        return dev_signer(signer.dev_account).address
    path = signer.keystore if signer.ape_account is None else ape_keystore(signer.ape_account)
    assert path is not None
    try:
        return checksum_address("0x" + str(orjson.loads(path.read_bytes())["address"]).removeprefix("0x"))
    except (OSError, ValueError, KeyError, TypeError):
        raise KeyMissingError(
            f"{path} does not say whose key it holds", hint="write signer.address into the keepers' file"
        ) from None
