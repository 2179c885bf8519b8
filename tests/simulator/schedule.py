"""What happens in a run, as plain data: drawn from a seed, and printed when the run fails.

A schedule begins with some blocks and some nodes. Its steps follow one another while the index runs; after
the last of them the faults stop, one node at least is honest, and the index has to be right by itself.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Any

from tests.index_support.answering import Limits
from tests.simulator.memory import FAULTS, Behaviour

__all__ = [
    "Behave",
    "Dies",
    "Drop",
    "Full",
    "Mine",
    "Pause",
    "Reorg",
    "Return",
    "Schedule",
    "Second",
    "Shrink",
    "Step",
    "Storm",
    "behaviour",
    "brief",
    "draw", "false_answers",
    "told",
]  # fmt: skip


@dataclass(frozen=True)
class Mine:
    """So many blocks, one after so many seconds each."""

    blocks: int
    seconds: float = 2.0


@dataclass(frozen=True)
class Reorg:
    """The newest `depth` blocks are replaced by `blocks` others at once."""

    depth: int
    blocks: int


@dataclass(frozen=True)
class Shrink:
    """The newest blocks are gone, as on a node that was set back."""

    depth: int


@dataclass(frozen=True)
class Return:
    """The newest `depth` blocks are replaced by `blocks` others, and after so many seconds are back."""

    depth: int
    blocks: int
    seconds: float


@dataclass(frozen=True)
class Storm:
    """At each of the next `requests` to any node the chain may grow or be reorganised, before the answer."""

    requests: int
    depth: int


@dataclass(frozen=True)
class Behave:
    """A node does so from now on."""

    node: int
    behaviour: Behaviour


@dataclass(frozen=True)
class Dies:
    """The process is killed so many statements from now, and started again on what the disk holds then."""

    statements: int


@dataclass(frozen=True)
class Full:
    """The disk takes so many pages more for so many seconds."""

    pages: int
    seconds: float


@dataclass(frozen=True)
class Second:
    """Another writer tries to open the same database."""


@dataclass(frozen=True)
class Drop:
    """Every WebSocket breaks off; for so many seconds nothing is announced."""

    seconds: float


@dataclass(frozen=True)
class Pause:
    """Nothing but time."""

    seconds: float


Step = Mine | Reorg | Shrink | Return | Storm | Behave | Dies | Full | Second | Drop | Pause


@dataclass(frozen=True)
class Schedule:
    """One run. `sockets` says whether the index is told of new heads; without, it polls."""

    seed: int
    blocks: int
    finality: int
    nodes: int
    sockets: bool
    deposits: bool
    steps: tuple[Step, ...]


_RETURNING = 0.2


def draw(seed: int) -> Schedule:
    """The schedule of a seed, always the same."""
    chance = random.Random(seed)
    nodes = chance.choice([1, 2, 2, 3, 3, 4])
    steps: list[Step] = []
    for _ in range(chance.randint(1, 4)):
        steps += _episode(chance, nodes)
    # Drawn apart, so that what seeds have been does not change.
    other = random.Random(f"{seed} again")
    if other.random() < _RETURNING:
        steps += _returns(other, nodes)
    return Schedule(
        seed,
        blocks=chance.choice([3, 30, 60, 120, 120, 200]),
        finality=chance.choice([2, 16, 40, 64]),
        nodes=nodes,
        sockets=chance.random() < 0.5,
        deposits=chance.random() < 0.3,
        steps=tuple(steps),
    )


def _episode(chance: random.Random, nodes: int) -> list[Step]:
    """Trouble of one or two kinds, while the chain goes on, and perhaps its end."""
    steps: list[Step] = []
    troubled = [node for node in range(nodes) if chance.random() < 0.6]
    steps += [Behave(node, behaviour(chance)) for node in troubled]
    for _ in range(chance.randint(1, 3)):
        steps.append(chance.choice(_EVENTS)(chance))
        steps.append(Mine(chance.randint(0, 6), chance.choice([0.0, 0.3, 2.0, 5.0])))
    if chance.random() < 0.6:
        steps += [Behave(node, Behaviour()) for node in troubled]
    steps.append(Pause(chance.choice([0.5, 5.0, 20.0])))
    return steps


def _returns(chance: random.Random, nodes: int) -> list[Step]:
    """A chain that cannot decide, told of falsely by nodes whose answers are long under way."""
    # What is proven already keeps nobody waiting.
    steps: list[Step] = [Pause(20.0)]
    steps += [Behave(node, Behaviour(omits=chance.choice([0.2, 0.5]), slow=0.8)) for node in range(nodes)]
    for _ in range(chance.randint(1, 5)):
        steps.append(Mine(chance.randint(1, 4), 0.0))
        for _ in range(chance.randint(1, 3)):
            seconds = chance.choice([0.5, 2.1, 2.1])
            steps.append(Return(chance.randint(2, 8), chance.randint(1, 8), seconds))
            steps.append(Pause(chance.choice([0.5, 2.1, 2.1])))
    steps += [Behave(node, Behaviour()) for node in range(nodes)]
    return [*steps, Pause(5.0)]


def _depth(chance: random.Random) -> int:
    return chance.choice([1, 1, 2, 3, 5, 8, 20, 50, 100])


_EVENTS: list[Any] = [
    lambda chance: Reorg(_depth(chance), chance.choice([0, 1, 3, 10, 60])),
    lambda chance: Reorg(_depth(chance), chance.choice([0, 1, 3, 10, 60])),
    lambda chance: Shrink(_depth(chance)),
    lambda chance: Storm(chance.randint(3, 40), chance.choice([2, 10, 40])),
    lambda chance: Dies(chance.choice([0, 5, 20, 60, 150])),
    lambda chance: Dies(chance.randint(0, 400)),
    lambda chance: Full(chance.choice([0, 1, 4]), chance.choice([3.0, 20.0])),
    lambda _: Second(),
    lambda chance: Drop(chance.choice([0.5, 10.0, 45.0])),
    lambda chance: Mine(chance.randint(1, 40), chance.choice([0.0, 0.5])),
    lambda chance: Pause(chance.choice([1.0, 10.0, 40.0])),
]


def behaviour(chance: random.Random) -> Behaviour:
    """One or two faults of a node."""
    kinds = tuple(chance.sample(sorted(FAULTS), chance.randint(1, 4)))
    limits = Limits(
        blocks=chance.choice([None, 1, 7, 50]),
        results=chance.choice([None, 20, 100]),
        calls=chance.choice([None, None, 10]),
        unsupported=chance.choice([set(), set(), {"eth_getBlockReceipts"}]),
    )
    often = chance.choice([0.02, 0.2, 1.0])
    options: list[dict[str, Any]] = [
        {"errors": chance.choice([0.05, 0.3, 0.7, 1.0]), "kinds": kinds},
        {"omits": often, "in_receipts": chance.random() < 0.4},
        {"doubles": often, "in_receipts": chance.random() < 0.4},
        {"shuffles": often, "in_receipts": chance.random() < 0.4},
        {"alters": often, "in_receipts": chance.random() < 0.4},
        {"headers": chance.choice([0.01, 0.2, 1.0])},
        {"calls": chance.choice([0.01, 0.3, 1.0])},
        {"lag": chance.choice([1, 3, 20, 100])},
        {"branch": chance.choice([1, 4, 30])},
        {"limits": limits},
        {"chain_id": 1},
        {"stranger": True},
    ]
    chosen: dict[str, Any] = {}
    for one in chance.sample(options, chance.choice([1, 1, 2])):
        chosen |= one
    return Behaviour(**chosen)


def false_answers(chance: random.Random) -> Behaviour:
    """Of a node that never gets better."""
    often = chance.choice([0.2, 1.0])
    kind = chance.choice(["errors", "omits", "doubles", "shuffles", "alters", "headers", "calls"])
    options: dict[str, Any] = {kind: often, "in_receipts": chance.random() < 0.5}
    return Behaviour(**options)


def told(schedule: Schedule) -> str:
    """The schedule for a person, a step a line, with what is not as always."""
    lines = [
        f"seed {schedule.seed}: {schedule.blocks} blocks, {schedule.nodes} nodes, "
        f"final after {schedule.finality}"
        + ", newHeads" * schedule.sockets
        + ", deposits" * schedule.deposits
    ]
    return "\n  ".join([*lines, *map(brief, schedule.steps)])


def brief(step: Any) -> str:
    """One step, in a line."""
    shown = [
        f"{field.name}={brief(value) if field.name in ('behaviour', 'limits') else repr(value)}"
        for field in fields(step)
        if (value := getattr(step, field.name)) != _default(field)
    ]
    return f"{type(step).__name__}({', '.join(shown)})"


def _default(field: Any) -> Any:
    return Limits() if field.name == "limits" else field.default
