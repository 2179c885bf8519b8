"""Which key a command signs with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chain_kit.errors import KeyMissingError, SettingError
from chain_kit.settings import Settings

if TYPE_CHECKING:  # every command declares these options; few of them sign
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.signers import Signer

__all__ = [
    "ApeAccount",
    "DevAccount",
    "Keystore",
    "PasswordFile",
    "Remote",
    "RemoteKind",
    "RemoteToken",
    "RemoteUrl",
    "SignerAddress",
    "find_signer",
    "open_remote",
]

Keystore = Annotated[
    Path | None, typer.Option("--keystore", metavar="FILE", help="Sign with this encrypted keystore file.")
]
ApeAccount = Annotated[
    str | None, typer.Option("--ape-account", metavar="ALIAS", help="Sign with an account of ape's.")
]
DevAccount = Annotated[
    int | None,
    typer.Option(
        "--dev-account", metavar="N", min=0, help="Sign with anvil's public account N; on anvil only."
    ),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="Where the keystore's password is; - is standard input [a prompt].",
    ),
]


RemoteUrl = Annotated[
    str | None,
    typer.Option("--remote-signer", metavar="URL", help="Sign with a key that another program holds."),
]
SignerAddress = Annotated[
    str | None, typer.Option("--signer-address", metavar="0x…", help="Whose key that is.")
]
RemoteKind = Annotated[
    str | None,
    typer.Option(
        "--remote-kind",
        metavar="KIND",
        help="How it is asked: eth_signTransaction (geth, clef, web3signer's eth1), or web3signer (its REST)"
        " [eth_signTransaction].",
    ),
]
RemoteToken = Annotated[
    Path | None, typer.Option("--remote-token-file", metavar="FILE", help="A bearer token for it.")
]


@dataclass(frozen=True)
class Remote:
    """What the options, or a configuration, say of a remote signer; all None if they say nothing."""

    url: str | None = None
    address: str | None = None
    kind: str | None = None
    key: str | None = None
    token_file: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    authorities: Path | None = None


def open_remote(remote: Remote) -> Signer:
    """The remote signer that is described. Raises SettingError for half a description."""
    from chain_kit.signers.remote import RemoteKind as Kind
    from chain_kit.signers.remote import RemoteSigner, TlsFiles

    if remote.url is None:
        raise SettingError(
            "options of a remote signer are given, but not where it is", hint="give --remote-signer URL"
        )
    if remote.address is None:
        raise SettingError(
            "a remote signer is given, but not whose key it holds",
            hint="give --signer-address 0x…: what it signs is checked against it",
        )
    tls = TlsFiles(remote.certificate, remote.certificate_key, remote.authorities)
    return RemoteSigner(
        remote.url,
        remote.address,
        remote.kind or Kind.JSON_RPC,
        identifier=remote.key,
        token_file=remote.token_file,
        tls=tls,
    )


async def find_signer(
    rpc: JsonRpc,
    settings: Settings,
    *,
    ape_account: str | None,
    dev_account: int | None,
    password_file: Path | None,
    remote: Remote | None = None,
) -> Signer:
    """The signer that the options name; the keystore of environment or file if they name none.

    Raises KeyMissingError if there is none, SettingError if the options name several, DevKeyRefusedError for
    one of anvil's public keys on another chain, and other SignerErrors.
    """
    from chain_kit.signers import Signer, read_password, refuse_public_key

    named = _named(settings, ape_account, dev_account, remote)
    if len(named) > 1:
        raise SettingError(f"several keys to sign with: {', '.join(named)}", hint="give one of them")
    if dev_account is not None:
        from chain_kit.dev_accounts import dev_signer_on

        return await dev_signer_on(rpc, dev_account)
    if remote is not None and remote != Remote():
        signer = open_remote(remote)
    elif ape_account is not None:
        signer = Signer.from_ape(ape_account, read_password(password_file))
    elif settings.keystore is not None:
        signer = Signer.from_keystore(settings.keystore, read_password(password_file))
    else:
        raise KeyMissingError(
            "no key to sign with",
            hint="name one: --keystore FILE, --ape-account ALIAS, --remote-signer URL; --dev-account N",
        )
    await refuse_public_key(rpc, signer.address)
    return signer


def _named(
    settings: Settings, ape_account: str | None, dev_account: int | None, remote: Remote | None
) -> list[str]:
    """The options that name a key. One beats what environment or file say, as every option does."""
    given = {
        "--keystore": settings.keystore is not None and settings.origins["keystore"].startswith("flag"),
        "--ape-account": ape_account is not None,
        "--dev-account": dev_account is not None,
        "--remote-signer": remote is not None and remote != Remote(),
    }
    return [name for name, is_given in given.items() if is_given]
