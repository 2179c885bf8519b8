"""Gas of whole transactions beside those of the peers, on one anvil and with the same tokens.

    python -m tests.benchmarks.peers      measures and writes peers.json

The peers are what their authors publish on npm, bytecode included: Gnosis' conditional tokens 1.0.3, on
which a binary condition stands for an epoch, and Uniswap's Merkle distributor 1.0.1, with a tree of a
hundred accounts. The hub also works from a balance that it holds for the account, which the conditional
tokens do not; beside them it is given collateral from the wallet, and pays it back there. A distributor
pays an account once: the second payment comes from a second one, which somebody has had to deploy. It notes
256 accounts in one word, and the first of them to come pays for it; the vault keeps a total for each
account.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eth_abi.abi import encode

from chain_kit import toolchain
from chain_kit.devnet import Anvil
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import BoundaryPrice, sign_report
from chain_kit.payouts import PayoutTree
from chain_kit.units import keccak256
from tests.keeper_support.kit import FEED, OWNER, ROOT_DELAY, START, UNIT, Kit, quorum, transact

SNAPSHOT = Path(__file__).with_name("peers.json")
CONDITIONAL_TOKENS = "@gnosis.pm/conditional-tokens-contracts/build/contracts/ConditionalTokens.json"
DISTRIBUTOR = "@uniswap/merkle-distributor/build/MerkleDistributor.json"
FOREVER = 2**256 - 1
ACCOUNTS = 100
SETS = [1, 2]
"""The index sets of a binary condition: each outcome alone."""
CLAIMS = (
    ("Merkle claim, an account's first", "Merkle claim, an account's first, its 256 begun"),
    ("Merkle claim, repeat", "Merkle claim, repeat, its 256 begun"),
)
"""An account's first and second claim; where it is the distributor's first of 256, and where it is not."""
DEARER = [*CLAIMS[0], CLAIMS[1][1]]
"""Where the peer costs less: a word for each account's total is what lets one vault pay for ever."""


async def measure() -> dict[str, dict[str, int]]:
    """The gas of each action, ours and the peer's, in the order in which the table shows them."""
    async with Anvil(timestamp=START - 60) as anvil:
        meter = _Meter(await Kit.deploy(anvil))
        await meter.hub()
        await meter.conditional_tokens()
        await meter.vault()
        await meter.distributor()
        return meter.gas


