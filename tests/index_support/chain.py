"""A chain in memory: blocks that link, logs in them, and the tricks that real chains play."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode

from chain_kit.abi_codec import load_abi
from chain_kit.units import checksum_address, keccak256
from indexer.blocks import Block, Log
from indexer.deployment import Deployment, Token
from indexer.steps import Forward, Head

__all__ = ["DEPLOYMENT", "FakeChain", "Raw", "address_of", "encode_event", "raw_event"]


def address_of(name: str) -> str:
    """A made-up address, the same for the same name; checksummed."""
    return checksum_address("0x" + keccak256(name.encode())[-20:].hex())


DEPLOYMENT = Deployment(
    chain_id=31337,
    genesis_hash="0x" + keccak256(b"genesis").hex(),
    first_block=3,
    hub=address_of("hub"),
    oracle=address_of("oracle"),
    vault=address_of("vault"),
    collateral=Token(address_of("CYM1"), "CYM1", 18),
    payout_token=Token(address_of("USDC"), "USDC", 6),
    curves={"BTC": address_of("curve")},
)


@dataclass(frozen=True)
class Raw:
    """A log before it is in a block."""

    address: str
    topics: tuple[str, ...]
    data: str


def _word(kind: str, value: Any) -> str:
    return "0x" + encode([kind], [value]).hex()


def encode_event(contract: str, name: str, values: Sequence[Any]) -> tuple[tuple[str, ...], str]:
    """Topics and data of an event, by eth_abi: values in the ABI's order, bytes32 as bytes."""
    entry = next(e for e in load_abi(contract) if e["type"] == "event" and e["name"] == name)
    kinds = [item["type"] for item in entry["inputs"]]
    topics = ["0x" + keccak256(f"{name}({','.join(kinds)})".encode()).hex()]
    plain: list[tuple[str, Any]] = []
    for item, value in zip(entry["inputs"], values, strict=True):
        if item["indexed"]:
            topics.append(_word(item["type"], value))
        else:
            plain.append((item["type"], value))
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    return tuple(topics), "0x" + data.hex()


def raw_event(contract: str, name: str, *values: Any, address: str | None = None) -> Raw:
    """An event of one of DEPLOYMENT's contracts; `address` says which token or curve."""
    addresses = {
        "EpochHub": DEPLOYMENT.hub,
        "BoundaryOracle": DEPLOYMENT.oracle,
        "PayoutVault": DEPLOYMENT.vault,
        "MrtCurve": DEPLOYMENT.curves["BTC"],
        "TestToken": DEPLOYMENT.collateral.address,
    }
    topics, data = encode_event(contract, name, values)
    return Raw((address or addresses[contract]).lower(), topics, data)


@dataclass
class FakeChain:
    """Blocks 0 and up. `salt` makes the hashes of another fork."""

    start_at: int = 1_700_000_000
    blocks: list[Block] = field(default_factory=list)
    logs: dict[str, list[Log]] = field(default_factory=dict)
    """By block hash; also of blocks that are no longer in the chain."""
    salt: int = 0
    finality: int = 2

    def __post_init__(self) -> None:
        self.blocks.append(Block(0, DEPLOYMENT.genesis_hash, "0x" + "00" * 32, self.start_at))
        self.logs[DEPLOYMENT.genesis_hash] = []
        self.mine_empty(DEPLOYMENT.first_block - 1)

    @property
    def tip(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    @property
    def head(self) -> Head:
        """The newest block, and how far the chain is safe and final."""
        number = self.tip.number
        return Head(self.tip, max(0, number - 1), max(0, number - self.finality))

    def mine(self, *events: Raw, seconds: int = 1) -> Block:
        """A block with these logs."""
        parent = self.tip
        seed = f"{parent.hash}/{self.salt}/{len(events)}/{seconds}"
        digest = "0x" + keccak256(seed.encode()).hex()
        block = Block(parent.number + 1, digest, parent.hash, parent.timestamp + seconds)
        self.blocks.append(block)
        self.logs[digest] = [
            Log(
                block.number, digest, index, "0x" + keccak256(f"{digest}{index}".encode()).hex(),
                raw.address, raw.topics, raw.data,
            )
            for index, raw in enumerate(events)
        ]  # fmt: skip
        return block

    def mine_empty(self, count: int) -> None:
        """Blocks without logs."""
        for _ in range(count):
            self.mine()

    def rollback(self, depth: int) -> None:
        """The newest `depth` blocks are gone."""
        del self.blocks[len(self.blocks) - depth :]
        self.salt += 1

    def reorg(self, depth: int, events: Iterable[Sequence[Raw]] = ()) -> None:
        """Other blocks instead of the newest `depth`, with these events in the first of them."""
        self.rollback(depth)
        replacing = list(events)
        for number in range(depth):
            self.mine(*(replacing[number] if number < len(replacing) else ()))

    def logs_between(self, first: int, last: int) -> list[Log]:
        """The logs of a range of blocks."""
        return [log for block in self.blocks[first : last + 1] for log in self.logs[block.hash]]

    def forward(self, first: int, last: int | None = None) -> Forward:
        """The step over a range of blocks, as a source would give it."""
        until = self.tip.number if last is None else last
        return Forward(
            tuple(self.blocks[first : until + 1]), tuple(self.logs_between(first, until)), self.head
        )
