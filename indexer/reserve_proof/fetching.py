"""Proofs asked of a node: `eth_getProof` of the slots that count, at one finalized block.

What comes is checked before it is given out, as whoever gets the file will check it, and against what the
contracts themselves answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from chain_kit.contracts import Contract
from chain_kit.errors import RpcResponseError
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.manifest import Manifest, TokenRecord
from chain_kit.payouts import PayoutTree
from chain_kit.units import checksum_address, keccak256
from indexer.proof.headers import header_rlp
from indexer.reserve_proof.document import ProofError, dump
from indexer.reserve_proof.evidence import SlotProof, Wanted, write_slots
from indexer.reserve_proof.layout import balance_layouts, balance_slot, number_slot
from indexer.reserve_proof.reserves import FORMAT, Holder, amounts, verify_reserves, wanted_slots
from indexer.reserve_proof.shares import FORMAT as SHARE_FORMAT
from indexer.reserve_proof.shares import ROOTS, Position, share_slots, verify_share
from indexer.reserve_proof.tries import account_at, header_of, minimal

__all__ = ["Deployed", "ProofUnavailableError", "prove_reserves", "prove_share"]

_HUB, _RACE, _VAULT = "EpochHub", "RaceMarket", "PayoutVault"
_MAGIC = 0x1234567890ABCDEF
_Proofs = dict[str, tuple[list[bytes], list[SlotProof]]]


class ProofUnavailableError(ProofError, hint="use a node that keeps the state of finalized blocks"):
    """The node cannot give the proofs."""


class Deployed(NamedTuple):
    """The contracts that hold something. `race` is the race market, if there is one."""

    chain_id: int
    hub: str
    vault: str
    collateral: TokenRecord
    payout_token: TokenRecord
    race: str | None = None

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> Deployed:
        """Raises ManifestInvalidError if a contract is missing."""
        race = manifest.address(_RACE) if _RACE in manifest.contracts else None
        hub, vault = manifest.address(_HUB), manifest.address(_VAULT)
        return cls(manifest.chain_id, hub, vault, manifest.collateral, manifest.payout_token, race)

    def holding(self) -> list[tuple[str, str, TokenRecord]]:
        """The contracts that hold reserves: name, address, and the token of each."""
        races = [] if self.race is None else [(_RACE, self.race, self.collateral)]
        return [(_HUB, self.hub, self.collateral), *races, (_VAULT, self.vault, self.payout_token)]


async def prove_reserves(rpc: JsonRpc, deployed: Deployed, *, at_block: int | None = None) -> bytes:
    """A file for `verify_reserves`: at the newest finalized block, or at one before it.

    Raises ProofUnavailableError if the node has no proofs or no finalized block, ProofError if what it gives
    proves nothing, and RpcError.
    """
    block = await _finalized(rpc, at_block)
    addresses = [each for _, address, token in deployed.holding() for each in (address, token.address)]
    await _require_code(rpc, addresses, block)
    holders = [
        Holder(name, address, token.address, token.symbol, token.decimals,
               await _layout(rpc, token.address, address, block))
        for name, address, token in deployed.holding()
    ]  # fmt: skip
    proofs = await _proofs(rpc, wanted_slots(holders), block)
    slots = {(address, one.slot): one.value for address, (_, found) in proofs.items() for one in found}
    reserves = amounts(holders, slots)
    body = dump(
        {
            "format": FORMAT,
            "chain_id": str(deployed.chain_id),
            "block": _block(block),
            "reserves": [
                {
                    **one.holder._asdict(),
                    "decimals": str(one.holder.decimals),
                    "reserve": str(one.held),
                    "liabilities": str(one.owed),
                }
                for one in reserves
            ],
            "accounts": write_slots(proofs),
        }
    )
    for reserve in verify_reserves(body, block["hash"]).reserves:
        contract = Contract(reserve.holder.contract, reserve.holder.address)
        held, owed, _ = await contract.call(rpc, "reserveStatus", block=block["number"])
        if (held, owed) != (reserve.held, reserve.owed):
            raise ProofError(
                f"{contract} says that it holds {held} and owes {owed}; its storage says {reserve.held} and"
                f" {reserve.owed}",
                hint="the contracts are of another version than this program",
            )
    return body


async def prove_share(
    rpc: JsonRpc,
    deployed: Deployed,
    account: str,
    epochs: Sequence[tuple[int, int]],
    tree: PayoutTree | None = None,
    *,
    at_block: int | None = None,
) -> bytes:
    """A file for `verify_share`: of the epochs (market id, epoch), and of the account's leaf in the tree.

    Raises as `prove_reserves` does.
    """
    block = await _finalized(rpc, at_block)
    account = checksum_address(account)
    hub, vault = deployed.hub, deployed.vault
    await _require_code(rpc, [hub, vault], block)
    places = sorted(set(epochs))
    proofs = await _proofs(rpc, share_slots(account, hub, vault, places), block)
    balance, *packed = (one.value for one in proofs[hub][1])
    positions = [
        Position(*place, value & (1 << 128) - 1, value >> 128)
        for place, value in zip(places, packed, strict=True)
    ]
    tokens = {"collateral": deployed.collateral, "payout": deployed.payout_token}
    body = dump(
        {
            "format": SHARE_FORMAT,
            "chain_id": str(deployed.chain_id),
            "account": account,
            "block": _block(block),
            "tokens": {
                name: {"symbol": one.symbol, "decimals": str(one.decimals)} for name, one in tokens.items()
            },
            "hub": {
                "address": hub,
                "balance": str(balance & (1 << 112) - 1),
                "positions": [{k: str(v) for k, v in one._asdict().items()} for one in positions],
            },
            "vault": {
                "address": vault,
                "claimed": str(proofs[vault][1][0].value),
                **_leaf(account, tree, {one.slot: one.value for one in proofs[vault][1]}),
            },
            "accounts": write_slots(proofs),
        }
    )
    verify_share(body, account, block["hash"])
    return body


def _leaf(account: str, tree: PayoutTree | None, slots: dict[bytes, int]) -> dict[str, Any]:
    """The account's leaf, under the root that the vault has of this tree."""
    if tree is None or account not in tree.totals:
        return {"root": "none", "total": "0", "proof": []}
    roots = {name: slots[number_slot(slot)].to_bytes(32, "big") for name, slot in ROOTS.items()}
    name = next((name for name, root in roots.items() if root == tree.root), None)
    if name is None:
        raise ProofError(
            f"the payouts' root 0x{tree.root.hex()} is not in the vault at that block",
            hint="name the payouts of its root, or wait until the block that proposes it is final",
        )
    proof = ["0x" + node.hex() for node in tree.proof(account)]
    return {"root": name, "total": str(tree.totals[account]), "proof": proof}


