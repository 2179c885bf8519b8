"""Keys that are somewhere else: a program signs that holds them, and its answer is not believed but checked.

Two ways to ask: `eth_signTransaction` over JSON-RPC, which geth, clef, anvil and web3signer's eth1 mode
speak, and web3signer's REST, which signs the keccak256 of any data. Whatever comes back, the bytes that are
journaled and broadcast are made here, of the fields that were asked for and a signature by the signer's
address; an answer that says anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import rlp  # type: ignore[import-untyped]
from eth_account.messages import encode_typed_data
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from chain_kit.errors import SettingError
from chain_kit.signers import SignedTransaction, Signer
from chain_kit.signers.remote_http import RemoteHttp, RemoteSignerError, SignerUnreachableError, TlsFiles
from chain_kit.units import checksum_address, keccak256

__all__ = ["RemoteKind", "RemoteSigner", "RemoteSignerError", "SignerUnreachableError", "TlsFiles"]

_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_NAMES = (
    "chainId",
    "nonce",
    "maxPriorityFeePerGas",
    "maxFeePerGas",
    "gas",
    "to",
    "value",
    "data",
    "accessList",
)
_TYPE_2 = b"\x02"
_SIGNED_FIELDS = 12
_SAFE_INTEGER = (1 << 53) - 1
_IDENTIFIER = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_NO_METHOD = -32601
_NOT_THERE = (
    "not found",
    "not supported",
    "unsupported",
    "does not exist",
    "not implemented",
    "unimplemented",
)


class RemoteKind(StrEnum):
    """How a remote signer is asked."""

    JSON_RPC = "eth_signTransaction"
    WEB3SIGNER = "web3signer"


@dataclass(frozen=True)
class _Signature:
    """What a key made of 32 bytes; `parity` is 0 or 1."""

    parity: int
    r: int
    s: int

    @classmethod
    def of(cls, raw: bytes) -> _Signature:
        """From r, s and v (0, 1, 27 or 28). Raises ValueError for anything else."""
        if len(raw) != 65 or raw[64] not in (0, 1, 27, 28):
            raise ValueError("it is not 65 bytes that end in 0, 1, 27 or 28")
        return cls(raw[64] % 27, int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"))

    def signer(self, digest: bytes) -> str:
        """The address whose key made it. Raises ValueError if none did, or if it is not the lower of two."""
        if not 0 < self.r < _N or not 0 < self.s <= _N // 2:
            raise ValueError("its numbers are out of range, or s is the higher of the two")
        try:
            signature = Signature(vrs=(self.parity, self.r, self.s))
            return str(signature.recover_public_key_from_msg_hash(digest).to_checksum_address())
        except (BadSignature, ValidationError):
            raise ValueError("no key makes it") from None


class RemoteSigner(Signer):
    """The account `address` of the signer at `url`.

    `identifier` is the name of its key in web3signer's REST, a public key in hex; without it the signer is
    asked for its public keys, once. `token_file` holds a bearer token, and is read for each request. A call
    takes `timeout_seconds` at the longest, twice that for an answer that comes in drops: below the ttl of a
    lease, since the outbox waits for it. Methods block, and are safe in threads.

    Raises SettingError for a URL or files that cannot be used. Signing raises SignerUnreachableError if no
    answer comes, RemoteSignerError for a refusal and for an answer that is not what was asked for.
    """

    def __init__(
        self,
        url: str,
        address: str,
        kind: RemoteKind | str,
        *,
        identifier: str | None = None,
        timeout_seconds: float = 3.0,
        token_file: Path | str | None = None,
        tls: TlsFiles | None = None,
    ) -> None:
        self.address = checksum_address(address)
        self._kind = _kind(kind)
        if identifier is not None and _IDENTIFIER.fullmatch(identifier) is None:
            raise SettingError(
                "the name of a key of web3signer's is hexadecimal digits", hint="its public key"
            )
        self._identifier = identifier
        self._http = RemoteHttp(url, timeout_seconds=timeout_seconds, token_file=token_file, tls=tls)

    def __repr__(self) -> str:
        return f"RemoteSigner({self.address} at {self._http.public_url})"

    def sign_transaction(self, fields: Mapping[str, Any]) -> SignedTransaction:
        """Has an EIP-1559 transaction signed, its fields named as in JSON-RPC."""
        listed = self._listed(fields)
        signature = self._transaction_signature(listed)
        numbers = [signature.parity, signature.r, signature.s]
        raw = _TYPE_2 + bytes(rlp.encode([*listed, *numbers]))
        return SignedTransaction(raw, "0x" + keccak256(raw).hex())

    def transaction_signature(self, fields: Mapping[str, Any]) -> tuple[int, bytes, bytes]:
        """The signature (v, r, s) of an EIP-1559 transaction, its fields named as in JSON-RPC."""
        signature = self._transaction_signature(self._listed(fields))
        return signature.parity, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big")

    def sign_typed_data(self, message: dict[str, Any]) -> bytes:
        """The signature of an EIP-712 message with its types and domain: 65 bytes, r, s and v (27 or 28)."""
        signable = encode_typed_data(full_message=message)
        data = b"\x19" + signable.version + signable.header + signable.body
        raw = self._rest(data) if self._kind is RemoteKind.WEB3SIGNER else self._ask_for_typed_data(message)
        made = self._checked(lambda: _Signature.of(raw), keccak256(data))
        return made.r.to_bytes(32, "big") + made.s.to_bytes(32, "big") + bytes([27 + made.parity])

    # ------------------------------------------------------------------ transactions

    def _listed(self, fields: Mapping[str, Any]) -> list[Any]:
        """The fields in the order in which they are signed."""
        if fields.get("type", 2) not in (2, "0x2") or fields.get("accessList") or not fields.get("to"):
            raise RemoteSignerError(
                f"{self._http.who} is asked only for EIP-1559 transactions to an address, without access list"
            )
        data = fields.get("data", b"")
        raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data)
        numbers = [int(fields[name]) for name in _NAMES[:5]]
        return [*numbers, bytes.fromhex(fields["to"][2:]), int(fields.get("value", 0)), raw, []]

    def _transaction_signature(self, listed: Sequence[Any]) -> _Signature:
        payload = _TYPE_2 + bytes(rlp.encode(list(listed)))
        if self._kind is RemoteKind.WEB3SIGNER:
            raw = self._rest(payload)
            return self._checked(lambda: _Signature.of(raw), keccak256(payload))
        answer = self._http.rpc("eth_signTransaction", [self._request(listed)])
        # Clef and geth give the transaction in words as well.
        signed = _hex(answer.get("raw") if isinstance(answer, Mapping) else answer)
        return self._checked(lambda: _signature_in(signed, listed), keccak256(payload))

    def _request(self, listed: Sequence[Any]) -> dict[str, Any]:
        chain_id, nonce, tip, fee, gas, to, value, data, _ = listed
        return {
            "type": "0x2",
            "from": self.address,
            "to": checksum_address("0x" + to.hex()),
            "gas": hex(gas),
            "maxFeePerGas": hex(fee),
            "maxPriorityFeePerGas": hex(tip),
            "value": hex(value),
            "nonce": hex(nonce),
            "data": "0x" + data.hex(),
            "chainId": hex(chain_id),
        }

    def _checked(self, take: Callable[[], _Signature], digest: bytes) -> _Signature:
        """The signature, if it is by the address. Raises RemoteSignerError."""
        try:
            signature = take()
            signer = signature.signer(digest)
        except ValueError as error:
            raise RemoteSignerError(f"{self._http.who} gave no usable signature: {error}") from None
        if signer != self.address:
            raise RemoteSignerError(
                f"{self._http.who} signed with the key of {signer}, not of {self.address}, or something else",
                hint="check the address and the key's name; nothing was sent",
            )
        return signature

    # ------------------------------------------------------------------ how it is asked

    def _rest(self, data: bytes) -> bytes:
        """What web3signer makes of the keccak256 of `data`."""
        if self._identifier is None:
            self._identifier = self._find_key()
        body = {"data": "0x" + data.hex()}
        answer = self._http.post(f"/api/v1/eth1/sign/{self._identifier}", body, accept="text/plain")
        return _hex(answer.decode("ascii", "replace").strip().strip('"'))

    def _find_key(self) -> str:
        """The public key, as web3signer names it, that belongs to the address."""
        names = self._http.json(self._http.get("/api/v1/eth1/publicKeys"))
        for name in names if isinstance(names, list) else ():
            raw = _hex(name)
            # Uncompressed: two numbers, perhaps behind the 4 that says so.
            point = raw[1:] if len(raw) == 65 and raw[0] == 4 else raw
            if len(point) == 64 and checksum_address("0x" + keccak256(point)[12:].hex()) == self.address:
                return "0x" + raw.hex()
        raise RemoteSignerError(
            f"{self._http.who} has no key of {self.address}",
            hint="load the key there, or name its public key",
        )

    def _ask_for_typed_data(self, message: dict[str, Any]) -> bytes:
        document = _json_values(message)
        # Anvil and wallets have the first; web3signer the second, its older versions with the text of it.
        ways: Sequence[tuple[str, Any]] = (
            ("eth_signTypedData_v4", document),
            ("eth_signTypedData", orjson.dumps(document).decode()),
        )
        for method, value in ways:
            answer = self._http.rpc(method, [self.address, value], missing=_is_missing)
            if answer is not None:
                return _hex(answer)
        raise RemoteSignerError(
            f"{self._http.who} does not sign typed data (EIP-712)",
            hint="use web3signer's REST, --remote-kind web3signer, or a keystore, for what must sign it",
        )


def _kind(kind: RemoteKind | str) -> RemoteKind:
    try:
        return RemoteKind(kind)
    except ValueError:
        names = ", ".join(one.value for one in RemoteKind)
        raise SettingError(f"no remote signer is of the kind {kind!r}", hint=f"kinds: {names}") from None


def _hex(value: object) -> bytes:
    """The bytes of 0x and hex; none for anything else."""
    text = value.removeprefix("0x") if isinstance(value, str) else ""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _signature_in(raw: bytes, listed: Sequence[Any]) -> _Signature:
    """The signature in a signed transaction. Raises ValueError unless the rest is what was asked for."""
    if raw[:1] != _TYPE_2:
        raise ValueError("it is not an EIP-1559 transaction")
    try:
        found = rlp.decode(raw[1:])
    except rlp.exceptions.DecodingError:
        found = None
    if not isinstance(found, list) or len(found) != _SIGNED_FIELDS:
        raise ValueError("it is not an EIP-1559 transaction")
    wanted = rlp.decode(rlp.encode(list(listed)))
    wrong = [name for name, one, other in zip(_NAMES, found, wanted, strict=False) if one != other]
    if wrong:
        raise ValueError(f"the transaction is another: it differs in {', '.join(wrong)}")
    numbers = found[9:]
    if any(not isinstance(one, bytes) or len(one) > 32 or one[:1] == b"\0" for one in numbers):
        raise ValueError("its signature is not three numbers")
    parity, r, s = (int.from_bytes(one, "big") for one in numbers)
    if parity > 1:
        raise ValueError("its parity is neither 0 nor 1")
    return _Signature(parity, r, s)


def _is_missing(code: int, message: str) -> bool:
    """Whether an error says that the method is not there."""
    return code == _NO_METHOD or any(words in message.lower() for words in _NOT_THERE)


def _json_values(value: Any) -> Any:
    """A message as JSON has it: bytes as hex, numbers that JSON's readers would round as text."""
    if isinstance(value, Mapping):
        return {str(key): _json_values(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json_values(one) for one in value]
    if isinstance(value, bytes | bytearray):
        return "0x" + bytes(value).hex()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE_INTEGER:
        return str(value)
    return value
