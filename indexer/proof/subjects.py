"""What the contracts can be asked about, and which sums each of it rests on.

A *subject* is an account's balance, an epoch, a position. Which sums it rests on, and which subjects a sum
belongs to, is said here once: `verify` asks about all that there is, the prover about what has changed.
"""

from __future__ import annotations

from typing import Any

from chain_kit.contracts import Contract
from chain_kit.jsonrpc import Call
from indexer.accounts import (
    CLAIMED,
    COLLATERAL,
    ROOT,
    SIDES,
    Key,
    Stake,
    balance_account,
    budget_account,
    curve_asset,
    curve_tokens_asset,
    quotes_asset,
    token_asset,
)
from indexer.decode import text_of
from indexer.deployment import Deployment
from indexer.proof.questions import Kind, Question, Questions, Subject, coverage
from indexer.proof.subjects_mrt import MRT_SUBJECTS, mrt_subjects_of
from indexer.proof.subjects_race import RACE_SUBJECTS, race_subjects_of
from indexer.state import State

__all__ = [
    "ALWAYS",
    "Question",
    "Questions",
    "Subject",
    "call_of",
    "hub_contract",
    "keys_of",
    "questions_about",
    "read_answer",
    "subjects_of",
]

ALWAYS: tuple[Subject, ...] = (("hub",), ("vault",))
"""What is asked every time, changed or not: the reserves."""


def call_of(question: Question, block_hash: str) -> Call:
    """The eth_call of a question at a block."""
    method, (call, _) = question.contract.request(question.function, *question.arguments)
    return method, [call, {"blockHash": block_hash}]


def read_answer(question: Question, answer: str) -> tuple[Any, ...]:
    """What a contract answered. Raises ContractMissingError for what it cannot have."""
    raw = bytes.fromhex(answer.removeprefix("0x"))
    if question.read and raw:
        return question.read(raw)
    return tuple(question.contract.decode_result(question.function, raw))


def subjects_of(key: Key, deployment: Deployment) -> list[Subject]:
    """What a contract can be asked about that rests on this sum; nothing for what only the index counts."""
    kind, _, rest = key.asset.partition(":")
    if key.asset == COLLATERAL:
        name, _, which = key.account.partition(":")
        if name == "budget":
            return [("market", int(which))]
        return [("balance", which)] if name == "balance" else []
    if kind in {"shares", "quotes"}:
        market_id, epoch = map(int, rest.split(":")[:2])
        trader = key.account.startswith("0x")
        return [("position", market_id, epoch, key.account) if trader else ("epoch", market_id, epoch)]
    found: dict[str, tuple[bool, Subject]] = {
        "token": (key.account in deployment.holders, ("token", rest, key.account)),
        "payout": (key.asset == CLAIMED and key.account != "vault", ("claims", key.account)),
        "curve": (rest in deployment.curves, ("curve", rest)),
        "curve-tokens": (rest in deployment.curves, ("curve", rest)),
    }
    applies, subject = found.get(kind, (False, ()))
    if applies:
        return [subject]
    return race_subjects_of(key) or mrt_subjects_of(key, deployment)


def keys_of(subject: Subject, deployment: Deployment) -> list[Key]:
    """The sums that a subject rests on."""
    kind, *which = subject
    return _SUBJECTS[kind].keys(deployment, *which)


def questions_about(subject: Subject, state: State) -> list[Question]:
    """What to ask about a subject. The state has the sums of `keys_of` at least, and all markets."""
    kind, *which = subject
    return list(_SUBJECTS[kind].questions(state, *which))


def hub_contract(state: State) -> Contract:
    """The hub, to be asked."""
    return Contract("EpochHub", state.deployment.hub)


def _hub_keys(deployment: Deployment) -> list[Key]:
    token = token_asset(deployment.collateral.address)
    return [Key(deployment.hub, token), Key("external", COLLATERAL)]


def _hub(state: State) -> Questions:
    held, owed = state.hub_reserve()
    expected = (held, owed, coverage(held, owed))
    yield Question("hub reserve", hub_contract(state), "reserveStatus", (), expected)


def _market_keys(_: Deployment, market_id: int) -> list[Key]:
    return [Key(budget_account(market_id), COLLATERAL)]


def _market(state: State, market_id: int) -> Questions:
    market = state.markets[market_id]
    budget = state.sum(budget_account(market_id), COLLATERAL)
    expected = (
        market.facade, market.creator, market.feed, market.symbol, market.genesis, market.liquidity,
        market.fee_bps, budget, market.closing_liquidity_bps, market.closing_fee_bps,
    )  # fmt: skip
    what = f"market {market_id}"
    yield Question(what, hub_contract(state), "market", (market_id,), expected, _read_market)


def _read_market(raw: bytes) -> tuple[Any, ...]:
    """The struct `Market` but for the daily budget, which is no sum; its symbol can be any bytes."""
    struct = raw[32:]
    words = [struct[offset : offset + 32] for offset in range(0, 320, 32)]
    addresses = [Contract("EpochHub", "0x" + word[12:].hex()).address for word in words[:2]]
    feed, symbol = "0x" + words[2].hex(), text_of(struct, 96)
    return (*addresses, feed, symbol, *(int.from_bytes(word, "big") for word in words[4:]))


def _balance_keys(_: Deployment, account: str) -> list[Key]:
    return [Key(balance_account(account), COLLATERAL)]


def _balance(state: State, account: str) -> Questions:
    expected = (state.sum(balance_account(account), COLLATERAL),)
    yield Question(
        f"internal balance of {account}", hub_contract(state), "collateralOf", (account,), expected
    )


