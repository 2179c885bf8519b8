"""Whether what the entries add up to is what the contracts answer, at one block's hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from chain_kit.errors import ContractMissingError, RpcResponseError
from chain_kit.jsonrpc import Call
from indexer.blocks import Block
from indexer.deployment import Deployment
from indexer.proof.subjects import Question, Subject, call_of, keys_of, questions_about, read_answer
from indexer.reading import Reading
from indexer.state import State

__all__ = ["Answers", "Caller", "StateUnavailableError", "differences_at", "questions_at"]

_REVERTED = 3
_NOTHING_OWED = (0, 0, 2**256 - 1)


class Caller(Protocol):
    """Who asks a node."""

    async def told(self, calls: Sequence[Call]) -> tuple[str, list[Any]]:
        """Who answered, and the results of calls in their order. Raises the first RpcError."""


class Answers(NamedTuple):
    """What contracts answered otherwise, and whose word that is."""

    endpoint: str
    differences: list[str]


class StateUnavailableError(Exception):
    """The node does not have the state of that block, or no longer."""


async def questions_at(
    connection: AsyncConnection, deployment: Deployment, block: Block, subjects: Iterable[Subject]
) -> list[Question]:
    """What to ask about some subjects, and what the index says that will be answered as of a block."""
    wanted = list(subjects)
    keys = {key for subject in wanted for key in keys_of(subject, deployment)}
    reading = Reading(connection, block)
    sums = await reading.sums_of({key.account for key in keys}, {key.asset for key in keys})
    state = State(deployment, block, markets=await reading.markets(), sums=sums)
    return [question for subject in wanted for question in questions_about(subject, state)]


async def differences_at(caller: Caller, block: Block, questions: Sequence[Question]) -> Answers:
    """What contracts answer otherwise at the block's hash, and answer again when they are asked again.

    A node that is asked about its newest block while it takes the next one may answer out of that: what it
    does not say twice is no evidence. Raises StateUnavailableError if contracts cannot be asked there, and
    RpcUnreachableError.
    """
    endpoint, found = await _differences(caller, block, questions)
    doubted = [question for question, one in zip(questions, found, strict=True) if one]
    if not doubted:
        return Answers(endpoint, [])
    endpoint, again = await _differences(caller, block, doubted)
    first = [one for one in found if one]
    return Answers(endpoint, [one for one, other in zip(first, again, strict=True) if one == other])


async def _differences(
    caller: Caller, block: Block, questions: Sequence[Question]
) -> tuple[str, list[str | None]]:
    """Who answered, and of each question in words how the answer differs; None where it does not."""
    calls = [call_of(question, block.hash) for question in questions]
    try:
        endpoint, answers = await caller.told(calls)
    except RpcResponseError as error:
        _require_revert(error, block)
        each = [await _one(caller, call, block) for call in calls]
        endpoint, answers = each[-1][0], [answer for _, answer in each]
    found = [_difference(question, answer) for question, answer in zip(questions, answers, strict=True)]
    return endpoint, found


async def _one(caller: Caller, call: Call, block: Block) -> tuple[str, Any]:
    try:
        endpoint, (answer,) = await caller.told([call])
    except RpcResponseError as error:
        _require_revert(error, block)
        return "", error
    return endpoint, answer


def _require_revert(error: RpcResponseError, block: Block) -> None:
    if error.code != _REVERTED and "revert" not in error.reason.lower():
        raise StateUnavailableError(f"no state of block {block.number}: {error.reason}") from error


def _difference(question: Question, answer: Any) -> str | None:
    expected = question.expected
    try:
        got: Any = answer.reason if isinstance(answer, RpcResponseError) else read_answer(question, answer)
    except ContractMissingError:
        # Before it is deployed, it has and owes nothing.
        if expected == _NOTHING_OWED or not any(expected):
            return None
        got = "no such contract"
    except (AttributeError, TypeError, ValueError):
        got = f"no answer, but {str(answer)[:100]}"
    return None if got == expected else f"{question.what} is {expected}, the contract says {got}"
