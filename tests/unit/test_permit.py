from __future__ import annotations

from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.permit import sign_permit
from chain_kit.signers import Signer
from chain_kit.units import checksum_address

uints = st.integers(min_value=0, max_value=2**256 - 1)
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: checksum_address("0x" + raw.hex()))
keys = st.integers(min_value=1, max_value=2**250).map(lambda number: Signer(number.to_bytes(32, "big")))
PERMIT = [
    {"name": "owner", "type": "address"},
    {"name": "spender", "type": "address"},
    {"name": "value", "type": "uint256"},
    {"name": "nonce", "type": "uint256"},
    {"name": "deadline", "type": "uint256"},
]


@st.composite
def permits(draw: st.DrawFn) -> dict[str, Any]:
    """All that a permit says."""
    return {
        "token": draw(addresses),
        "token_name": draw(st.text(max_size=20).filter(lambda text: text.isascii())),
        "chain_id": draw(st.integers(min_value=1, max_value=2**63)),
        "spender": draw(addresses),
        "amount_units": draw(uints),
        "nonce": draw(uints),
        "deadline": draw(uints),
    }


def recovered(owner: str, said: dict[str, Any], signature: tuple[int, bytes, bytes]) -> str:
    """Who signed, worked out as EIP-2612 has it, apart from the code under test."""
    v, r, s = signature
    message = encode_typed_data(
        {
            "name": said["token_name"],
            "version": "1",
            "chainId": said["chain_id"],
            "verifyingContract": said["token"],
        },
        {"Permit": PERMIT},
        {
            "owner": owner,
            "spender": said["spender"],
            "value": said["amount_units"],
            "nonce": said["nonce"],
            "deadline": said["deadline"],
        },
    )
    return str(Account.recover_message(message, (v, int.from_bytes(r, "big"), int.from_bytes(s, "big"))))


@given(keys, permits())
def test_a_permit_is_its_owners(owner: Signer, said: dict[str, Any]) -> None:
    """Whoever recovers the signer of what the token checks finds the owner."""
    signature = sign_permit(owner, **said)

    assert owner.address == recovered(owner.address, said, signature)
    assert (signature[0] in (27, 28), 32, 32) == (True, len(signature[1]), len(signature[2]))


@given(keys, permits(), st.sampled_from(["chain_id", "amount_units", "nonce", "deadline"]))
def test_a_permit_is_for_just_that(owner: Signer, said: dict[str, Any], name: str) -> None:
    """With another amount, nonce, deadline or chain the signature is nobody's that matters."""
    signature = sign_permit(owner, **said)
    other = {**said, name: said[name] ^ 1 or 2}

    assert owner.address != recovered(owner.address, other, signature)


@given(keys, permits(), addresses, st.sampled_from(["token", "spender"]))
def test_a_permit_is_bound_to_token_and_spender(
    owner: Signer, said: dict[str, Any], other: str, name: str
) -> None:
    """On another token, or for another spender, it is worth nothing."""
    signature = sign_permit(owner, **said)
    if other != said[name]:
        assert owner.address != recovered(owner.address, {**said, name: other}, signature)
