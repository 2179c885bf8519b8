"""A chain in memory: blocks that link, logs in them, and the tricks that real chains play."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Protocol

from eth_abi.abi import encode

from chain_kit.abi_codec import load_abi
from chain_kit.units import checksum_address, keccak256
from indexer.blocks import Block, Log
from indexer.deployment import Curve, Deployment, Token
from indexer.proof.levels import Level
from indexer.steps import Forward, Head
from tests.index_support.sealing import Raw, Sealed, Transaction, seal, transactions_of

__all__ = ["CURVE", "DEPLOYMENT", "FakeChain", "Raw", "Truth", "address_of", "encode_event", "raw_event"]


def address_of(name: str) -> str:
    """A made-up address, the same for the same name; checksummed."""
    return checksum_address("0x" + keccak256(name.encode())[-20:].hex())


START_AT = 1_700_000_000


def _genesis(start_at: int, fork: str) -> Sealed:
    return seal(0, "0x" + "00" * 32, start_at, (), fork=fork)


DEPLOYMENT = Deployment(
    chain_id=31337,
    genesis_hash=_genesis(START_AT, "prague").hash,
    first_block=3,
    hub=address_of("hub"),
    oracle=address_of("oracle"),
    vault=address_of("vault"),
    collateral=Token(address_of("CYM1"), "CYM1", 18),
    payout_token=Token(address_of("USDC"), "USDC", 6),
    curves={
        "BTC": Curve(
            address=address_of("curve"),
            token=address_of("BTC-MRT"),
            pool=address_of("BTC pool"),
            lock=address_of("BTC lock"),
            staking=address_of("BTC staking"),
            target=10_000 * 10**6,
            token_name="BTC Perpetual MRT",
            token_symbol="BTC-PERP-MRT",
            block=3,
        )
    },
    races=address_of("races"),
    races_block=3,
)


CURVE = DEPLOYMENT.curves["BTC"]


@cache
def _event(contract: str, name: str) -> tuple[str, tuple[tuple[str, bool], ...]]:
    """The first topic, and of each value its type and whether it is indexed."""
    entry = next(e for e in load_abi(contract) if e["type"] == "event" and e["name"] == name)
    kinds = tuple((item["type"], item["indexed"]) for item in entry["inputs"])
    signature = f"{name}({','.join(kind for kind, _ in kinds)})"
    return "0x" + keccak256(signature.encode()).hex(), kinds


def encode_event(contract: str, name: str, values: Sequence[Any]) -> tuple[tuple[str, ...], str]:
    """Topics and data of an event, by eth_abi: values in the ABI's order, bytes32 as bytes."""
    topic, kinds = _event(contract, name)
    topics, plain = [topic], []
    for (kind, indexed), value in zip(kinds, values, strict=True):
        if indexed:
            topics.append("0x" + encode([kind], [value]).hex())
        else:
            plain.append((kind, value))
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    return tuple(topics), "0x" + data.hex()


def raw_event(contract: str, name: str, *values: Any, address: str | None = None) -> Raw:
    """An event of one of DEPLOYMENT's contracts; `address` says which token or curve."""
    addresses = {
        "EpochHub": DEPLOYMENT.hub,
        "BoundaryOracle": DEPLOYMENT.oracle,
        "PayoutVault": DEPLOYMENT.vault,
        "RaceMarket": DEPLOYMENT.races,
        "MrtCurve": CURVE.address,
        "MrtToken": CURVE.token,
        "LiquidityLock": CURVE.lock,
        "LpStaking": CURVE.staking,
        "TestToken": DEPLOYMENT.collateral.address,
    }
    topics, data = encode_event(contract, name, values)
    return Raw(str(address or addresses[contract]).lower(), topics, data)


class Truth(Protocol):
    """What the contracts answer. Raises ValueError where they revert."""

    def call(self, block: Block, to: str, data: bytes) -> bytes:
        """The result of an `eth_call` as of a block."""