class _Meter:
    """Acts on fresh deployments and notes what each transaction used."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.gas: dict[str, dict[str, int]] = {}
        self.trader, self.claimer = ANVIL_ADDRESSES[4], ANVIL_ADDRESSES[8]

    def _note(self, action: str, whose: str, receipt: dict[str, Any]) -> None:
        self.gas.setdefault(action, {})[whose] = int(receipt["gasUsed"], 16)

    async def _send(self, sender: str, to: str, signature: str, *arguments: Any) -> dict[str, Any]:
        data = "0x" + _call(signature, arguments).hex()
        return await transact(self.kit.anvil, {"from": sender, "to": to, "data": data})

    async def _deploy(self, artifact: str, arguments: bytes = b"") -> str:
        file = toolchain.root() / "node_modules" / artifact
        code = json.loads(file.read_text())["bytecode"].removeprefix("0x")
        receipt = await transact(self.kit.anvil, {"from": OWNER, "data": "0x" + code + arguments.hex()})
        return str(receipt["contractAddress"])

    async def hub(self) -> None:
        """Complete sets of an epoch, from the wallet and from the balance in the hub, and a redemption."""
        kit, trader = self.kit, self.trader
        deposit = _call("deposit(address,uint256)", (trader, UNIT))
        split = _call("split(uint256,uint256,uint256)", (1, 1, UNIT))
        merge = _call("merge(uint256,uint256,uint256)", (1, 1, UNIT))
        withdraw = _call("withdraw(address,uint256)", (trader, UNIT))
        await self._equip(trader, kit.hub.address)
        # Somebody else has been there before: what is measured is an account's first time, not the epoch's.
        await kit.split(ANVIL_ADDRESSES[1], 1)
        for action in ("split, an account's first", "split, repeat"):
            self._note(action, "ours", await kit.send(trader, kit.hub, "multicall", [deposit, split]))
        self._note("merge", "ours", await kit.send(trader, kit.hub, "multicall", [merge, withdraw]))
        await kit.send(trader, kit.hub, "deposit", trader, 3 * UNIT)
        inside = "within the hub's balance"
        self._note(f"split, repeat, {inside}", "ours", await kit.send(trader, kit.hub, "split", 1, 1, UNIT))
        self._note(f"merge, {inside}", "ours", await kit.send(trader, kit.hub, "merge", 1, 1, UNIT))
        await self._resolve()
        self._note("redeem", "ours", await kit.send(trader, kit.hub, "redeem", 1, [1]))

    async def _equip(self, account: str, spender: str) -> None:
        await self.kit.send(OWNER, self.kit.collateral, "mint", account, 100 * UNIT)
        await self.kit.send(account, self.kit.collateral, "approve", spender, FOREVER)

    async def _resolve(self) -> None:
        kit = self.kit
        ends = (kit.genesis, kit.genesis + 300)
        prices = [BoundaryPrice(FEED, at, (40_000 + number) * UNIT) for number, at in enumerate(ends)]
        await kit.move_to(ends[1])
        report = sign_report(await kit.anvil.rpc.chain_id(), kit.adapter.address, prices, quorum()[:2])
        await kit.send(OWNER, kit.oracle, "post", kit.adapter.address, report)

    async def conditional_tokens(self) -> None:
        """The same of a binary condition."""
        kit, trader = self.kit, self.trader
        peer = await self._deploy(CONDITIONAL_TOKENS)
        question = keccak256(b"BTC, epoch 1")
        await self._send(OWNER, peer, "prepareCondition(address,bytes32,uint256)", OWNER, question, 2)
        condition = keccak256(bytes.fromhex(OWNER[2:]) + question + (2).to_bytes(32, "big"))
        token, nothing = kit.collateral.address, bytes(32)
        fields = "(address,bytes32,bytes32,uint256[],uint256)"
        for account in (ANVIL_ADDRESSES[1], trader):
            await self._equip(account, peer)
        sets = (token, nothing, condition, SETS, UNIT)
        await self._send(ANVIL_ADDRESSES[1], peer, f"splitPosition{fields}", *sets)
        for action in ("split, an account's first", "split, repeat"):
            self._note(action, "peer", await self._send(trader, peer, f"splitPosition{fields}", *sets))
        self._note("merge", "peer", await self._send(trader, peer, f"mergePositions{fields}", *sets))
        await self._send(OWNER, peer, "reportPayouts(bytes32,uint256[])", question, [1, 0])
        redeem = "redeemPositions(address,bytes32,bytes32,uint256[])"
        self._note("redeem", "peer", await self._send(trader, peer, redeem, token, nothing, condition, SETS))

    async def vault(self) -> None:
        """An account's first and second claim; anybody sends them."""
        kit = self.kit
        chain_id = await kit.anvil.rpc.chain_id()
        for number, actions in enumerate(CLAIMS, start=1):
            total = number * 10**6
            tree = PayoutTree.build(chain_id, kit.vault.address, [(one, total) for one in self._claimers()])
            await kit.send(OWNER, kit.vault, "proposeRoot", tree.root, tree.total_units, "")
            await kit.move_to(await kit.anvil.timestamp() + ROOT_DELAY)
            await kit.send(OWNER, kit.vault, "activateRoot")
            # Somebody else has claimed before.
            for account in (self._claimers()[-1], self.claimer):
                proof = tree.proof(account)
                receipt = await kit.send(OWNER, kit.vault, "claim", account, total, proof)
            for action in actions:
                self._note(action, "ours", receipt)

    async def distributor(self) -> None:
        """The same from two distributors, to accounts that the vault has not paid."""
        token, amount = self.kit.usdc.address, 10**6
        claimers = [*ANVIL_ADDRESSES[6:8], *self._claimers()[2:]]
        leaves = [
            keccak256(index.to_bytes(32, "big") + bytes.fromhex(account[2:]) + amount.to_bytes(32, "big"))
            for index, account in enumerate(claimers)
        ]
        levels = _levels(leaves)
        for actions in CLAIMS:
            peer = await self._deploy(DISTRIBUTOR, encode(["address", "bytes32"], [token, levels[-1][0]]))
            await self.kit.send(OWNER, self.kit.usdc, "mint", peer, ACCOUNTS * amount)
            for index, action in enumerate(actions):
                arguments = (index, claimers[index], amount, _proof(levels, index))
                receipt = await self._send(
                    OWNER, peer, "claim(uint256,address,uint256,bytes32[])", *arguments
                )
                self._note(action, "peer", receipt)

    def _claimers(self) -> list[str]:
        return [self.claimer, *(f"0x{number:040x}" for number in range(1, ACCOUNTS))]


def _call(signature: str, arguments: Sequence[Any]) -> bytes:
    types = signature[signature.index("(") + 1 : -1].split(",")
    return keccak256(signature.encode())[:4] + encode(types, arguments)


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """The tree's hashes from the leaves to the root; a node without a sibling moves up as it is."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        pairs = [sorted(levels[-1][place : place + 2]) for place in range(0, len(levels[-1]), 2)]
        levels.append([keccak256(b"".join(pair)) if len(pair) == 2 else pair[0] for pair in pairs])
    return levels


def _proof(levels: list[list[bytes]], index: int) -> list[bytes]:
    places = [(level, (index >> height) ^ 1) for height, level in enumerate(levels)]
    return [level[place] for level, place in places if place < len(level)]


def table(gas: dict[str, dict[str, int]]) -> str:
    """The figures as a Markdown table: ours, the peer's, and ours as a part of it."""
    lines = ["| action | chain-kit | peer | of it |", "|---|---:|---:|---:|"]
    for action, used in gas.items():
        peer = used.get("peer")
        beside = f"{peer:,} | {100 * used['ours'] // peer} %" if peer is not None else " | "
        lines.append(f"| {action} | {used['ours']:,} | {beside} |")
    return "\n".join(lines)


def main() -> None:
    """Measures, writes the snapshot and prints the table."""
    gas = asyncio.run(measure())
    SNAPSHOT.write_text(json.dumps(gas, indent=2) + "\n", encoding="utf-8")
    print(table(gas))  # noqa: T201


if __name__ == "__main__":
    main()
