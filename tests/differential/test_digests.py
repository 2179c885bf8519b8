from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.differential.harness import CASES, SEED, Harness, chain, runtime_code
from tests.keeper_support.kit import Kit

CHAIN_ID = 31337
BATCH = 100
WORD_MAX = 2**256 - 1
DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
CLAIM_TO = {"ClaimTo": "address account, address recipient, uint256 cumulativeTotal, uint256 expiry"}
REPORT = {
    "PriceReport": "uint256 chainId, BoundaryPrice[] prices",
    "BoundaryPrice": "bytes32 feed, uint256 boundary, uint256 price",
}


@dataclass(frozen=True)
class _Case:
    """A row for the harness, and the addresses that must be wallets for it."""

    row: tuple[Any, ...]
    wallets: tuple[str, ...] = ()


def digest(name: str, contract: str, types: dict[str, str], message: dict[str, Any]) -> bytes:
    """What a wallet signs. Types are as Solidity writes them; the first one is the message's."""
    structs = {struct: _fields(text) for struct, text in types.items()}
    signable = encode_typed_data(
        full_message={
            "types": {"EIP712Domain": DOMAIN, **structs},
            "primaryType": next(iter(types)),
            "domain": {"name": name, "version": "1", "chainId": CHAIN_ID, "verifyingContract": contract},
            "message": message,
        }
    )
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def _fields(text: str) -> list[dict[str, str]]:
    return [dict(zip(("type", "name"), field.split(), strict=True)) for field in text.split(", ")]


def word(source: random.Random) -> int:
    """A number of any size: now and then zero, one or the largest."""
    extreme = source.random() < 0.1
    return source.choice((0, 1, WORD_MAX)) if extreme else source.getrandbits(source.randint(1, 256))


def address(source: random.Random) -> str:
    """Any address."""
    return to_checksum_address(source.randbytes(20))


async def _wrong(
    harness: Harness, kit: Kit, name: str, signature: str, make: Callable[[random.Random, str], _Case]
) -> list[_Case]:
    """The cases of one kind of message that the contract `name` of the kit hashes otherwise.

    Every batch asks the contract's code at another address, for the domain holds it.
    """
    source = random.Random(f"{SEED} {name}")
    original: str = getattr(kit, name).address
    code = await kit.anvil.rpc.call("eth_getCode", [original, "latest"])
    wrong: list[_Case] = []
    for first in range(0, CASES, BATCH):
        contract = address(source) if first else original
        made = [make(source, contract) for _ in range(min(BATCH, CASES - first))]
        wallets = {wallet: {"code": runtime_code("DigestWallet")} for case in made for wallet in case.wallets}
        overrides = {contract: {"code": code}, **wallets}
        rows = [case.row for case in made]
        answers = await harness.ask(signature, "bool", [contract, rows], overrides)
        wrong += [case for case, answer in zip(made, answers, strict=True) if not answer]
    return wrong


def _claim_to(source: random.Random, vault: str) -> _Case:
    """A claim to another address, signed by a wallet that knows its digest."""
    account = address(source)
    message = {
        "account": account,
        "recipient": address(source),
        "cumulativeTotal": word(source),
        "expiry": max(2**33, word(source)),
    }
    hashed = digest("chain-kit PayoutVault", vault, CLAIM_TO, message)
    return _Case((*message.values(), hashed), (account,))


def _report(source: random.Random, adapter: str) -> _Case:
    """A report of none to eight prices."""
    prices = [
        {"feed": source.randbytes(32), "boundary": word(source), "price": word(source)}
        for _ in range(source.randint(0, 8))
    ]
    message = {"chainId": CHAIN_ID, "prices": prices}
    hashed = digest("chain-kit SignedReportAdapter", adapter, REPORT, message)
    return _Case(([tuple(price.values()) for price in prices], hashed))


KINDS = {
    "vault": ("claimToDigests(address,(address,address,uint256,uint256,bytes32)[])", _claim_to),
    "adapter": ("reportDigests(address,((bytes32,uint256,uint256)[],bytes32)[])", _report),
}
"""By the contract's name in the kit: what judges its digests in the harness, and what makes its messages."""


@pytest.mark.parametrize("name", KINDS)
async def test_digests(name: str) -> None:
    """The contract's digest of every message is the one that eth-account signs."""
    async with chain() as anvil:
        kit = await Kit.deploy(anvil)
        wrong = await _wrong(await Harness.deploy(anvil), kit, name, *KINDS[name])

    assert wrong == []


@pytest.mark.parametrize("name", KINDS)
async def test_another_digest_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest that differs in the name of its domain only is not taken for the contract's."""
    monkeypatch.setattr(sys.modules[__name__], "CASES", 10)
    real = digest
    monkeypatch.setattr(sys.modules[__name__], "digest", lambda name, *rest: real(name + " ", *rest))
    async with chain() as anvil:
        kit = await Kit.deploy(anvil)
        wrong = await _wrong(await Harness.deploy(anvil), kit, name, *KINDS[name])

    assert len(wrong) == 10