@dataclass
class FakeChain:
    """Blocks 0 and up, each with a real header and real receipts. `salt` makes the hashes of another fork."""

    start_at: int = START_AT
    blocks: list[Block] = field(default_factory=list)
    logs: dict[str, list[Log]] = field(default_factory=dict)
    """By block hash; also of blocks that are no longer in the chain, as are the next two."""
    salt: int = 0
    finality: int = 2
    fork: str = "prague"
    """Whose fields the headers have."""
    deposits: bool = False
    """Whether each block begins with a deposit, as on an OP stack chain."""
    sealed: dict[str, Sealed] = field(default_factory=dict)
    known: dict[str, Block] = field(default_factory=dict)
    truth: Truth | None = None
    listeners: list[Callable[[], None]] = field(default_factory=list)
    """Called after each block that is mined."""

    def __post_init__(self) -> None:
        self._add(_genesis(self.start_at, self.fork), ())
        self.mine_empty(DEPLOYMENT.first_block - 1)

    @property
    def tip(self) -> Block:
        """The newest block."""
        return self.blocks[-1]

    @property
    def head(self) -> Head:
        """The newest block, and how far the chain is safe and final."""
        return self.head_at(self.tip.number)

    def head_at(self, number: int) -> Head:
        """The head as it was with that block."""
        return Head(self.blocks[number], max(0, number - 1), max(0, number - self.finality))

    def mine(self, *events: Raw, seconds: int = 1) -> Block:
        """A block with these logs, in transactions of one to three."""
        parent = self.tip
        number = parent.number + 1
        transactions = transactions_of(events, number, deposits=self.deposits)
        made = seal(
            number, parent.hash, parent.timestamp + seconds, transactions, salt=self.salt, fork=self.fork
        )
        block = self._add(made, transactions)
        for listener in list(self.listeners):
            listener()
        return block

    def _add(self, made: Sealed, transactions: Iterable[Transaction]) -> Block:
        header = made.header
        number, digest, timestamp = int(header["number"], 16), made.hash, int(header["timestamp"], 16)
        block = Block(number, digest, header["parentHash"], timestamp, header["receiptsRoot"])
        self.blocks.append(block)
        self.sealed[digest] = made
        self.known[digest] = block
        placed = [
            (hashed, raw)
            for hashed, transaction in zip(header["transactions"], transactions, strict=True)
            for raw in transaction.logs
        ]
        self.logs[digest] = [
            Log(number, digest, index, hashed, raw.address, raw.topics, raw.data)
            for index, (hashed, raw) in enumerate(placed)
        ]
        return block

    def mine_empty(self, count: int) -> None:
        """Blocks without logs."""
        for _ in range(count):
            self.mine()

    def rollback(self, depth: int) -> None:
        """The newest `depth` blocks are gone."""
        del self.blocks[len(self.blocks) - depth :]
        self.salt += 1

    def return_to(self, blocks: Sequence[Block]) -> None:
        """The chain is again as it once was, with these blocks."""
        self.blocks[:] = blocks
        self.salt += 1
        for listener in list(self.listeners):
            listener()

    def reorg(self, depth: int, events: Iterable[Sequence[Raw]] = ()) -> None:
        """Other blocks instead of the newest `depth`, with these events in the first of them."""
        self.rollback(depth)
        replacing = list(events)
        for number in range(depth):
            self.mine(*(replacing[number] if number < len(replacing) else ()))

    def branch(self, depth: int) -> FakeChain:
        """Another chain that has all but the newest `depth` blocks in common with this one."""
        other = replace(self, blocks=[], listeners=[], salt=self.salt + 1_000_000)
        other.blocks = self.blocks[: len(self.blocks) - depth]
        return other

    def logs_between(self, first: int, last: int) -> list[Log]:
        """The logs of a range of blocks."""
        return [log for block in self.blocks[first : last + 1] for log in self.logs[block.hash]]

    def header_json(self, block: Block) -> dict[str, Any]:
        """A block as `eth_getBlockByNumber` gives it, with what a test has changed in it since."""
        made = self.sealed.get(block.hash) or self.sealed[self.blocks[1].parent_hash]
        return made.header | {
            "number": hex(block.number),
            "hash": block.hash,
            "parentHash": block.parent_hash,
            "timestamp": hex(block.timestamp),
        }

    def forward(self, first: int, last: int | None = None) -> Forward:
        """The step over a range of blocks, as a source would give it."""
        until = self.tip.number if last is None else last
        blocks, logs = tuple(self.blocks[first : until + 1]), tuple(self.logs_between(first, until))
        return Forward(blocks, logs, self.head, "fake", Level.LINKED)
