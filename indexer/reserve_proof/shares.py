"""One account's part at one block: its balance and positions in the hub, and its leaf in the vault's tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chain_kit.payouts import leaf_hash, verify_proof
from indexer.reserve_proof.document import MOST_DECIMALS, Fields, ProofError, load
from indexer.reserve_proof.evidence import Slots, Wanted, read_header, read_slots, require_hash
from indexer.reserve_proof.layout import LEDGERS, VAULT, mapping_slot, number_slot
from indexer.reserve_proof.tries import Header

__all__ = ["FORMAT", "ROOTS", "Leaf", "Position", "Share", "position_slot", "share_slots", "verify_share"]

FORMAT = "chain-kit account proof, version 1"
_FIELDS = ("format", "chain_id", "account", "block", "tokens", "hub", "vault", "accounts")
_TOKENS = ("collateral", "payout")
_TOKEN = ("symbol", "decimals")
_HUB = ("address", "balance", "positions")
_POSITION = ("market_id", "epoch", "yes_shares", "no_shares")
_MOST = (2**64 - 1, 2**40 - 1, 2**128 - 1, 2**128 - 1)
_VAULT = ("address", "claimed", "root", "total", "proof")
_LOW_112, _LOW_128 = (1 << 112) - 1, (1 << 128) - 1
_HUB_SLOTS = LEDGERS["EpochHub"]
ROOTS = {"active": VAULT.root, "pending": VAULT.pending_root}


class Position(NamedTuple):
    """Shares of an epoch, in base units of the collateral."""

    market_id: int
    epoch: int
    yes_shares: int
    no_shares: int


class Leaf(NamedTuple):
    """What the vault's tree owes the account in all; under the root of that name."""

    root: str
    total: int
    proof: Sequence[bytes]


class Share(NamedTuple):
    """An account's part. Amounts are base units of the collateral, and of the payout token."""

    chain_id: int
    block: Header
    account: str
    hub: str
    balance: int
    positions: list[Position]
    vault: str
    claimed: int
    leaf: Leaf | None
    tokens: tuple[tuple[str, int], tuple[str, int]]
    """Symbol and decimals of the collateral and of the payout token, as the file has them."""

    @property
    def claimable(self) -> int:
        """What a claim would pay, once its root is active."""
        return max(self.leaf.total - self.claimed, 0) if self.leaf else 0


def verify_share(body: bytes, account: str, block_hash: str | None = None) -> Share:
    """Checks a file from its bytes alone. Raises ProofError, which names the first thing that is wrong."""
    fields = load(body, _FIELDS, FORMAT)
    if fields.address("account") != account:
        raise ProofError(f"it is of the account {fields.address('account')}, and not of {account}")
    header = read_header(fields)
    require_hash(header, block_hash)
    hub, vault = fields.object("hub", _HUB), fields.object("vault", _VAULT)
    stated = [
        Position(*(one.number(name, most) for name, most in zip(_POSITION, _MOST, strict=True)))
        for one in hub.objects("positions", _POSITION)
    ]
    places = [(one.market_id, one.epoch) for one in stated]
    if places != sorted(set(places)):
        raise ProofError("its positions are not in order")
    addresses = (hub.address("address"), vault.address("address"))
    slots = read_slots(fields, header, share_slots(account, *addresses, places))
    share = _share(fields, header, slots, places)
    if (share.balance, share.positions) != (hub.number("balance"), stated):
        raise ProofError("the balance and the shares in the hub are not those that are stated")
    if share.claimed != vault.number("claimed"):
        raise ProofError(f"{share.claimed} was claimed, and not what is stated")
    return share


def position_slot(market_id: int, epoch: int, account: str) -> bytes:
    """Where the hub keeps an account's shares of an epoch."""
    return mapping_slot(mapping_slot(_HUB_SLOTS.positions, market_id << 56 | epoch), account)


def share_slots(account: str, hub: str, vault: str, places: Sequence[tuple[int, int]]) -> Wanted:
    """The slots that say what an account has, in the epochs (market id, epoch) of `places`."""
    return {
        hub: [mapping_slot(_HUB_SLOTS.accounts, account), *(position_slot(*one, account) for one in places)],
        vault: [mapping_slot(VAULT.claimed, account), *map(number_slot, ROOTS.values())],
    }


def _share(fields: Fields, header: Header, slots: Slots, places: Sequence[tuple[int, int]]) -> Share:
    account = fields.address("account")
    hub = fields.object("hub", _HUB).address("address")
    vault = fields.object("vault", _VAULT).address("address")
    positions = []
    for market_id, epoch in places:
        packed = slots[hub, position_slot(market_id, epoch, account)]
        positions.append(Position(market_id, epoch, packed & _LOW_128, packed >> 128))
    chain_id = fields.number("chain_id")
    tokens = fields.object("tokens", _TOKENS)
    collateral, payout = (tokens.object(name, _TOKEN) for name in _TOKENS)
    return Share(
        chain_id=chain_id,
        block=header,
        account=account,
        hub=hub,
        balance=slots[hub, mapping_slot(_HUB_SLOTS.accounts, account)] & _LOW_112,
        positions=positions,
        vault=vault,
        claimed=slots[vault, mapping_slot(VAULT.claimed, account)],
        leaf=_leaf(fields, slots),
        tokens=(
            (collateral.text("symbol"), collateral.number("decimals", MOST_DECIMALS)),
            (payout.text("symbol"), payout.number("decimals", MOST_DECIMALS)),
        ),
    )


def _leaf(fields: Fields, slots: Slots) -> Leaf | None:
    """The account's leaf, which leads to the root that the vault has; None for an account that has none."""
    vault = fields.object("vault", _VAULT)
    leaf = Leaf(vault.text("root"), vault.number("total"), vault.items("proof"))
    if leaf == ("none", 0, []):
        return None
    if leaf.root not in ROOTS:
        raise ProofError(f"the vault has no root that is called {leaf.root!r}")
    address = vault.address("address")
    root = slots[address, number_slot(ROOTS[leaf.root])].to_bytes(32, "big")
    hashed = leaf_hash(fields.number("chain_id"), address, fields.address("account"), leaf.total)
    if not verify_proof(root, hashed, leaf.proof):
        raise ProofError(f"the leaf does not lead to the {leaf.root} root 0x{root.hex()} of the vault")
    return leaf
