"""What was done in a week and what came of it, as JSON values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from chain_kit.prices import EPOCH
from tests.week.driver import Driver
from tests.week.proof import Journal, Needed
from tests.week.recorded import GENESIS

__all__ = ["record"]

_NOTHING = "without effect"


def record(driver: Driver, journal: Journal, needed: Sequence[Needed], seconds: float) -> dict[str, Any]:
    """The counts of everything; gas (by action) and seconds from boundary to post as lists by epoch."""
    epochs, truth, lines = driver.plan.epochs, driver.truth, driver.lines
    gas: dict[str, list[int]] = {}
    for one in truth.sent:
        epoch = max(0, min(epochs - 1, (one.timestamp - GENESIS) // EPOCH))
        gas.setdefault(one.action or _NOTHING, [0] * epochs)[epoch] += one.gas
    latencies: list[list[int]] = [[] for _ in range(epochs + 1)]
    for point in needed:
        # A price may be there before it is needed: for a purchase that a reorg has taken back.
        waited = max(0, truth.posted[point.feed, point.boundary][0][1] - point.since)
        latencies[(point.boundary - GENESIS) // EPOCH].append(waited)
    faults: Counter[str] = sum((line.counts for line in lines), Counter())
    return {
        "epochs": epochs,
        "seed": driver.plan.seed,
        "seconds": round(seconds),
        "gas": gas,
        "transactions": Counter(one.action or _NOTHING for one in truth.sent),
        "latencies": latencies,
        "counts": driver.counts,
        "faults": faults,
        "requests": sum(line.requests for line in lines),
        "calls": sum(line.calls for line in lines),
        "kills": driver.keepers.kills,
        "exits": driver.keepers.exits,
        "index_kills": driver.index.kills,
        "index_exits": driver.index.exits,
        "rows": journal.outcomes,
        "replacements": journal.replacements,
        "reverted": sum(not one.succeeded for one in truth.sent),
        "blocks": truth.blocks,
        "chain_transactions": truth.transactions,
        "purchases": len(truth.purchases),
        "redemptions": len(truth.redeemed),
        "settlements": len(truth.settled),
        "vault_claims": len(truth.claimed),
        "roots": len(truth.roots),
    }
