"""The payout vault's cumulative Merkle tree: what each account has been owed in all, provable leaf by leaf.

A leaf is keccak256(keccak256(abi.encode(chain id, vault, account, total))), a node the hash of its two
children in ascending order, as OpenZeppelin's and Solady's verifiers compute it. Amounts are base units of
the payout token. Totals only grow: a claim pays the total less what was claimed before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from chain_kit.abi_codec import CODEC
from chain_kit.errors import BadAddressError, PayoutTreeError
from chain_kit.files import write_atomically
from chain_kit.json_fields import FieldError, JsonFields
from chain_kit.typed_data import typed_data
from chain_kit.units import checksum_address, keccak256

__all__ = ["PayoutTree", "claim_to_typed_data", "leaf_hash", "verify_proof"]

# The vault counts in uint128.
_TOTAL_MAX = 2**128 - 1
_CLAIM_TO = {
    "ClaimTo": (
        ("account", "address"),
        ("recipient", "address"),
        ("cumulativeTotal", "uint256"),
        ("expiry", "uint256"),
    )
}


def leaf_hash(chain_id: int, vault: str, account: str, total_units: int) -> bytes:
    """The leaf of `account` in the tree of one vault on one chain: 32 bytes."""
    fields = (chain_id, vault, account, total_units)
    return keccak256(keccak256(CODEC.encode(("uint256", "address", "address", "uint256"), fields)))


def _parent(one: bytes, other: bytes) -> bytes:
    return keccak256(min(one, other) + max(one, other))


def verify_proof(root: bytes, leaf: bytes, proof: Iterable[bytes]) -> bool:
    """Whether `proof` leads from `leaf` to `root`, as the vault checks it."""
    node = leaf
    for sibling in proof:
        node = _parent(node, sibling)
    return node == root


@dataclass(frozen=True)
class PayoutTree:
    """A tree of cumulative totals (base units) by checksummed account, in order of the accounts."""

    chain_id: int
    vault: str
    totals: Mapping[str, int]

    @classmethod
    def build(
        cls,
        chain_id: int,
        vault: str,
        payouts: Iterable[tuple[str, int]],
        *,
        previous: PayoutTree | None = None,
    ) -> PayoutTree:
        """The tree of `payouts`, pairs of account and cumulative total.

        Raises PayoutTreeError for an account that comes twice, a total that is not above zero, no payouts at
        all, and, given the `previous` tree, an account that is gone or whose total has shrunk.
        """
        totals: dict[str, int] = {}
        for address, total_units in payouts:
            account = _account(address)
            if account in totals:
                raise PayoutTreeError(f"{account} comes twice")
            if not 0 < total_units <= _TOTAL_MAX:
                raise PayoutTreeError(f"the total of {account} is {total_units}, it must be above zero")
            totals[account] = total_units
        if not totals:
            raise PayoutTreeError("there are no payouts")
        tree = cls(chain_id, _account(vault), dict(sorted(totals.items(), key=lambda item: int(item[0], 16))))
        if previous is not None:
            tree._require_growth(previous)
        return tree

    def _require_growth(self, previous: PayoutTree) -> None:
        if (previous.chain_id, previous.vault) != (self.chain_id, self.vault):
            raise PayoutTreeError(
                f"the previous payouts are of vault {previous.vault} on chain {previous.chain_id},"
                f" these of {self.vault} on chain {self.chain_id}"
            )
        for account, before_units in previous.totals.items():
            total_units = self.totals.get(account, 0)
            if total_units < before_units:
                raise PayoutTreeError(f"the total of {account} shrinks from {before_units} to {total_units}")

    @property
    def total_units(self) -> int:
        """The sum of all totals: what `proposeRoot` states."""
        return sum(self.totals.values())

    @property
    def root(self) -> bytes:
        """The 32 bytes that the vault stores."""
        return self._nodes[0]

    @cached_property
    def _nodes(self) -> tuple[bytes, ...]:
        """The tree as an array: the children of node i are 2i+1 and 2i+2, the leaves come last."""
        leaves = sorted(self._leaf(account) for account in self.totals)
        nodes = [b""] * (len(leaves) - 1) + leaves[::-1]
        for i in reversed(range(len(leaves) - 1)):
            nodes[i] = _parent(nodes[2 * i + 1], nodes[2 * i + 2])
        return tuple(nodes)

    @cached_property
    def _places(self) -> dict[bytes, int]:
        first = len(self.totals) - 1
        return {leaf: first + i for i, leaf in enumerate(self._nodes[first:])}

    def _leaf(self, account: str) -> bytes:
        return leaf_hash(self.chain_id, self.vault, account, self.totals[account])

    def proof(self, account: str) -> tuple[bytes, ...]:
        """The siblings from the account's leaf up. Raises PayoutTreeError if it has none."""
        account = _account(account)
        if account not in self.totals:
            raise PayoutTreeError(f"{account} is not among the payouts")
        place = self._places[self._leaf(account)]
        proof = []
        while place > 0:
            proof.append(self._nodes[place + 1 if place % 2 else place - 1])
            place = (place - 1) // 2
        return tuple(proof)

    def save(self, path: Path | str) -> None:
        """Publishes the tree as JSON, each account with its proof, so that it can claim with that alone."""
        document = {
            "chain_id": self.chain_id,
            "vault": self.vault,
            "root": "0x" + self.root.hex(),
            "total": str(self.total_units),
            "payouts": [
                {
                    "account": account,
                    "total": str(total_units),
                    "proof": ["0x" + node.hex() for node in self.proof(account)],
                }
                for account, total_units in self.totals.items()
            ],
        }
        write_atomically(path, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    @classmethod
    def load(cls, path: Path | str) -> PayoutTree:
        """A published tree, rebuilt from its leaves. Raises PayoutTreeError unless that gives its root."""
        try:
            fields = JsonFields(orjson.loads(Path(path).read_bytes()))
            payouts = [JsonFields(row, f"payouts.{i}") for i, row in enumerate(fields.array("payouts"))]
            pairs = [(row.address("account"), row.big_integer("total")) for row in payouts]
            tree = cls.build(fields.integer("chain_id"), fields.address("vault"), pairs)
            stated = (fields.hash("root"), fields.big_integer("total"))
        except FileNotFoundError:
            raise PayoutTreeError(
                f"no payouts at {path}", hint="publish them first, or name the file"
            ) from None
        except (orjson.JSONDecodeError, OSError) as error:
            raise PayoutTreeError(f"{path} cannot be read as payouts: {error}") from None
        except FieldError as error:
            raise PayoutTreeError(f"{path} holds no payouts: {error}") from None
        computed = ("0x" + tree.root.hex(), tree.total_units)
        if stated != computed:
            raise PayoutTreeError(
                f"{path} states root {stated[0]} and total {stated[1]}, its payouts give {computed[0]} and"
                f" {computed[1]}",
                hint="the file was altered: get it again from where it was published",
            )
        return tree


def _account(address: str) -> str:
    try:
        return checksum_address(address)
    except BadAddressError as error:
        raise PayoutTreeError(error.message, hint=error.hint) from None


def claim_to_typed_data(
    chain_id: int, vault: str, *, account: str, recipient: str, total_units: int, expiry: int
) -> dict[str, Any]:
    """The EIP-712 message by which `account` lets its claim go to `recipient` until `expiry` (UNIX time)."""
    message = {
        "account": checksum_address(account),
        "recipient": checksum_address(recipient),
        "cumulativeTotal": total_units,
        "expiry": expiry,
    }
    return typed_data("chain-kit PayoutVault", chain_id, vault, _CLAIM_TO, message)
