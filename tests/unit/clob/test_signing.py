from __future__ import annotations

import random
from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.clob.orders import Order, SignedOrder
from chain_kit.clob.signing import HUB_NAME, RACE_NAME, OrderDomain
from chain_kit.dev_accounts import dev_signer
from chain_kit.units import keccak256
from tests.clob_support.orders import EXTREMES, HUB, an_order, any_orders, random_order

MAKER = dev_signer(1)
DOMAIN = OrderDomain(31337, HUB)
CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
TYPE = [
    {"name": "maker", "type": "address"},
    {"name": "marketId", "type": "uint256"},
    {"name": "epoch", "type": "uint256"},
    {"name": "side", "type": "uint8"},
    {"name": "isBuy", "type": "bool"},
    {"name": "price", "type": "uint256"},
    {"name": "size", "type": "uint256"},
    {"name": "feeBpsMax", "type": "uint256"},
    {"name": "expiry", "type": "uint256"},
    {"name": "nonce", "type": "uint256"},
    {"name": "salt", "type": "uint256"},
]


def digest_by_eth_account(domain: OrderDomain, order: Order) -> bytes:
    """The digest by another implementation, from the type as the interface writes it."""
    said = {
        "name": domain.name,
        "version": "1",
        "chainId": domain.chain_id,
        "verifyingContract": domain.contract,
    }
    values = {field["name"]: value for field, value in zip(TYPE, order.as_struct(), strict=True)}
    message = encode_typed_data(said, {"Order": TYPE}, values | {"side": int(order.side)})
    return keccak256(b"\x19" + message.version + message.header + message.body)


def test_ten_thousand_digests_are_those_of_eth_account() -> None:
    """Random orders with extremes among them, on both contracts and several chains."""
    chance = random.Random(712)
    domains = [OrderDomain(chain, HUB, name) for chain in (1, 8453, 2**64) for name in (HUB_NAME, RACE_NAME)]
    different = 0
    for _ in range(10_000):
        domain, order = chance.choice(domains), random_order(chance)
        different += domain.digest(order) != digest_by_eth_account(domain, order)
    assert different == 0


@given(any_orders)
def test_the_typed_data_is_what_is_hashed(order: Order) -> None:
    """A wallet that is shown the message signs the digest."""
    message = encode_typed_data(full_message=DOMAIN.typed_data(order))
    assert keccak256(b"\x19" + message.version + message.header + message.body) == DOMAIN.digest(order)


@given(any_orders)
def test_a_signature_is_its_makers(order: Order) -> None:
    """The signer is found again, in both forms of a signature."""
    signed = DOMAIN.sign(order, MAKER)
    assert DOMAIN.signer_of(signed) == MAKER.address
    assert DOMAIN.signer_of(replace(signed, signature=_compact(signed.signature))) == MAKER.address


def _compact(signature: bytes) -> bytes:
    odd = (signature[64] - 27) << 7
    return signature[:32] + bytes([signature[32] | odd]) + signature[33:64]


@pytest.mark.parametrize("field", ["market_id", "epoch", "price_e18", "size_units", "fee_bps_max"])
@given(any_orders)
def test_a_signature_is_for_just_that_order(field: str, order: Order) -> None:
    """With one number changed it is not the maker's."""
    signed = DOMAIN.sign(order, MAKER)
    other = replace(order, **{field: getattr(order, field) ^ 1})
    assert DOMAIN.signer_of(SignedOrder(other, signed.signature)) != MAKER.address


@pytest.mark.parametrize(
    "other",
    [OrderDomain(8453, HUB), OrderDomain(31337, MAKER.address), OrderDomain(31337, HUB, RACE_NAME)],
    ids=["chain", "contract", "name"],
)
def test_a_signature_is_for_one_contract_on_one_chain(other: OrderDomain) -> None:
    """Elsewhere the same order has another digest, and the signature is nobody's that matters."""
    signed = DOMAIN.sign(an_order(maker=MAKER.address), MAKER)
    assert other.digest(signed.order) != DOMAIN.digest(signed.order)
    assert other.signer_of(signed) != MAKER.address


@given(st.binary(max_size=70))
def test_any_bytes_are_a_signature_or_none(signature: bytes) -> None:
    """Whatever comes in from outside is judged, and nothing is raised."""
    signer = DOMAIN.signer_of(SignedOrder(an_order(), signature))
    assert signer is None or len(signature) in (64, 65)


@pytest.mark.parametrize("r", [*EXTREMES, CURVE_ORDER - 1, CURVE_ORDER])
@pytest.mark.parametrize("s", [*EXTREMES, CURVE_ORDER - 1, CURVE_ORDER])
def test_numbers_off_the_curve_are_no_signature(r: int, s: int) -> None:
    """What `ecrecover` gives nothing for has no signer here either."""
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + b"\x1b"
    signer = DOMAIN.signer_of(SignedOrder(an_order(), signature))
    possible = 0 < r < CURVE_ORDER and 0 < s < CURVE_ORDER
    assert signer is None or possible
    assert signer != an_order().maker


@pytest.mark.parametrize("v", [0, 1, 26, 29, 37, 255])
def test_other_recovery_bytes_are_refused(v: int) -> None:
    """`ecrecover` takes 27 and 28 alone, whatever eth_account would make of the others."""
    signed = DOMAIN.sign(an_order(maker=MAKER.address), MAKER)
    assert DOMAIN.signer_of(replace(signed, signature=signed.signature[:64] + bytes([v]))) is None


def test_a_wallet_that_knows_typed_data_signs_the_same() -> None:
    """eth_account's own signing of the message gives the same bytes."""
    key = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
    order = an_order(maker=MAKER.address)
    theirs = Account.sign_typed_data(key, full_message=DOMAIN.typed_data(order))
    assert bytes(theirs.signature) == DOMAIN.sign(order, MAKER).signature
