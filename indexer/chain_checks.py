"""A recomputed state against what the contracts themselves answer, at one block's hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from chain_kit.contracts import Contract
from chain_kit.jsonrpc import Call
from indexer.accounts import (
    CLAIMED,
    COLLATERAL,
    ROOT,
    SIDES,
    Stake,
    curve_asset,
    curve_tokens_asset,
    token_asset,
)
from indexer.decode import text_of
from indexer.report import Findings
from indexer.rpc import ChainRpc
from indexer.state import EPOCH_SECONDS, Market, State

__all__ = ["check_state"]

_OUTCOMES = {None: 0, "YES": 1, "NO": 2, "VOID": 3}
_NONE, _POSTED, _VOID = 0, 1, 2


class Question(NamedTuple):
    """What to ask a contract, and what the state says that it will answer."""

    what: str
    contract: Contract
    function: str
    arguments: tuple[Any, ...]
    expected: tuple[Any, ...]
    read: Callable[[bytes], tuple[Any, ...]] | None = None
    """How to read the answer, where not by the ABI."""


Questions = Iterable[Question]


async def check_state(rpc: ChainRpc, state: State, findings: Findings) -> None:
    """Asks the contracts for every number that they can tell, and compares. Raises RpcError."""
    questions = [*_hub(state), *_epochs(state), *_positions(state), *_oracle(state), *_vault(state)]
    questions += [*_curves(state), *_tokens(state)]
    answers = await rpc.many([_call(question, state.block.hash) for question in questions])
    for question, answer in zip(questions, answers, strict=True):
        raw = bytes.fromhex(answer.removeprefix("0x"))
        read = question.read
        got = read(raw) if read else tuple(question.contract.decode_result(question.function, raw))
        findings.same(question.what, question.expected, got)


def _call(question: Question, block_hash: str) -> Call:
    method, (call, _) = question.contract.request(question.function, *question.arguments)
    return method, [call, {"blockHash": block_hash}]


def _coverage(held: int, owed: int) -> int:
    return held * 10**18 // owed if owed else 2**256 - 1


def _hub(state: State) -> Questions:
    hub = Contract("EpochHub", state.deployment.hub)
    held, owed = state.hub_reserve()
    yield Question("hub reserve", hub, "reserveStatus", (), (held, owed, _coverage(held, owed)))
    yield Question("hub markets", hub, "marketCount", (), (len(state.markets),))
    for market in state.markets.values():
        budget = state.sum(f"budget:{market.market_id}", COLLATERAL)
        expected = (
            market.facade, market.creator, market.feed, market.symbol, market.genesis, market.liquidity,
            market.fee_bps, budget, market.closing_liquidity_bps, market.closing_fee_bps,
        )  # fmt: skip
        what = f"market {market.market_id}"
        yield Question(what, hub, "market", (market.market_id,), expected, _read_market)
    for key in sorted(state.sums):
        kind, _, account = key.account.partition(":")
        if key.asset == COLLATERAL and kind == "balance":
            what = f"internal balance of {account}"
            yield Question(what, hub, "collateralOf", (account,), (state.sums[key],))


def _read_market(raw: bytes) -> tuple[Any, ...]:
    """The struct `Market` but for the daily budget, which is no sum; its symbol can be any bytes."""
    struct = raw[32:]
    words = [struct[offset : offset + 32] for offset in range(0, 320, 32)]
    addresses = [Contract("EpochHub", "0x" + word[12:].hex()).address for word in words[:2]]
    feed, symbol = "0x" + words[2].hex(), text_of(struct, 96)
    return (*addresses, feed, symbol, *(int.from_bytes(word, "big") for word in words[4:]))


def _stakes_seen(state: State) -> list[tuple[Market, int]]:
    assets = {key.asset for key in state.sums if key.asset.startswith("shares:")}
    parts = sorted({tuple(map(int, asset.split(":")[1:3])) for asset in assets})
    return [(state.markets[market_id], epoch) for market_id, epoch in parts]


def _epochs(state: State) -> Questions:
    hub = Contract("EpochHub", state.deployment.hub)
    for market, epoch in _stakes_seen(state):
        yes, no = (Stake(market.market_id, epoch, side) for side in SIDES)
        settled = any(state.sum("house-settled", stake.shares) for stake in (yes, no))
        house = (state.house(yes), state.house(no), settled)
        expected = (state.sets(market.market_id, epoch), *house)
        what = f"{market.symbol} epoch {epoch}"
        yield Question(f"{what} sets and house", hub, "epochState", (market.market_id, epoch), expected)
        quoted = tuple(state.quoted(stake) for stake in (yes, no))
        retired = tuple(held - left for held, left in zip(house, quoted, strict=False))
        where = (market.market_id, epoch)
        yield Question(f"{what} quotes", hub, "houseState", where, quoted + retired, _read_quotes)
        start, end, outcome = state.ending(market, epoch)
        ending = (_OUTCOMES[outcome], start or 0, end or 0)
        yield Question(f"{what} outcome", hub, "outcomeOf", (market.market_id, epoch), ending)


def _read_quotes(raw: bytes) -> tuple[Any, ...]:
    """The shares that `houseState` gives; its step is that of the last trade, which no event says."""
    return tuple(int.from_bytes(raw[offset : offset + 32], "big") for offset in range(0, 128, 32))


def _positions(state: State) -> Questions:
    hub = Contract("EpochHub", state.deployment.hub)
    accounts: dict[tuple[int, int], set[str]] = {}
    for account, asset in state.sums:
        if asset.startswith("shares:") and account.startswith("0x"):
            _, number, which, _ = asset.split(":")
            accounts.setdefault((int(number), int(which)), set()).add(account)
    for (market_id, epoch), holders in sorted(accounts.items()):
        market = state.markets[market_id]
        for account in sorted(holders):
            held = state.holding(market, epoch, account)
            where = (market_id, epoch, account)
            what = f"{market.symbol} epoch {epoch} of {account}"
            shares = (held.yes_shares, held.no_shares)
            yield Question(f"{what} shares", hub, "positionOf", where, shares)
            yield Question(f"{what} claimable", hub, "claimable", where, (held.claimable,))


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


def _vault(state: State) -> Questions:
    vault = Contract("PayoutVault", state.deployment.vault)
    held, owed = state.vault_reserve()
    yield Question("vault reserve", vault, "reserveStatus", (), (held, owed, _coverage(held, owed)))
    for account, asset in sorted(state.sums):
        if asset == CLAIMED and account != "vault":
            claimed = (state.sum(account, asset),)
            yield Question(f"vault claims of {account}", vault, "claimed", (account,), claimed)

    def totals(raw: bytes) -> tuple[Any, ...]:
        return tuple(int.from_bytes(raw[offset : offset + 32], "big") for offset in (32, 64))

    active = (state.sum("active", ROOT), -state.sum("vault", CLAIMED))
    yield Question("vault active root", vault, "activeRoot", (), active, totals)
    pending = (state.sum("pending", ROOT),)
    yield Question("vault pending root", vault, "pendingRoot", (), pending, lambda raw: totals(raw)[:1])


def _curves(state: State) -> Questions:
    for symbol, address in state.deployment.curves.items():
        curve = Contract("MrtCurve", address)
        quote = curve_asset(symbol)
        raised, fees, pooled = (state.sum(account, quote) for account in ("raised", "fees", "pool"))
        sold = -state.sum("curve", curve_tokens_asset(symbol))
        held = state.sum(address, token_asset(state.deployment.payout_token.address))
        status = (held, raised + fees, _coverage(held, raised + fees))
        yield Question(f"{symbol} curve raised", curve, "raised", (), (raised + pooled,))
        yield Question(f"{symbol} curve sold", curve, "sold", (), (sold,))
        yield Question(f"{symbol} curve reserve", curve, "reserveStatus", (), status)


def _tokens(state: State) -> Questions:
    deployment = state.deployment
    for token in (deployment.collateral, deployment.payout_token):
        contract = Contract("TestToken", token.address)
        yield Question(f"{token.symbol} decimals", contract, "decimals", (), (token.decimals,))
        for holder in deployment.holders:
            balance = (state.sum(holder, token_asset(token.address)),)
            yield Question(f"{token.symbol} balance of {holder}", contract, "balanceOf", (holder,), balance)