def _epoch_keys(_: Deployment, market_id: int, epoch: int) -> list[Key]:
    shares = [Stake(market_id, epoch, side).shares for side in SIDES]
    held = [Key(account, asset) for account in ("issued", "house", "house-settled") for asset in shares]
    return [*held, *(Key(f"retired:{side}", quotes_asset(market_id, epoch)) for side in SIDES)]


def _epoch(state: State, market_id: int, epoch: int) -> Questions:
    hub, where = hub_contract(state), (market_id, epoch)
    yes, no = (Stake(market_id, epoch, side) for side in SIDES)
    settled = any(state.sum("house-settled", stake.shares) for stake in (yes, no))
    house = (state.house(yes), state.house(no), settled)
    what = f"{state.markets[market_id].symbol} epoch {epoch}"
    expected = (state.sets(market_id, epoch), *house)
    yield Question(f"{what} sets and house", hub, "epochState", where, expected)
    quoted = tuple(state.quoted(stake) for stake in (yes, no))
    retired = tuple(held - left for held, left in zip(house, quoted, strict=False))
    yield Question(f"{what} quotes", hub, "houseState", where, quoted + retired, _read_quotes)


def _read_quotes(raw: bytes) -> tuple[Any, ...]:
    """The shares that `houseState` gives; its step is that of the last trade, which no event says."""
    return tuple(int.from_bytes(raw[offset : offset + 32], "big") for offset in range(0, 128, 32))


def _position_keys(_: Deployment, market_id: int, epoch: int, account: str) -> list[Key]:
    return [Key(account, Stake(market_id, epoch, side).shares) for side in SIDES]


def _position(state: State, market_id: int, epoch: int, account: str) -> Questions:
    shares = tuple(state.sum(account, Stake(market_id, epoch, side).shares) for side in SIDES)
    what = f"{state.markets[market_id].symbol} epoch {epoch} of {account} shares"
    yield Question(what, hub_contract(state), "positionOf", (market_id, epoch, account), shares)


def _vault_keys(deployment: Deployment) -> list[Key]:
    token = token_asset(deployment.payout_token.address)
    roots = [Key(account, ROOT) for account in ("active", "pending")]
    return [Key(deployment.vault, token), *roots, Key("vault", CLAIMED)]


def _vault(state: State) -> Questions:
    vault = Contract("PayoutVault", state.deployment.vault)
    held, owed = state.vault_reserve()
    yield Question("vault reserve", vault, "reserveStatus", (), (held, owed, coverage(held, owed)))

    def totals(raw: bytes) -> tuple[Any, ...]:
        return tuple(int.from_bytes(raw[offset : offset + 32], "big") for offset in (32, 64))

    active = (state.sum("active", ROOT), -state.sum("vault", CLAIMED))
    yield Question("vault active root", vault, "activeRoot", (), active, totals)
    pending = (state.sum("pending", ROOT),)
    yield Question("vault pending root", vault, "pendingRoot", (), pending, lambda raw: totals(raw)[:1])


def _claims_keys(_: Deployment, account: str) -> list[Key]:
    return [Key(account, CLAIMED)]


def _claims(state: State, account: str) -> Questions:
    vault = Contract("PayoutVault", state.deployment.vault)
    expected = (state.sum(account, CLAIMED),)
    yield Question(f"vault claims of {account}", vault, "claimed", (account,), expected)


def _curve_keys(deployment: Deployment, symbol: str) -> list[Key]:
    owed = [Key(account, curve_asset(symbol)) for account in ("raised", "fees", "pool")]
    token = token_asset(deployment.payout_token.address)
    return [*owed, Key("curve", curve_tokens_asset(symbol)), Key(deployment.curves[symbol].address, token)]


def _curve(state: State, symbol: str) -> Questions:
    address = state.deployment.curves[symbol].address
    curve = Contract("MrtCurve", address)
    raised, fees, pooled = (state.sum(account, curve_asset(symbol)) for account in ("raised", "fees", "pool"))
    sold = -state.sum("curve", curve_tokens_asset(symbol))
    held = state.sum(address, token_asset(state.deployment.payout_token.address))
    status = (held, raised + fees, coverage(held, raised + fees))
    yield Question(f"{symbol} curve raised", curve, "raised", (), (raised + pooled,))
    yield Question(f"{symbol} curve sold", curve, "sold", (), (sold,))
    yield Question(f"{symbol} curve reserve", curve, "reserveStatus", (), status)


def _token_keys(_: Deployment, token: str, holder: str) -> list[Key]:
    return [Key(holder, token_asset(token))]


def _token(state: State, token: str, holder: str) -> Questions:
    expected = (state.sum(holder, token_asset(token)),)
    contract = Contract("TestToken", token)
    yield Question(f"balance of {holder} in {token}", contract, "balanceOf", (holder,), expected)


_SUBJECTS: dict[str, Kind] = {
    "hub": Kind(_hub_keys, _hub),
    "market": Kind(_market_keys, _market),
    "balance": Kind(_balance_keys, _balance),
    "epoch": Kind(_epoch_keys, _epoch),
    "position": Kind(_position_keys, _position),
    "vault": Kind(_vault_keys, _vault),
    "claims": Kind(_claims_keys, _claims),
    "curve": Kind(_curve_keys, _curve),
    "token": Kind(_token_keys, _token),
    **RACE_SUBJECTS,
    **MRT_SUBJECTS,
}
