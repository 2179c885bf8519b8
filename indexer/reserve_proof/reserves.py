"""What the contracts of a deployment hold and owe at one block: which slots say so, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from indexer.reserve_proof.document import MOST_DECIMALS, Fields, ProofError, load
from indexer.reserve_proof.evidence import Slots, Wanted, read_header, read_slots, require_hash
from indexer.reserve_proof.layout import LEDGERS, VAULT, balance_slot, number_slot
from indexer.reserve_proof.tries import Header

__all__ = ["FORMAT", "Holder", "Proven", "Reserve", "amounts", "verify_reserves", "wanted_slots"]

FORMAT = "chain-kit reserve proof, version 1"
_FIELDS = ("format", "chain_id", "block", "reserves", "accounts")
_RESERVE = ("contract", "address", "token", "symbol", "decimals", "balances", "reserve", "liabilities")
_LOW_112, _LOW_128, _TOP_BIT = (1 << 112) - 1, (1 << 128) - 1, 1 << 255


class Holder(NamedTuple):
    """A contract of ours, the token that it holds, and where that token keeps balances (see `layout`)."""

    contract: str
    address: str
    token: str
    symbol: str
    decimals: int
    balances: str


class Reserve(NamedTuple):
    """What a contract holds and owes, in base units of its token."""

    holder: Holder
    held: int
    owed: int

    @property
    def coverage_e18(self) -> int | None:
        """What it holds of what it owes, 1e18 fixed point, rounded down; None where it owes nothing."""
        return self.held * 10**18 // self.owed if self.owed else None


class Proven(NamedTuple):
    """The reserves at a block. That the block is in the chain is for the reader to see."""

    chain_id: int
    block: Header
    reserves: list[Reserve]


def verify_reserves(body: bytes, block_hash: str | None = None) -> Proven:
    """Checks a file from its bytes alone. Raises ProofError, which names the first thing that is wrong."""
    fields = load(body, _FIELDS, FORMAT)
    header = read_header(fields)
    require_hash(header, block_hash)
    stated = [(_holder(one), one) for one in fields.objects("reserves", _RESERVE)]
    holders = [holder for holder, _ in stated]
    if not holders:
        raise ProofError("it names no contract")
    if len({holder.address for holder in holders}) < len(holders):
        raise ProofError("it names a contract twice")
    slots = read_slots(fields, header, wanted_slots(holders))
    found = amounts(holders, slots)
    for reserve, (holder, one) in zip(found, stated, strict=True):
        if (reserve.held, reserve.owed) != (one.number("reserve"), one.number("liabilities")):
            raise ProofError(
                f"{holder.contract} holds {reserve.held} and owes {reserve.owed}, and not what is stated"
            )
    return Proven(fields.number("chain_id"), header, found)


def wanted_slots(holders: Sequence[Holder]) -> Wanted:
    """The slots that say what these hold and owe."""
    wanted: dict[str, list[bytes]] = {}
    for holder in holders:
        wanted.setdefault(holder.token, []).append(_balance(holder))
    for holder in holders:
        wanted.setdefault(holder.address, []).extend(_liabilities(holder.contract))
    return wanted


def amounts(holders: Sequence[Holder], slots: Slots) -> list[Reserve]:
    """What the slots say. Raises ProofError for a balance that its token has frozen."""
    return [Reserve(one, _held(one, slots), _owed(one, slots)) for one in holders]


def _held(holder: Holder, slots: Slots) -> int:
    value = slots[holder.token, _balance(holder)]
    if value & _TOP_BIT:
        # Where USDC keeps its blacklist.
        raise ProofError(f"{holder.symbol} has frozen what {holder.contract} holds", hint="ask its issuer")
    return value


def _owed(holder: Holder, slots: Slots) -> int:
    places = _liabilities(holder.contract)
    values = [slots[holder.address, place] for place in places]
    if holder.contract in LEDGERS:
        return values[0] & _LOW_112
    totals, pending_root, pending_total = values
    total = pending_total if pending_root else totals
    return (total & _LOW_128) - (totals >> 128)


def _liabilities(contract: str) -> list[bytes]:
    if contract in LEDGERS:
        return [number_slot(LEDGERS[contract].liabilities)]
    return [number_slot(slot) for slot in (VAULT.totals, VAULT.pending_root, VAULT.pending_total)]


def _balance(holder: Holder) -> bytes:
    slot = balance_slot(holder.balances, holder.address)
    if slot is None:
        raise ProofError(f"{holder.balances!r} is no layout of a token's balances that is known")
    return slot


def _holder(one: Fields) -> Holder:
    contract = one.text("contract")
    if contract not in {*LEDGERS, "PayoutVault"}:
        raise ProofError(f"{contract!r} is none of the contracts that hold reserves")
    holder: dict[str, Any] = {name: one.text(name) for name in ("symbol", "balances")}
    holder |= {name: one.address(name) for name in ("address", "token")}
    return Holder(contract=contract, decimals=one.number("decimals", MOST_DECIMALS), **holder)
