"""A synthetic chain of any length: the model world's logs in blocks whose headers hash and link.

    python -m tests.benchmarks.index_synthetic FOLDER EVENTS

Headers have real blooms; the receipts' root is made up, since nothing but a proof of receipts asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from chain_kit.manifest import ContractRecord, Manifest, MarketRecord, TokenRecord
from chain_kit.units import checksum_address, keccak256
from indexer.deployment import Deployment
from indexer.proof.bloom import bits_of
from indexer.proof.headers import header_hash
from tests.benchmarks.index_chain import Recorder
from tests.benchmarks.index_deploy import feed_record
from tests.benchmarks.index_world import EPOCH, Plan, World
from tests.benchmarks.index_world_logs import RawLog

__all__ = ["write_chain"]

CHAIN_ID = 31337
START = 1_700_000_100
CURVES = ("M1", "M2", "M3", "M4")
FIRST_BLOCK = 2
CODE = "0x60006000"
_ZEROS = "0x" + "0" * 64
_NO_HASH = "0x" + "11" * 32
_MOST_BITS = 100_000


def _address(name: str) -> str:
    return checksum_address("0x" + keccak256(name.encode())[-20:].hex())


def _contract(name: str) -> ContractRecord:
    code_hash = "0x" + keccak256(bytes.fromhex(CODE[2:])).hex()
    terms = (["MRT", "MRT", "", str(10**15)],) if name.startswith("MrtCurve:") else ()
    return ContractRecord(name, _address(name), _NO_HASH, FIRST_BLOCK, terms, code_hash)


def _market(number: int, symbol: str) -> MarketRecord:
    beside = [_address(f"{what} of {symbol}") for what in ("facade", "pool", "lock", "staking")]
    record = (symbol, number, beside[0], f"{symbol}/USD", 0, 1, 10_000, 100, 100, _NO_HASH, FIRST_BLOCK)
    return MarketRecord(*record, *beside[1:])


def _manifest(genesis_hash: str) -> Manifest:
    names = ["EpochHub", "BoundaryOracle", "PayoutVault"]
    names += [f"{kind}:{symbol}" for kind in ("MrtCurve", "MrtToken") for symbol in CURVES]
    return Manifest(
        chain_id=CHAIN_ID,
        genesis_hash=genesis_hash,
        settings_hash=_ZEROS,
        collateral=TokenRecord(_address("CYM1"), "CYM1", 18),
        payout_token=TokenRecord(_address("USDC"), "USDC", 6),
        contracts={name: _contract(name) for name in names},
        feeds={f"{symbol}/USD": feed_record(f"{symbol}/USD", _address("adapter")) for symbol in CURVES},
        markets={symbol: _market(number, symbol) for number, symbol in enumerate(CURVES, 1)},
    )


_SAME = {
    "sha3Uncles": "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347",
    "miner": "0x" + "0" * 40,
    "stateRoot": _ZEROS,
    "transactionsRoot": _ZEROS,
    "difficulty": "0x0",
    "gasLimit": "0x3938700",
    "extraData": "0x",
    "mixHash": _ZEROS,
    "nonce": "0x0000000000000000",
    "baseFeePerGas": "0x7",
    "withdrawalsRoot": "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421",
    "blobGasUsed": "0x0",
    "excessBlobGas": "0x0",
    "parentBeaconBlockRoot": _ZEROS,
    "requestsHash": "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "uncles": [],
    "size": "0x400",
}


class _Miner:
    """Makes blocks on top of each other."""

    def __init__(self) -> None:
        self.number, self.parent = 0, _ZEROS
        self._next_log = 0
        self._bits: dict[str, int] = {}

    def mine(self, timestamp: int, txs: Sequence[Sequence[RawLog]]) -> tuple[dict[str, Any], list[bytes]]:
        """A block's header, and its logs as a node sends them."""
        number = f"{self.number:#x}"
        hashes = ["0x" + keccak256(f"{self.number}/{n}".encode()).hex() for n in range(len(txs))]
        bloom = self._bloom(log for tx in txs for log in tx)
        header = {
            "number": number, "parentHash": self.parent, "timestamp": f"{timestamp:#x}",
            "logsBloom": f"0x{bloom:0512x}", "gasUsed": f"{60_000 * len(txs):#x}", "transactions": hashes,
            "receiptsRoot": "0x" + keccak256(f"receipts {self.number}".encode()).hex(), **_SAME,
        }  # fmt: skip
        digest = header_hash(header)
        self._next_log = 0
        block = f'"blockHash":"{digest}","blockNumber":"{number}","blockTimestamp":"{timestamp:#x}"'
        logs = [
            body
            for place, (tx_hash, tx) in enumerate(zip(hashes, txs, strict=True))
            for body in self._bodies(
                f'{block},"transactionHash":"{tx_hash}","transactionIndex":"{place:#x}"', tx
            )
        ]
        self.number, self.parent = self.number + 1, digest
        return {"hash": digest, **header}, logs

    def _bodies(self, shared: str, tx: Sequence[RawLog]) -> Iterator[bytes]:
        for address, topics, data in tx:
            quoted = '","'.join(topics)
            body = f'{{"address":"{address}","topics":["{quoted}"],"data":"{data}",'
            yield f'{body}{shared},"logIndex":"{self._next_log:#x}","removed":false}}'.encode()
            self._next_log += 1

    def _bloom(self, logs: Iterable[RawLog]) -> int:
        bloom, known = 0, self._bits
        if len(known) > _MOST_BITS:
            known.clear()
        for address, topics, _ in logs:
            for value in (address, *topics):
                bits = known.get(value)
                if bits is None:
                    bits = known[value] = bits_of(bytes.fromhex(value[2:]))
                bloom |= bits
        return bloom


def write_chain(folder: Path, events: int, plan: Plan | None = None) -> int:
    """Records a chain of at least that many events; how many there are."""
    plan = plan or Plan()
    miner = _Miner()
    genesis, _ = miner.mine(START, [])
    manifest = _manifest(genesis["hash"])
    deployment = Deployment.from_manifest(manifest)
    world = World(deployment, plan, (START // EPOCH + 1) * EPOCH)
    count, now = 0, START
    with Recorder(folder, deployment) as recorder:
        recorder.add(orjson.dumps(genesis), [])
        while count < events:
            now += plan.block_seconds
            txs = [] if miner.number < FIRST_BLOCK else world.block(now)
            if miner.number == FIRST_BLOCK:
                txs = [*world.set_up(), *txs]
            header, bodies = miner.mine(now, txs)
            logs = (log for tx in txs for log in tx)
            classes = [recorder.class_of(log[0], log[1]) for log in logs]
            recorder.add(orjson.dumps(header), zip(classes, bodies, strict=True))
            count += len(bodies)
        codes = {record.address.lower(): CODE for record in manifest.contracts.values()}
        manifest.save(folder / "manifest.json")
        recorder.finish(codes=codes)
    return count


def main() -> None:
    """Records one, and says how long it is."""
    print(write_chain(Path(sys.argv[1]), int(sys.argv[2])))  # noqa: T201


if __name__ == "__main__":
    main()
