"""Every stored row, recomputed from the chain's own logs.

Headers and logs are fetched again from the deployment's first block on, and go through the same decoder and
ledger, into sums that begin empty. Each row that this gives must be in the database, and no other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from indexer import events as ev
from indexer.accounts import COLLATERAL, FEES, SIDES, ZERO_ADDRESS, EpochNames, Key, epoch_names
from indexer.accounts_race import RACE_COLLATERAL, book_names
from indexer.blocks import Block, Log, first_after, pack_position
from indexer.decode import Decoder
from indexer.deployment import Deployment
from indexer.ledger import Book
from indexer.models import (
    AccountRow,
    AssetRow,
    BlockRow,
    BoundaryRow,
    ChangeRow,
    CursorRow,
    DealRow,
    EntryRow,
    EventRow,
    FeedRow,
    HoldingRow,
    KindRow,
    MarketRow,
    MetaRow,
    RaceRow,
    table_of,
)
from indexer.numbering import NOTHING_STORED, Numbering
from indexer.race_state import Race
from indexer.report import Findings
from indexer.rows import Rows, as_records, block_rows, entry_rows, event_rows, record_rows
from indexer.rpc import ChainRpc
from indexer.source import InconsistentChainError
from indexer.state import Market, State

__all__ = ["Audit"]

# Model -> (the column that places a row in the chain, whether it holds a block or a position).
_PLACED: dict[type[Any], tuple[str, bool]] = {
    BlockRow: ("number", True),
    EventRow: ("position", False),
    MarketRow: ("position", False),
    FeedRow: ("position", False),
    BoundaryRow: ("position", False),
    RaceRow: ("position", False),
    DealRow: ("position", False),
    KindRow: ("opened_at", True),
    AccountRow: ("opened_at", True),
    AssetRow: ("opened_at", True),
    HoldingRow: ("opened_at", True),
    EntryRow: ("block", True),
    ChangeRow: ("block", True),
}


class Audit:
    """Compares the database behind `connection` with the chain, up to `block`."""

    def __init__(
        self,
        connection: AsyncConnection,
        rpc: ChainRpc,
        deployment: Deployment,
        block: Block,
        findings: Findings,
    ) -> None:
        self._connection = connection
        self._rpc = rpc
        self._deployment = deployment
        self._block = block
        self._findings = findings
        self._decoder = Decoder(deployment)
        self._numbering = Numbering({}, 0, 0, 0)
        self._book = Book(deployment.holders, self._numbering.holdings)
        self._minted: Counter[Key] = Counter()
        self._markets: dict[int, Market] = {}
        self._races: dict[int, Race] = {}
        self._deadlines: dict[str, int] = {}
        self._boundaries: dict[tuple[str, int], int | None] = {}

    async def run(self) -> State:
        """Compares everything and returns the state of the chain at that block number. Raises RpcError."""
        await self._check_meta()
        first = self._deployment.first_block
        newest: Block | None = None
        while newest is None or newest.number < self._block.number:
            last = min(self._block.number, first + self._rpc.span - 1)
            newest = await self._check_range(first, last, newest)
            first = last + 1
        self._check_balance()
        self._check_share_transfers()
        return State(
            self._deployment,
            newest,
            self._markets,
            self._deadlines,
            self._boundaries,
            self._book.holdings.sums(),
            self._races,
        )

    async def _check_meta(self) -> None:
        rows = await self._rows(select(table_of(MetaRow)))
        facts = {"deployment": self._deployment.to_json()}
        self._findings.same_fields("meta", {row["name"]: row["value"] for row in rows}, facts)
        cursor, blocks = table_of(CursorRow), table_of(BlockRow)
        rows = await self._rows(select(cursor.c.block_number))
        newest = await self._connection.scalar(select(func.max(blocks.c.number)))
        self._findings.same("cursor block_number", [row["block_number"] for row in rows], [newest])
        for model, (column, by_block) in _PLACED.items():
            place = table_of(model).c[column]
            end = newest + 1 if by_block else first_after(newest)
            beyond = await self._connection.scalar(select(func.count()).where(place >= end))
            self._findings.same(f"{place.table.name} rows after the last block", beyond, 0)

    async def _check_range(self, first: int, last: int, parent: Block | None) -> Block:
        found = await self._rpc.blocks(first, last)
        blocks = [block for block in found if block is not None]
        chain = ([parent] if parent else []) + blocks
        linked = all(b.parent_hash == a.hash for a, b in pairwise(chain))
        if len(blocks) != len(found) or not linked:
            raise InconsistentChainError(f"the chain changed between blocks {first} and {last}")
        logs = await self._rpc.logs(self._deployment.log_filters(), blocks[0], blocks[-1])
        for event in self._decoder.decode_all(logs):
            if isinstance(event.data, ev.ShareTransfer | ev.FillTransfer):
                names = book_names if event.contract == "RaceMarket" else epoch_names
                self._move_shares(event.data, names)
        await self._compare(first, last, await self._expected(blocks, logs))
        return blocks[-1]

    async def _expected(self, blocks: Sequence[Block], logs: Sequence[Log]) -> Rows:
        raws, sayings = self._decoder.read(logs)
        changes, opened = self._book.add(sayings)
        rows = block_rows(blocks) | event_rows(raws, self._numbering.kinds)
        rows |= await self._numbering.number(NOTHING_STORED, opened) | entry_rows(changes)
        registered = record_rows(sayings)
        for row in as_records(MarketRow, registered):
            market = Market(*(row[name] for name in Market._fields))
            self._markets[market.market_id] = market
        for row in as_records(RaceRow, registered):
            race = Race(*(row[name] for name in Race._fields))
            self._races[race.race_id] = race._replace(feeds=tuple(row["feeds"].split()))
        self._deadlines |= {row["feed"]: row["deadline"] for row in as_records(FeedRow, registered)}
        for row in as_records(BoundaryRow, registered):
            self._boundaries[row["feed"], row["boundary"]] = row["price_e18"]
        return rows | registered

    async def _compare(self, first: int, last: int, expected: Rows) -> None:
        for model, (column, by_block) in _PLACED.items():
            table = table_of(model)
            start, end = (
                (first, last + 1) if by_block else (pack_position(first, 0), pack_position(last + 1, 0))
            )
            place = table.c[column]
            stored = await self._rows(select(table).where(place >= start, place < end))
            keys = table.primary_key.columns.keys()
            there, wanted = (
                {tuple(row[key] for key in keys): row for row in rows}
                for rows in (stored, as_records(model, expected))
            )
            for number in sorted(there.keys() | wanted.keys()):
                what = f"{table.name} {' '.join(map(str, number))}"
                self._findings.same_fields(what, there.get(number), wanted.get(number))

    async def _rows(self, query: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in (await self._connection.execute(query)).mappings()]

    def _check_balance(self) -> None:
        """For every asset, what one account has another has given."""
        totals: defaultdict[str, int] = defaultdict(int)
        for key, amount in self._book.holdings.sums().items():
            totals[key.asset] += amount
        for asset, total in totals.items():
            self._findings.same(f"sum of {asset} over all accounts", total, 0)
        for asset in (COLLATERAL, RACE_COLLATERAL):
            charged = self._book.sum(FEES, asset)
            self._findings.same(f"fees in {asset} that were charged and not credited", charged, 0)

    def _move_shares(
        self, transfer: ev.ShareTransfer | ev.FillTransfer, names: Callable[[int, int], EpochNames]
    ) -> None:
        side = transfer.id & 0xFF
        if transfer.amount == 0 or side >= len(SIDES):
            return
        shares = names(transfer.id >> 64, (transfer.id >> 8) & (1 << 56) - 1).shares[side]
        self._minted[Key(transfer.sender, shares)] -= transfer.amount
        self._minted[Key(transfer.receiver, shares)] += transfer.amount

    def _check_share_transfers(self) -> None:
        """The ERC-6909 transfers, mints and burns included, must give what the other events gave."""
        held = {
            key: amount
            for key, amount in self._book.holdings.sums().items()
            if key.asset.startswith(("shares:", "race-shares:")) and key.account.startswith("0x")
        }
        moved = {key: amount for key, amount in self._minted.items() if key.account != ZERO_ADDRESS}
        for key in held.keys() | moved.keys():
            what = f"{key.asset} of {key.account} by ERC-6909 transfers"
            self._findings.same(what, held.get(key, 0), moved.get(key, 0))
