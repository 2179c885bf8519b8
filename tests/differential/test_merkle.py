from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from Crypto.Hash import keccak

from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.payouts import PayoutTree
from tests.differential.harness import BATCH, CASES, SEED, Harness, chain
from tests.keeper_support.kit import Kit

CHAIN_ID = 31337
REFUSED = 2**256 - 1
TOTAL_MAX = 2**128 - 1


class Tree:
    """A tree as OpenZeppelin publishes them: a heap that ends with the leaves, the least of them last."""

    def __init__(self, vault: str, payouts: list[tuple[str, int]]) -> None:
        leaves = {leaf(vault, account, total): (account, total) for account, total in payouts}
        self._leaves = sorted(leaves)
        self._nodes: dict[int, bytes] = {}
        self.claims = [(*leaves[one], self._proof(one)) for one in self._leaves]

    @property
    def root(self) -> bytes:
        """The first node."""
        return self._node(0)

    def _node(self, place: int) -> bytes:
        from_the_end = 2 * len(self._leaves) - 2 - place
        if from_the_end < len(self._leaves):
            return self._leaves[from_the_end]
        if place not in self._nodes:
            children = sorted((self._node(2 * place + 1), self._node(2 * place + 2)))
            self._nodes[place] = digest(b"".join(children))
        return self._nodes[place]

    def _proof(self, one: bytes) -> list[bytes]:
        """The siblings on the way up: odd places are left children."""
        place = 2 * len(self._leaves) - 2 - self._leaves.index(one)
        way = []
        while place:
            way.append(place + 1 if place % 2 else place - 1)
            place = (place - 1) // 2
        return [self._node(sibling) for sibling in way]


def digest(data: bytes) -> bytes:
    """keccak256."""
    return keccak.new(data=data, digest_bits=256).digest()


def leaf(vault: str, account: str, total: int) -> bytes:
    """Chain, vault, account and total, hashed twice."""
    words = (CHAIN_ID, int(vault, 16), int(account, 16), total)
    return digest(digest(b"".join(word.to_bytes(32, "big") for word in words)))


def groups() -> Iterator[list[tuple[str, int]]]:
    """Accounts with totals, in trees of every small size first, then of any up to 400."""
    source = random.Random(SEED)
    left, sizes = CASES, list(range(1, 34))
    while left:
        size = min(left, sizes.pop(0) if sizes else source.randint(34, 400))
        left -= size
        # The totals of all trees grow, as the vault demands, and stay within what it counts in.
        accounts = {f"0x{source.randbytes(20).hex()}" for _ in range(size)}
        yield [(account, source.getrandbits(source.randint(1, 100)) + 1) for account in sorted(accounts)]


@pytest.fixture(scope="module")
def payouts() -> list[list[tuple[str, int]]]:
    """All trees' accounts and totals."""
    return list(groups())


async def test_leaves(payouts: list[list[tuple[str, int]]]) -> None:
    """The vault's leaves are the design's, extremes included."""
    pairs = [pair for group in payouts for pair in group]
    edges = [(f"0x{'00' * 20}", 0), (f"0x{'ff' * 20}", 2**256 - 1), (f"0x{'00' * 19}01", TOTAL_MAX)]
    pairs = edges + pairs[: CASES - len(edges)]
    async with chain() as anvil:
        kit = await Kit.deploy(anvil)
        harness = await Harness.deploy(anvil)
        wrong = []
        for first in range(0, len(pairs), BATCH):
            part = pairs[first : first + BATCH]
            columns = [list(column) for column in zip(*part, strict=True)]
            answers = await harness.ask(
                "leaves(address,address[],uint256[])", "bytes32", [kit.vault.address, *columns]
            )
            wrong += [
                pair
                for pair, answer in zip(part, answers, strict=True)
                if answer != leaf(kit.vault.address, *pair)
            ]

    assert wrong == []
    assert len(pairs) == CASES


async def test_trees(payouts: list[list[tuple[str, int]]]) -> None:
    """The vault pays every leaf of every tree by the proof made here, and refuses each with one bit changed.

    The kit's own trees have the same roots and proofs.
    """
    async with chain() as anvil:
        kit = await Kit.deploy(anvil)
        harness = await Harness.deploy(anvil)
        await kit.send(ANVIL_ADDRESSES[0], kit.usdc, "mint", kit.vault.address, 2**127)
        stated = 0
        for group in payouts:
            tree = Tree(kit.vault.address, group)
            ours = PayoutTree.build(CHAIN_ID, kit.vault.address, group)
            assert ours.root == tree.root
            stated = max(stated, ours.total_units)
            await _activate(kit, tree.root, stated)
            proofs = [(ours.proof(account), tuple(proof)) for account, _, proof in tree.claims]
            assert [theirs for theirs, _ in proofs] == [proof for _, proof in proofs]
            false = [_with_one_bit_changed(claim) for claim in tree.claims]
            paid = await _claim(harness, kit, tree.claims + false)

            assert paid == [total for _, total, _ in tree.claims] + [REFUSED] * len(false)


async def test_the_largest_total() -> None:
    """A tree of one leaf of 2^128 - 1, the most that the vault counts, is paid in full."""
    account = f"0x{'ff' * 20}"
    async with chain() as anvil:
        kit = await Kit.deploy(anvil)
        harness = await Harness.deploy(anvil)
        await kit.send(ANVIL_ADDRESSES[0], kit.usdc, "mint", kit.vault.address, TOTAL_MAX)
        await _activate(kit, leaf(kit.vault.address, account, TOTAL_MAX), TOTAL_MAX)

        assert await _claim(harness, kit, [(account, TOTAL_MAX, [])]) == [TOTAL_MAX]


async def _activate(kit: Kit, root: bytes, total: int) -> None:
    owner = ANVIL_ADDRESSES[0]
    await kit.send(owner, kit.vault, "proposeRoot", root, total, "")
    await kit.move_to(await kit.anvil.timestamp() + await kit.ask(kit.vault, "rootDelay"))
    await kit.send(owner, kit.vault, "activateRoot")


async def _claim(harness: Harness, kit: Kit, claims: list[tuple[str, int, list[bytes]]]) -> list[int]:
    """What the claims pay, each on its own: nothing of an eth_call stays."""
    signature = "claim(address,(address,uint256,bytes32[])[])"
    paid: list[int] = []
    for first in range(0, len(claims), BATCH):
        paid += await harness.ask(signature, "uint256", [kit.vault.address, claims[first : first + BATCH]])
    return paid


def _with_one_bit_changed(claim: tuple[str, int, list[bytes]]) -> tuple[str, int, list[bytes]]:
    """Another account, total or proof, by turns."""
    account, total, proof = claim
    place = total % (3 if proof else 2)
    if place == 0:
        return f"0x{int(account, 16) ^ 1:040x}", total, proof
    if place == 1:
        return account, total + 2**120, proof
    return account, total, [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
