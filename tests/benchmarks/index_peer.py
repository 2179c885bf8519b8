"""A peer: web3.py's `get_logs`, its own decoder, and an ORM, committed every 1,000 blocks.

    python -m tests.benchmarks.index_peer URL RECORDING_FACTS DATABASE

What one writes with the usual libraries in an afternoon: an object for each event, decoded by the ABI.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from web3 import HTTPProvider, Web3
from web3._utils.events import get_event_data

from chain_kit.abi_codec import load_abi
from chain_kit.units import keccak256

__all__: list[str] = []

SPAN, COMMIT_BLOCKS = 100, 1_000


class Base(DeclarativeBase):
    """The peer's tables."""


class LogRow(Base):
    """An event."""

    __tablename__ = "log"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    block: Mapped[int]
    tx: Mapped[str]
    address: Mapped[str]
    name: Mapped[str]
    args: Mapped[str]


def events_of() -> dict[str, Any]:
    """Topic 0 -> the event's ABI. The hub's Transfer and the token's differ in it."""
    found: dict[str, Any] = {}
    for contract in ("EpochHub", "BoundaryOracle", "PayoutVault", "MrtCurve", "TestToken"):
        for entry in load_abi(contract):
            if entry["type"] == "event":
                kinds = ",".join(item["type"] for item in entry["inputs"])
                found["0x" + keccak256(f"{entry['name']}({kinds})".encode()).hex()] = {
                    "anonymous": False,
                    **entry,
                }
    return found


def read(web3: Web3, session: Session, facts: dict[str, Any]) -> None:
    """All of it, in ranges."""
    addresses = [Web3.to_checksum_address(address) for address in facts["addresses"]]
    events, head = events_of(), facts["head"]
    for first in range(0, head + 1, SPAN):
        last = min(head, first + SPAN - 1)
        logs = web3.eth.get_logs({"address": addresses, "fromBlock": first, "toBlock": last})
        for log in logs:
            decoded = get_event_data(web3.codec, events[Web3.to_hex(log["topics"][0])], log)
            row = LogRow(
                id=log["blockNumber"] << 32 | log["logIndex"],
                block=log["blockNumber"],
                tx=Web3.to_hex(log["transactionHash"]),
                address=log["address"],
                name=decoded["event"],
                args=str(dict(decoded["args"])),
            )
            session.add(row)
        if (last + 1) % COMMIT_BLOCKS == 0 or last == head:
            session.commit()


def main() -> None:
    """Reads it into a fresh database."""
    url, facts_path, database = sys.argv[1:]
    engine = create_engine(f"sqlite:///{database}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        read(Web3(HTTPProvider(url)), session, orjson.loads(Path(facts_path).read_bytes()))


if __name__ == "__main__":
    main()
