"""Keys to sign with, from encrypted keystores, ape's own among them.

A key is never a setting nor a flag. It stands encrypted in a keystore file, whose password comes from a file,
from standard input or from a prompt. No representation of a signer shows its key.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Any, TextIO

import orjson
from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data

from chain_kit.errors import KeyMissingError, WrongPasswordError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_ADDRESSES, require_dev_chain
from chain_kit.units import keccak256

__all__ = [
    "PASSWORD_FILE_VARIABLE",
    "SignedTransaction",
    "Signer",
    "ape_keystore",
    "read_password",
    "refuse_public_key",
    "typed_data_digest",
]

PASSWORD_FILE_VARIABLE = "CHAIN_KIT_PASSWORD_FILE"  # noqa: S105  # names a file


@dataclass(frozen=True)
class SignedTransaction:
    """A transaction's bytes as they are broadcast, and its hash (0x…)."""

    raw: bytes
    hash: str


class Signer:
    """An account that signs. `address` is checksummed."""

    def __init__(self, private_key: bytes | str) -> None:
        self._account = Account.from_key(private_key)
        self.address = str(self._account.address)

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    @classmethod
    def from_keystore(cls, path: Path | str, password: str) -> Signer:
        """Opens an encrypted keystore file (eth-account's, geth's or ape's).

        Raises KeyMissingError if there is none at `path`, WrongPasswordError if it does not open.
        """
        try:
            keystore = orjson.loads(Path(path).read_bytes())
        except OSError as error:
            raise KeyMissingError(f"no keystore at {path}: {error.strerror}") from None
        except orjson.JSONDecodeError:
            keystore = None
        if not isinstance(keystore, dict) or not {"crypto", "Crypto"} & keystore.keys():
            raise KeyMissingError(f"{path} is not a keystore file")
        try:
            return cls(bytes(Account.decrypt(keystore, password)))
        except ValueError:
            raise WrongPasswordError(f"the password does not open {path}") from None
        except (KeyError, TypeError, NotImplementedError):
            raise KeyMissingError(f"{path} is not a keystore file of version 3") from None

    @classmethod
    def from_ape(cls, alias: str, password: str, *, data_folder: Path | None = None) -> Signer:
        """Opens the account that ape calls `alias`, in ape's data folder (APE_DATA_FOLDER, or ~/.ape).

        Raises KeyMissingError, which names the accounts there are, or WrongPasswordError.
        """
        return cls.from_keystore(ape_keystore(alias, data_folder), password)

    def sign_transaction(self, fields: Mapping[str, Any]) -> SignedTransaction:
        """Signs an EIP-1559 transaction, its fields named as in JSON-RPC."""
        signed = self._account.sign_transaction(dict(fields))
        return SignedTransaction(bytes(signed.raw_transaction), "0x" + bytes(signed.hash).hex())

    def transaction_signature(self, fields: Mapping[str, Any]) -> tuple[int, bytes, bytes]:
        """The signature (v, r, s) of a transaction of any kind, its fields named as in JSON-RPC."""
        signed = self._account.sign_transaction(dict(fields))
        return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")

    def sign_typed_data(self, message: dict[str, Any]) -> bytes:
        """The signature of an EIP-712 message with its types and domain: 65 bytes, r, s and v (27 or 28)."""
        return bytes(self._account.sign_message(encode_typed_data(full_message=message)).signature)


def ape_keystore(alias: str, data_folder: Path | None = None) -> Path:
    """The keystore of the account that ape calls `alias`. Raises KeyMissingError if there is none."""
    folder = data_folder or Path(os.environ.get("APE_DATA_FOLDER") or Path.home() / ".ape")
    known = {file.stem: file for file in sorted((folder / "accounts").glob("*.json"))}
    if alias not in known:
        names = ", ".join(known) or "none"
        raise KeyMissingError(f"ape has no account {alias!r} in {folder}", hint=f"accounts there: {names}")
    return known[alias]


def typed_data_digest(message: dict[str, Any]) -> bytes:
    """The 32 bytes that are signed for an EIP-712 message."""
    signable: SignableMessage = encode_typed_data(full_message=message)
    return keccak256(b"\x19" + signable.version + signable.header + signable.body)


async def refuse_public_key(rpc: JsonRpc, address: str) -> None:
    """Raises DevKeyRefusedError if `address` is one of anvil's and the chain is not.

    Its key is public, from whatever keystore it comes: what it receives is taken at once.
    """
    if address in ANVIL_ADDRESSES:
        require_dev_chain(await rpc.chain_id(), await rpc.client_version())


def read_password(
    path: Path | str | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    stdin: TextIO | None = None,
) -> str:
    """A keystore's password: the first line of the file at `path`, or of the one that the environment names.

    `path` "-" is standard input, and so is no path at all; at a terminal that becomes a prompt. Raises
    WrongPasswordError if the file cannot be read.
    """
    source = path or (os.environ if environment is None else environment).get(PASSWORD_FILE_VARIABLE) or "-"
    stdin = stdin or sys.stdin
    if str(source) == "-":
        return getpass("Password: ") if stdin.isatty() else stdin.readline().rstrip("\r\n")
    try:
        with Path(source).open(encoding="utf-8") as file:
            return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise WrongPasswordError(f"the password file {source} cannot be read: {reason}") from None
