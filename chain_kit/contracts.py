"""The kit's contracts as Python sees them: calls encoded, results and reverts decoded. No web3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from eth_abi.exceptions import DecodingError

from chain_kit.abi_codec import AbiEntry, abi_names, functions_of, load_abi
from chain_kit.errors import ContractMissingError, RpcResponseError
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.reverts import Revert, decode_revert, reverted
from chain_kit.units import checksum_address

__all__ = [
    "MAX_BATCH",
    "Answer",
    "Contract",
    "Question",
    "Revert",
    "abi_names",
    "block_tag",
    "call_many",
    "decode_revert",
    "load_abi",
]

Answer: TypeAlias = Any
"""What a function returned: a tuple, and a named one if the ABI names all of its values."""

MAX_BATCH = 100
"""Calls in one JSON-RPC request: what public endpoints take."""


def block_tag(block: int | str) -> str:
    """A block as JSON-RPC wants it: 17 is "0x11", "latest" stays."""
    return hex(block) if isinstance(block, int) else block


class Contract:
    """One of the kit's contracts at an address.

    A function goes by its name, or by its full signature where the name is overloaded:
    "buyYes(uint256,uint256,uint256,uint256)". An unknown one raises KeyError.
    """

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = checksum_address(address)

    def __repr__(self) -> str:
        return f"{self.name} at {self.address}"

    def _function(self, fn: str) -> AbiEntry:
        functions = functions_of(self.name)
        if fn not in functions:
            overloads = sorted(signature for signature in functions if signature.startswith(f"{fn}("))
            known = f", but {overloads}" if overloads else ""
            raise KeyError(f"{self.name} has no function {fn!r}{known}")
        return functions[fn]

    def encode_call(self, fn: str, *args: Any) -> bytes:
        """The call data: selector and arguments. Raises eth_abi's EncodingError for what does not fit."""
        return self._function(fn).encode(args)

    def decode_result(self, fn: str, data: bytes | str) -> Answer:
        """What `fn` returned, named where the ABI has names.

        Raises ContractMissingError for data that it cannot have returned: another contract is there, or none.
        """
        raw = bytes.fromhex(data.removeprefix("0x")) if isinstance(data, str) else data
        try:
            return self._function(fn).decode_outputs(raw)
        except DecodingError:
            raise ContractMissingError(self.name, self.address, fn) from None

    def request(self, fn: str, *args: Any, block: int | str = "latest", sender: str | None = None) -> Call:
        """The eth_call of `fn`, for JsonRpc.batch."""
        call = {"to": self.address, "data": "0x" + self.encode_call(fn, *args).hex()}
        if sender is not None:
            call["from"] = sender
        return ("eth_call", [call, block_tag(block)])

    async def call(
        self, rpc: JsonRpc, fn: str, *args: Any, block: int | str = "latest", sender: str | None = None
    ) -> Answer:
        """What `fn` returns at `block`. Raises RevertedError, ContractMissingError or an RpcError."""
        method, parameters = self.request(fn, *args, block=block, sender=sender)
        try:
            return self.decode_result(fn, await rpc.call(method, parameters))
        except RpcResponseError as error:
            raise reverted(error, repr(self)) from error


Question = tuple[Contract, str, tuple[Any, ...]]
"""A contract, a function of it, and the arguments."""


async def call_many(
    rpc: JsonRpc, questions: Sequence[Question], *, block: int | str = "latest"
) -> list[Answer]:
    """The answers to all `questions` at one block, asked in batches. Raises as `Contract.call` does."""
    answers: list[Answer] = []
    for first in range(0, len(questions), MAX_BATCH):
        part = questions[first : first + MAX_BATCH]
        results = await rpc.batch_settled([c.request(fn, *args, block=block) for c, fn, args in part])
        for (contract, fn, _), result in zip(part, results, strict=True):
            if isinstance(result, RpcResponseError):
                raise reverted(result, repr(contract)) from result
            answers.append(contract.decode_result(fn, result))
    return answers
