"""Call data in words, by the ABI files: "EpochHub.redeemFor(account 0x…, marketId 1, epochs [12, 13])".

Integers are shown as the chain holds them. Of long lists and bytes the beginning and the size are shown, so
that a line stays a line; `whole` shows all. Text is quoted: it is anybody's words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.exceptions import DecodingError

from chain_kit.abi_codec import AbiEntry, Parameter, abi_names, load_abi
from chain_kit.units import checksum_address

if TYPE_CHECKING:
    from chain_kit.manifest import Manifest

__all__ = ["contract_names", "describe_call"]

_MOST_PARTS = 12
_MOST_BYTES = 68
_WORD = 32


def describe_call(contract_name: str | None, to: str, data: bytes | str, *, whole: bool = False) -> str:
    """What a call of the contract at `to` does, in words. Takes any bytes, or 0x and hex.

    `contract_name` is one of `abi_names()`, or None where it is not known: then it is found by the function,
    if only one contract has it. Nothing is raised for data that no function takes: the answer says so.
    """
    raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else bytes(data)
    address = checksum_address(to)
    if not raw:
        return f"nothing is called at {address}"
    name, entry = _function(contract_name, raw[:4])
    place = f"{name} at {address}" if name else address
    if entry is None:
        return f"a function that is none of the kit's (0x{raw[:4].hex()}, {len(raw)} bytes) of {place}"
    try:
        values = entry.decode_inputs(raw[4:])
        extra = raw[len(entry.encode(values)) :]
    except (DecodingError, UnicodeDecodeError, ValueError, OverflowError):
        return f"{entry.name} of {place}, with arguments that it does not take ({len(raw)} bytes)"
    shown = _Shown(whole)
    arguments = ", ".join(shown.named(p, value) for p, value in zip(entry.inputs, values, strict=True))
    behind = f" and {len(extra)} bytes that it does not read" if extra else ""
    return f"{name or address}.{entry.name}({arguments}){behind}"


def contract_names(manifest: Manifest) -> dict[str, str]:
    """The names of a deployment's contracts that have an ABI, facades and reward pools' too, by address."""
    names = {record.address: name for name, record in manifest.contracts.items() if name in abi_names()}
    for market in manifest.markets.values():
        parts = (
            (market.facade, "MarketFacade"),
            (market.lock, "LiquidityLock"),
            (market.staking, "LpStaking"),
        )
        names |= {address: name for address, name in parts if address}
    for token in (manifest.collateral, manifest.payout_token):
        names.setdefault(token.address, "TestToken")
    return names


@cache
def _functions() -> dict[bytes, dict[str, AbiEntry]]:
    """By selector: the function as each of the contracts has it that have it."""
    found: dict[bytes, dict[str, AbiEntry]] = {}
    for name in abi_names():
        for item in load_abi(name):
            if item["type"] == "function":
                entry = AbiEntry.of(item)
                found.setdefault(entry.selector, {})[name] = entry
    return found


def _function(contract_name: str | None, selector: bytes) -> tuple[str | None, AbiEntry | None]:
    """The contract's name and the function, each as far as it is known."""
    owners = _functions().get(selector, {})
    if contract_name is not None or not owners:
        return contract_name, owners.get(contract_name or "")
    name, entry = next(iter(owners.items()))
    if len(owners) == 1:
        return name, entry
    same = all(_names(other) == _names(entry) for other in owners.values())
    unnamed = tuple({**parameter, "name": ""} for parameter in entry.inputs)
    return None, entry if same else AbiEntry(entry.name, unnamed)


def _names(entry: AbiEntry) -> list[str]:
    return [str(parameter.get("name")) for parameter in entry.inputs]


@dataclass(frozen=True)
class _Shown:
    """Values as people read them."""

    whole: bool

    def named(self, parameter: Parameter, value: Any) -> str:
        """A value behind its name, if it has one."""
        name = str(parameter.get("name", "")).strip("_")
        text = self.value(str(parameter["type"]), parameter, value)
        return f"{name} {text}" if name else text

    def value(self, kind: str, parameter: Mapping[str, Any], value: Any) -> str:
        """A value of the type `kind`; `parameter` knows the fields of its structs."""
        if kind.endswith("]"):
            element = kind[: kind.rindex("[")]
            parts = value if self.whole else value[:_MOST_PARTS]
            return self._listed([self.value(element, parameter, one) for one in parts], len(value))
        if kind == "tuple":
            fields: Sequence[Parameter] = parameter["components"]
            return f"({', '.join(self.named(f, one) for f, one in zip(fields, value, strict=True))})"
        if isinstance(value, bytes):
            return self._bytes(value, fixed=kind != "bytes")
        if isinstance(value, bool):
            return "true" if value else "false"
        return json.dumps(value) if kind == "string" else str(value)

    @staticmethod
    def _listed(parts: Sequence[str], count: int) -> str:
        more = f", … {count - len(parts)} more" if count > len(parts) else ""
        return f"[{', '.join(parts)}{more}]"

    def _bytes(self, value: bytes, *, fixed: bool) -> str:
        text = value.rstrip(b"\0")
        if fixed and text and len(text) < len(value) and all(32 < byte < 127 for byte in text):
            return text.decode("ascii")  # a feed's id
        if self.whole or len(value) <= _MOST_BYTES:
            return "0x" + value.hex()
        return f"0x{value[:_WORD].hex()}… ({len(value)} bytes)"
