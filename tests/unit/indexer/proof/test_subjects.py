"""What contracts are asked about, and that it is all that has changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from chain_kit.errors import RpcResponseError, RpcUnreachableError
from chain_kit.jsonrpc import Call
from indexer.accounts import COLLATERAL, Key
from indexer.blocks import Block
from indexer.proof.reconcile import StateUnavailableError, differences_at, questions_at
from indexer.proof.subjects import ALWAYS, call_of, keys_of, subjects_of
from indexer.store import open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain
from tests.index_support.world import World

FIRST = DEPLOYMENT.first_block
BLOCK = Block(9, "0x" + "99" * 32, "0x" + "88" * 32, 1)
REVERT = RpcResponseError("eth_call", 3, "execution reverted: no such epoch")


class Word:
    """Answers every call with what a function makes of it."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def told(self, calls: Sequence[Call]) -> tuple[str, list[Any]]:
        """The next answers; an error among them is raised."""
        given = [self.answers[n % len(self.answers)] for n in range(len(calls))]
        for answer in given:
            if isinstance(answer, Exception):
                raise answer
        return "node", given


async def test_whatever_changes_a_contracts_word_is_asked_about(tmp_path: Path) -> None:
    """Every key of a traded world: its subjects rest on it, and the contracts' words are as expected."""
    world = World(FakeChain(), seed=11)
    world.run(150)
    async with open_store(tmp_path / "index.db", DEPLOYMENT) as store:
        await store.take(world.chain.forward(FIRST))
        keys = await store.touched(FIRST, world.chain.tip.number)
        found = {subject for key in keys for subject in subjects_of(key, DEPLOYMENT)}
        assert all(keys.intersection(keys_of(subject, DEPLOYMENT)) for subject in found)
        assert {subject[0] for subject in found} >= {
            "balance", "claims", "curve", "epoch", "market", "position", "token",
        }  # fmt: skip
        async with store.snapshot() as connection:
            tip = world.chain.tip
            questions = await questions_at(connection, DEPLOYMENT, tip, [*ALWAYS, *sorted(found, key=repr)])
    assert world.chain.truth is not None
    answers = []
    for question in questions:
        _, (call, where) = call_of(question, tip.hash)
        assert where == {"blockHash": tip.hash}
        data = bytes.fromhex(call["data"][2:])
        answers.append("0x" + world.chain.truth.call(tip, call["to"], data).hex())
    assert (await differences_at(Word(*answers), tip, questions)).differences == []
    wrong = ["0x" + (bytes(31) + b"\x07").hex() * (len(answer) // 64) for answer in answers]
    assert len((await differences_at(Word(*wrong), tip, questions)).differences) > len(questions) // 2


@pytest.mark.parametrize(
    "key",
    [
        Key("pot:1:4", COLLATERAL), Key("others", "token:" + DEPLOYMENT.collateral.address),
        Key("0x01", "cost:1:4:YES"), Key("0x01", "realized:1:4"), Key("vault", "payout:claimed"),
    ],
)  # fmt: skip
def test_what_only_the_index_counts_is_asked_of_nobody(key: Key) -> None:
    """Costs, profits and contra accounts are nowhere on the chain."""
    assert subjects_of(key, DEPLOYMENT) == []


async def _questions(tmp_path: Path) -> list[Any]:
    async with open_store(tmp_path / "index.db", DEPLOYMENT) as store, store.snapshot() as connection:
        return await questions_at(connection, DEPLOYMENT, BLOCK, [("hub",), ("balance", DEPLOYMENT.vault)])


async def test_a_contract_that_is_not_there_yet_owes_nothing(tmp_path: Path) -> None:
    """That is no difference; if something should be there, it is."""
    questions = await _questions(tmp_path)
    assert (await differences_at(Word("0x"), BLOCK, questions)).differences == []
    owing = [question._replace(expected=(5, 5, 10**18)) for question in questions]
    found = await differences_at(Word("0x"), BLOCK, owing)
    assert len(found.differences) == 2
    assert "no such contract" in found.differences[0]


async def test_a_contract_that_reverts_is_a_difference(tmp_path: Path) -> None:
    """It has an answer, and it is not the expected one."""
    found = await differences_at(Word(REVERT), BLOCK, await _questions(tmp_path))
    assert len(found.differences) == 2
    assert "execution reverted" in found.differences[0]


@pytest.mark.parametrize(
    "error",
    [
        RpcResponseError("eth_call", -32000, "missing trie node"),
        RpcResponseError("eth_call", -32001, "header not found"),
    ],
)
async def test_a_state_that_is_gone_is_no_difference(tmp_path: Path, error: RpcResponseError) -> None:
    """Nobody said anything about the contracts."""
    with pytest.raises(StateUnavailableError, match="no state of block 9"):
        await differences_at(Word(error), BLOCK, await _questions(tmp_path))


async def test_a_node_that_does_not_answer_is_not_hidden(tmp_path: Path) -> None:
    """Asking again may help: that is for the caller."""
    with pytest.raises(RpcUnreachableError):
        await differences_at(Word(RpcUnreachableError("x", "gone")), BLOCK, await _questions(tmp_path))


@pytest.mark.parametrize("answer", [None, 7, "0xzz", "junk"])
async def test_an_answer_of_another_form_is_a_difference(tmp_path: Path, answer: Any) -> None:
    """Nothing that a node says ends the prover."""
    found = await differences_at(Word(answer), BLOCK, await _questions(tmp_path))
    assert len(found.differences) == 2
