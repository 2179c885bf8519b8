"""EIP-2612 permits: an allowance by signature."""

from __future__ import annotations

from chain_kit.signers import Signer
from chain_kit.typed_data import typed_data

__all__ = ["sign_permit"]

_TYPES = {
    "Permit": (
        ("owner", "address"),
        ("spender", "address"),
        ("value", "uint256"),
        ("nonce", "uint256"),
        ("deadline", "uint256"),
    )
}


def sign_permit(
    owner: Signer,
    *,
    token: str,
    token_name: str,
    chain_id: int,
    spender: str,
    amount_units: int,
    nonce: int,
    deadline: int,
) -> tuple[int, bytes, bytes]:
    """The signature (v, r, s) that lets `spender` take `amount_units` until `deadline` (UNIX seconds).

    `token_name` is the token's `name()`; its domain's version is taken to be 1.
    """
    message = {
        "owner": owner.address,
        "spender": spender,
        "value": amount_units,
        "nonce": nonce,
        "deadline": deadline,
    }
    signature = owner.sign_typed_data(typed_data(token_name, chain_id, token, _TYPES, message))
    return signature[64], signature[:32], signature[32:64]
