"""How a fleet stands, from its outbox and the chain alone: no running process is asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect

from chain_kit.errors import RpcError, RpcUnreachableError
from chain_kit.guard import Breaker, Budget, Counted, Halt
from chain_kit.guard.breaker import Strikes
from chain_kit.guard.budget import Ledger
from chain_kit.guard.figures import Figures, read_figures
from chain_kit.guard.tables import halts, marks, spending
from chain_kit.inspection.reading import LeaseView, OutboxReader
from chain_kit.jsonrpc import JsonRpc
from chain_kit.keepers.fleet.round_log import LastRound, read_rounds
from chain_kit.outbox.intents import State

__all__ = ["ActionStatus", "ChainStatus", "FleetStatus", "StatusReader", "read_status"]


@dataclass(frozen=True)
class ActionStatus:
    """One action of a signer: how many rows are under way, done and failed; times are UNIX seconds."""

    action: str
    in_flight: int
    done: int
    failed: int
    last_verified: int | None
    halt: Halt | None


@dataclass(frozen=True)
class ChainStatus:
    """What the chain says of a signer."""

    block: int
    timestamp: int
    balance_wei: int


@dataclass(frozen=True)
class FleetStatus:
    """All of it; `chain` is None where no node answers, and `problem` says why."""

    signer: str
    chain: ChainStatus | None
    problem: str
    lease: LeaseView | None
    rounds: tuple[LastRound, ...]
    actions: tuple[ActionStatus, ...]
    counted: Counted


class StatusReader(OutboxReader):
    """What an outbox says of a signer's keepers. Methods block."""

    def rounds(self, signer: str) -> list[LastRound]:
        """Each keeper's last round."""
        return self._store.read(lambda connection: read_rounds(connection, self.chain_id, signer))

    def actions(self, signer: str) -> list[ActionStatus]:
        """Every action that anything was ever sent for, or seen of."""
        return self._store.read(lambda connection: self._actions(connection, signer))

    def counted(self, signer: str, budget: Budget, now: int) -> Counted:
        """What counts against the budgets at `now`, UNIX seconds of the chain's clock."""

        def ask(connection: Connection) -> Counted:
            if not inspect(connection).has_table(spending.name):
                return Counted()
            return Ledger(self.chain_id, signer, budget).counted(connection, now)

        return self._store.read(ask)

    def _actions(self, connection: Connection, signer: str) -> list[ActionStatus]:
        figures = read_figures(connection, self.chain_id, signer)
        strikes, tables = Strikes(self.chain_id, signer, Breaker()), inspect(connection)
        halted = strikes.halted(connection) if tables.has_table(halts.name) else {}
        seen = strikes.last_verified(connection) if tables.has_table(marks.name) else {}
        names = sorted({action for action, _ in figures.intents} | set(halted) | set(seen))
        return [
            ActionStatus(
                action=name,
                in_flight=sum(_count(figures, name, state) for state in State if state.live),
                done=_count(figures, name, State.DONE),
                failed=_count(figures, name, State.FAILED),
                last_verified=seen.get(name),
                halt=halted.get(name),
            )
            for name in names
        ]


def _count(figures: Figures, action: str, state: State) -> int:
    return figures.intents.get((action, state.value), 0)


async def read_status(
    outbox: Path | str, chain_id: int, signer: str, budget: Budget, rpc: JsonRpc
) -> FleetStatus:
    """How things stand now. Raises a StoreError for an outbox that cannot be read, or is not there."""
    reader = await asyncio.to_thread(StatusReader.open, outbox, chain_id)
    try:
        chain, problem = await _chain(rpc, signer)
        now = chain.timestamp if chain is not None else int(time.time())
        leases = await asyncio.to_thread(reader.leases)
        return FleetStatus(
            signer=signer,
            chain=chain,
            problem=problem,
            lease=leases.get(signer),
            rounds=tuple(await asyncio.to_thread(reader.rounds, signer)),
            actions=tuple(await asyncio.to_thread(reader.actions, signer)),
            counted=await asyncio.to_thread(reader.counted, signer, budget, now),
        )
    finally:
        await asyncio.to_thread(reader.close)


async def _chain(rpc: JsonRpc, signer: str) -> tuple[ChainStatus | None, str]:
    try:
        head, balance = await rpc.batch(
            [("eth_getBlockByNumber", ["latest", False]), ("eth_getBalance", [signer, "latest"])]
        )
        if not isinstance(head, Mapping):
            raise RpcUnreachableError(rpc.public_url, "it knows no latest block")
    except RpcError as error:
        return None, error.message
    return ChainStatus(int(head["number"], 16), int(head["timestamp"], 16), int(balance, 16)), ""