async def _finalized(rpc: JsonRpc, at_block: int | None) -> dict[str, Any]:
    """The header of the newest finalized block, or of one before it."""
    tag = "finalized"
    try:
        block = await rpc.call("eth_getBlockByNumber", [tag, False])
    except RpcResponseError as error:
        raise ProofUnavailableError(f"the node names no finalized block: {error.reason}") from None
    if block is None or int(block["number"], 16) == 0:
        raise ProofUnavailableError("no block is final yet", hint="wait until the chain has finalized one")
    if at_block is not None:
        newest = int(block["number"], 16)
        if at_block > newest:
            raise ProofUnavailableError(
                f"block {at_block} is not final: the newest that is, is {newest}", hint="name an older one"
            )
        block = await rpc.call("eth_getBlockByNumber", [hex(at_block), False])
        if block is None:
            raise ProofUnavailableError(f"the node has no block {at_block}")
    if "0x" + keccak256(header_rlp(block)).hex() != block["hash"]:
        raise ProofError(f"the header of block {int(block['number'], 16)} does not hash to its name",
                         hint="use another node")  # fmt: skip
    found: dict[str, Any] = block
    return found


def _block(block: dict[str, Any]) -> dict[str, str]:
    header = "0x" + header_rlp(block).hex()
    return {"number": str(int(block["number"], 16)), "hash": block["hash"], "header": header}


async def _require_code(rpc: JsonRpc, addresses: Sequence[str], block: dict[str, Any]) -> None:
    """That contracts stand at these addresses as of a block."""
    calls: list[Call] = [("eth_getCode", [address, block["number"]]) for address in addresses]
    for address, code in zip(addresses, await rpc.batch_settled(calls), strict=True):
        number = int(block["number"], 16)
        if isinstance(code, RpcResponseError):
            raise ProofUnavailableError(f"the node has no state of block {number}: {code.reason}")
        if code == "0x":
            raise ProofUnavailableError(
                f"there is no contract at {address} in block {number}",
                hint="wait until the block that deploys it is final",
            )


async def _layout(rpc: JsonRpc, token: str, holder: str, block: dict[str, Any]) -> str:
    """Where a token keeps its balances: the slot that, were it another number, would change the balance."""
    contract = Contract("TestToken", token)
    method, (call, number) = contract.request("balanceOf", holder, block=block["number"])
    layouts = balance_layouts()
    calls: list[Call] = []
    for layout in layouts:
        slot = balance_slot(layout, holder)
        assert slot is not None
        changed = {"stateDiff": {"0x" + slot.hex(): f"0x{_MAGIC:064x}"}}
        calls.append((method, [call, number, {token: changed}]))
    for first in range(0, len(calls), 10):
        answers = await rpc.batch_settled(calls[first : first + 10])
        for layout, answer in zip(layouts[first:], answers, strict=False):
            if isinstance(answer, str) and answer != "0x" and int(answer, 16) == _MAGIC:
                return layout
        if isinstance(answers[0], RpcResponseError):
            raise ProofUnavailableError(f"the node cannot be asked for balances: {answers[0].reason}")
    raise ProofError(
        f"no layout that is known gives the balances of {token}",
        hint="its reserve cannot be proven like this",
    )


async def _proofs(rpc: JsonRpc, wanted: Wanted, block: dict[str, Any]) -> _Proofs:
    number = block["number"]
    calls: list[Call] = [
        ("eth_getProof", [address, ["0x" + slot.hex() for slot in slots], number])
        for address, slots in wanted.items()
    ]
    header = header_of(header_rlp(block))
    found: _Proofs = {}
    for (address, slots), answer in zip(wanted.items(), await rpc.batch_settled(calls), strict=True):
        if isinstance(answer, RpcResponseError):
            raise ProofUnavailableError(f"the node gives no proofs of block {header.number}: {answer.reason}")
        try:
            nodes = minimal(header.state_root, bytes.fromhex(address[2:]), _nodes(answer["accountProof"]))
            account = account_at(header, address, nodes)
            proofs = [
                SlotProof(
                    slot, int(one["value"], 16), minimal(account.storage_root, slot, _nodes(one["proof"]))
                )
                for slot, one in zip(slots, answer["storageProof"], strict=True)
            ]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ProofUnavailableError(f"the node's proofs are malformed: {error!r}") from None
        found[address] = (nodes, proofs)
    return found


def _nodes(proof: Sequence[str]) -> list[bytes]:
    return list(dict.fromkeys(bytes.fromhex(node[2:]) for node in proof))
