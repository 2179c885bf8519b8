"""A recomputed state against what the contracts themselves answer, at one block's hash."""

from __future__ import annotations

from chain_kit.contracts import Contract
from indexer.chain_checks_race import race_questions
from indexer.proof.subjects import (
    ALWAYS,
    Question,
    Questions,
    Subject,
    call_of,
    hub_contract,
    questions_about,
    read_answer,
    subjects_of,
)
from indexer.report import Findings
from indexer.rpc import ChainRpc
from indexer.state import EPOCH_SECONDS, Market, State

__all__ = ["check_state"]

_OUTCOMES = {None: 0, "YES": 1, "NO": 2, "VOID": 3}
_NONE, _POSTED, _VOID = 0, 1, 2


async def check_state(rpc: ChainRpc, state: State, findings: Findings) -> None:
    """Asks the contracts for every number that they can tell, and compares. Raises RpcError."""
    questions = [*_deployed(state), *_endings(state), *_oracle(state), *race_questions(state)]
    for subject in sorted(_subjects(state), key=repr):
        questions += questions_about(subject, state)
    answers = await rpc.many([call_of(question, state.block.hash) for question in questions])
    for question, answer in zip(questions, answers, strict=True):
        findings.same(question.what, question.expected, read_answer(question, answer))


def _deployed(state: State) -> Questions:
    deployment = state.deployment
    yield Question("hub markets", hub_contract(state), "marketCount", (), (len(state.markets),))
    for token in (deployment.collateral, deployment.payout_token):
        contract = Contract("TestToken", token.address)
        yield Question(f"{token.symbol} decimals", contract, "decimals", (), (token.decimals,))


def _subjects(state: State) -> set[Subject]:
    """All that there are: those of the sums, and those that may not have one yet."""
    deployment = state.deployment
    found: set[Subject] = {subject for key in state.sums for subject in subjects_of(key, deployment)}
    found |= {("market", market_id) for market_id in state.markets}
    found |= {(kind, symbol) for kind in ("curve", "mrt", "lock", "staking") for symbol in deployment.curves}
    found |= {("races",)} if deployment.races else set()
    found |= {
        ("token", token, holder) for token in deployment.token_addresses for holder in deployment.holders
    }
    return found.union(ALWAYS)


def _stakes_seen(state: State) -> list[tuple[Market, int]]:
    assets = {key.asset for key in state.sums if key.asset.startswith("shares:")}
    parts = sorted({tuple(map(int, asset.split(":")[1:3])) for asset in assets})
    return [(state.markets[market_id], epoch) for market_id, epoch in parts]


def _endings(state: State) -> Questions:
    hub = hub_contract(state)
    for market, epoch in _stakes_seen(state):
        start, end, outcome = state.ending(market, epoch)
        ending = (_OUTCOMES[outcome], start or 0, end or 0)
        what = f"{market.symbol} epoch {epoch} outcome"
        yield Question(what, hub, "outcomeOf", (market.market_id, epoch), ending)
    for market_id, epoch, account in sorted(_positions(state)):
        market = state.markets[market_id]
        where, held = (market_id, epoch, account), state.holding(market, epoch, account)
        what = f"{market.symbol} epoch {epoch} of {account} claimable"
        yield Question(what, hub, "claimable", where, (held.claimable,))


def _positions(state: State) -> set[Subject]:
    return {subject[1:] for subject in _subjects(state) if subject[0] == "position"}


def _oracle(state: State) -> Questions:
    oracle = Contract("BoundaryOracle", state.deployment.oracle)
    wanted = set(state.boundaries)
    for market, epoch in _stakes_seen(state):
        start = market.start_of(epoch)
        wanted |= {(market.feed, start), (market.feed, start + EPOCH_SECONDS)}
    for feed, instant in sorted(wanted):
        price = state.boundaries.get((feed, instant))
        status = _POSTED if price is not None else _VOID if state.is_void(feed, instant) else _NONE
        what = f"price of {feed} at {instant}"
        arguments = (bytes.fromhex(feed[2:]), instant)
        yield Question(what, oracle, "boundaryOf", arguments, (status, price or 0))
