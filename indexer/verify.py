"""Trust nothing that can be checked: an index against its chain, at one block.

Three layers, each on the one below. Every stored row is recomputed from the chain's logs; what these rows add
up to is compared with what the contracts answer; and every number that was shown to somebody is compared with
the one that follows.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import delete, insert, select

from chain_kit.units import checksum_address
from indexer.answering.moments import moment
from indexer.answers import epoch_answer, find_market, position_answer, reserve_answer
from indexer.audit import Audit
from indexer.chain_checks import check_state
from indexer.database import Database
from indexer.deployment import Deployment
from indexer.engine import make_engine, store_errors
from indexer.models import BlockRow, VerificationRow, table_of
from indexer.reading import part_of
from indexer.report import Difference, Findings, Report
from indexer.rpc import ChainRpc
from indexer.state import State

__all__ = ["Difference", "Report", "verify"]

Answer = Mapping[str, Any]


async def verify(
    database: Database,
    rpc: ChainRpc,
    *,
    deployment: Deployment | None = None,
    at_block: int | None = None,
    epochs: Sequence[Answer] = (),
    positions: Mapping[str, Sequence[Answer]] | None = None,
    reserve: Answer | None = None,
) -> Report:
    """Compares an index, and what it answered as of block `at_block` (the last one), with the chain.

    `deployment` is what the manifest says that the index is of; by default what it says itself. `epochs`,
    `positions` (by account) and `reserve` are documents of `queries`. The report is also recorded in the
    database, for `reserve` to show. Raises RpcError if the chain cannot be asked, FutureBlockError or
    BlockTooOldError.
    """
    findings = Findings()
    known = deployment or database.deployment
    async with moment(database, at_block) as (connection, block, _):
        state = await Audit(connection, rpc, known, block, findings).run()
    await check_state(rpc, state, findings)
    _check_epochs(state, epochs, findings)
    for account, answers in (positions or {}).items():
        _check_positions(state, account, answers, findings)
    if reserve is not None:
        findings.same_fields("reserve", reserve, {**_at(state), **reserve_answer(state)})
    report = Report(block, findings.checks, tuple(findings.differences))
    await _record(database, report)
    return report


def _at(state: State) -> dict[str, Any]:
    """What an answer says of the block that it is of; how far that is proven is nothing to recompute."""
    return {"block": state.block.number, "block_hash": state.block.hash}


def _check_epochs(state: State, answers: Sequence[Answer], findings: Findings) -> None:
    for answer in answers:
        market = state.markets.get(answer.get("market_id", 0))
        if market is None:
            market = find_market(state.markets.values(), str(answer.get("market")))
        epoch = int(answer["epoch"])
        what = f"answer: epoch {epoch} of {market.symbol}:"
        findings.same_fields(what, answer, {**_at(state), **epoch_answer(state, market, epoch)})


def _check_positions(state: State, address: str, answers: Sequence[Answer], findings: Findings) -> None:
    account = checksum_address(address)
    kinds = ("shares:", "cost:", "realized:")
    parts = {part_of(k.asset) for k in state.sums if k.account == account and k.asset.startswith(kinds)}
    shown = {(int(answer["market_id"]), int(answer["epoch"])): answer for answer in answers}
    for market_id, epoch in sorted(parts | shown.keys()):
        market = state.markets.get(market_id)
        expected: Answer | None = None
        if market is not None and (market_id, epoch) in parts:
            expected = {**_at(state), **position_answer(state, market, epoch, account)}
        what = f"answer: {account} in epoch {epoch} of market {market_id}:"
        findings.same_fields(what, shown.get((market_id, epoch)), expected)


async def _record(database: Database, report: Report) -> None:
    """Keeps the result with the block that it is of, if the index still has that block."""
    table, blocks = table_of(VerificationRow), table_of(BlockRow)
    number, digest = report.block.number, report.block.hash
    row = {
        "block_number": number,
        "block_hash": digest,
        "ok": report.ok,
        "checks": report.checks,
        "differences": orjson.dumps([str(one) for one in report.differences]).decode(),
        "checked_at": int(time.time()),
    }
    engine = make_engine(database.url, writes=True)
    try:
        with store_errors(database.url):
            async with engine.begin() as connection:
                stored = await connection.scalar(select(blocks.c.hash).where(blocks.c.number == number))
                if stored == digest:
                    await connection.execute(delete(table).where(table.c.block_number == number))
                    await connection.execute(insert(table), [row])
    finally:
        await engine.dispose()
