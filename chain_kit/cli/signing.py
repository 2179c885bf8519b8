"""Which key a command signs with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chain_kit.errors import KeyMissingError
from chain_kit.settings import Settings

if TYPE_CHECKING:  # every command declares these options; few of them sign
    from chain_kit.jsonrpc import JsonRpc
    from chain_kit.signers import Signer

__all__ = ["ApeAccount", "DevAccount", "Keystore", "PasswordFile", "find_signer"]

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


async def find_signer(
    rpc: JsonRpc,
    settings: Settings,
    *,
    ape_account: str | None,
    dev_account: int | None,
    password_file: Path | None,
) -> Signer:
    """The signer that the options name. Raises KeyMissingError if they name none, and other SignerErrors."""
    from chain_kit.signers import Signer, read_password

    if dev_account is not None:
        from chain_kit.dev_accounts import dev_signer_on

        return await dev_signer_on(rpc, dev_account)
    if ape_account is not None:
        return Signer.from_ape(ape_account, read_password(password_file))
    if settings.keystore is not None:
        return Signer.from_keystore(settings.keystore, read_password(password_file))
    raise KeyMissingError(
        "no key to sign with",
        hint="name one: --keystore FILE, --ape-account ALIAS, or --dev-account N on anvil",
    )
