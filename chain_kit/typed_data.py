"""EIP-712 messages of the kit's contracts: their domain is a name, version 1, the chain and the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chain_kit.units import checksum_address

__all__ = ["TypeFields", "typed_data"]

TypeFields = Mapping[str, Sequence[tuple[str, str]]]
"""The fields, as pairs of name and type, of each struct; the first struct is the one that is signed."""

_DOMAIN = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)


def typed_data(
    name: str, chain_id: int, contract: str, types: TypeFields, message: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole message, as wallets and eth_account take it. `name` is the domain's."""
    fields = {"EIP712Domain": _DOMAIN, **types}
    return {
        "types": {
            struct: [{"name": field, "type": kind} for field, kind in fields[struct]] for struct in fields
        },
        "primaryType": next(iter(types)),
        "domain": {
            "name": name,
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": checksum_address(contract),
        },
        "message": dict(message),
    }
