"""Values between Python and the ABI's bytes, by the ABI files.

Values are what eth_abi takes and gives: int for integers, bytes for bytes, addresses as checksummed strings.
Structs come as named tuples, and so do a function's results where all of them have names.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_abi import decoding, encoding
from eth_abi.codec import ABICodec
from eth_abi.registry import BaseEquals, registry
from eth_typing import AnyAddress, HexAddress, HexStr

from chain_kit.abi_files import abi_names, load_abi
from chain_kit.units import checksum_address, keccak256

__all__ = ["CODEC", "AbiEntry", "abi_names", "functions_of", "load_abi"]

Parameter = Mapping[str, Any]


def _checksummed(value: AnyAddress | str | bytes) -> HexAddress:
    assert isinstance(value, bytes)
    return HexAddress(HexStr(checksum_address("0x" + value.hex())))


class _ChecksumAddressDecoder(decoding.AddressDecoder):
    decoder_fn = staticmethod(_checksummed)


def _codec() -> ABICodec:
    types = registry.copy()  # type: ignore[no-untyped-call]
    types.unregister("address")
    is_address = BaseEquals("address", with_sub=False)  # type: ignore[no-untyped-call]
    types.register(is_address, encoding.AddressEncoder, _ChecksumAddressDecoder, label="address")
    return ABICodec(types)


CODEC = _codec()
"""eth_abi's codec, except that addresses come out checksummed."""


@dataclass(frozen=True)
class AbiEntry:
    """A function or an error of an ABI."""

    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...] = ()

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> AbiEntry:
        """The entry that one object of an ABI file describes."""
        return cls(item["name"], tuple(item["inputs"]), tuple(item.get("outputs", ())))

    @property
    def signature(self) -> str:
        """Name and canonical types: "buyYes(uint256)"."""
        return f"{self.name}({','.join(_types(self.inputs))})"

    @property
    def selector(self) -> bytes:
        """The four bytes that name it on chain."""
        return keccak256(self.signature.encode())[:4]

    def encode(self, args: Sequence[Any]) -> bytes:
        """Selector and arguments. Raises eth_abi's EncodingError for values that do not fit."""
        return self.selector + CODEC.encode(_types(self.inputs), args)

    def decode_inputs(self, data: bytes) -> tuple[Any, ...]:
        """The arguments, from what follows the selector. Raises eth_abi's DecodingError."""
        return _named(self.inputs, CODEC.decode(_types(self.inputs), data))

    def decode_outputs(self, data: bytes) -> tuple[Any, ...]:
        """The results. Raises eth_abi's DecodingError."""
        return _named(self.outputs, CODEC.decode(_types(self.outputs), data))


@cache
def functions_of(name: str) -> dict[str, AbiEntry]:
    """A contract's functions by full signature, and by bare name where only one has it."""
    entries = [AbiEntry.of(item) for item in load_abi(name) if item["type"] == "function"]
    names = [entry.name for entry in entries]
    found = {entry.name: entry for entry in entries if names.count(entry.name) == 1}
    return found | {entry.signature: entry for entry in entries}


def _types(parameters: Sequence[Parameter]) -> list[str]:
    return [_type_of(parameter) for parameter in parameters]


def _type_of(parameter: Parameter) -> str:
    """A parameter's canonical type: a struct becomes "(bytes32,uint256)"."""
    kind = str(parameter["type"])
    if kind.startswith("tuple"):
        return f"({','.join(_types(parameter['components']))}){kind.removeprefix('tuple')}"
    return kind


@cache
def _tuple_class(names: tuple[str, ...]) -> Any:
    return namedtuple("Answer", names, rename=True)  # the names are known at run time only


def _named(parameters: Sequence[Parameter], values: Sequence[Any]) -> tuple[Any, ...]:
    named = [_named_value(parameter, value) for parameter, value in zip(parameters, values, strict=True)]
    names = tuple(str(parameter.get("name", "")) for parameter in parameters)
    if names and all(names):
        return tuple.__new__(_tuple_class(names), named)
    return tuple(named)


def _named_value(parameter: Parameter, value: Any) -> Any:
    kind = str(parameter["type"])
    if kind == "tuple":
        return _named(parameter["components"], value)
    if kind.startswith("tuple[") and kind.count("[") == 1:
        return tuple(_named(parameter["components"], one) for one in value)
    return value
