"""What reward tokens, their locks and their staking can be asked about (see `subjects`)."""

from __future__ import annotations

from chain_kit.contracts import Contract
from indexer.accounts import Key, curve_asset
from indexer.accounts_mrt import lock_asset, mrt_asset, rewards_asset, staked_asset
from indexer.deployment import Deployment
from indexer.proof.questions import Kind, Question, Questions, Subject
from indexer.state import State

__all__ = ["MRT_SUBJECTS", "mrt_subjects_of"]

_BPS = 10_000


def mrt_subjects_of(key: Key, deployment: Deployment) -> list[Subject]:
    """The subjects of a sum of a reward token; none for any other."""
    kind, _, rest = key.asset.partition(":")
    symbol, is_account = rest.partition(":")[0], key.account.startswith("0x")
    if symbol not in deployment.curves:
        return []
    found: dict[str, Subject] = {
        "mrt": ("mrt-holder", symbol, key.account) if is_account else ("mrt", symbol),
        "lock": ("lock-owed", symbol, key.account) if is_account else ("lock", symbol),
        "staked": ("staked", symbol, key.account) if is_account else ("staking", symbol),
        "rewards": ("staking", symbol),
    }
    return [found[kind]] if kind in found else []


def _token_keys(_: Deployment, symbol: str) -> list[Key]:
    curve = [Key(account, curve_asset(symbol)) for account in ("raised", "pool")]
    return [Key("minted", mrt_asset(symbol)), *curve]


def _token(state: State, symbol: str) -> Questions:
    terms = state.deployment.curves[symbol]
    supply = -state.sum("minted", mrt_asset(symbol))
    token, curve = Contract("MrtToken", terms.token), Contract("MrtCurve", terms.address)
    yield Question(f"supply of the token of {symbol}", token, "totalSupply", (), (supply,))
    raised, pooled = (state.sum(account, curve_asset(symbol)) for account in ("raised", "pool"))
    progress = _BPS if pooled else min(raised * _BPS // terms.target, _BPS - 1)
    yield Question(f"progress of the curve of {symbol}", curve, "graduationProgress", (), (progress,))


def _holder_keys(_: Deployment, symbol: str, account: str) -> list[Key]:
    return [Key(account, mrt_asset(symbol))]


def _holder(state: State, symbol: str, account: str) -> Questions:
    token = Contract("MrtToken", state.deployment.curves[symbol].token)
    held = (state.sum(account, mrt_asset(symbol)),)
    yield Question(f"tokens of {symbol} of {account}", token, "balanceOf", (account,), held)


def _lock_keys(_: Deployment, symbol: str) -> list[Key]:
    return [Key("external", lock_asset(symbol, which)) for which in (0, 1)]


def _lock(state: State, symbol: str) -> Questions:
    lock = Contract("LiquidityLock", state.deployment.curves[symbol].lock)
    owed = tuple(-state.sum("external", lock_asset(symbol, which)) for which in (0, 1))
    yield Question(f"fees that the lock of {symbol} owes", lock, "owed", (), owed)


def _owed_keys(_: Deployment, symbol: str, account: str) -> list[Key]:
    return [Key(account, lock_asset(symbol, which)) for which in (0, 1)]


def _owed(state: State, symbol: str, account: str) -> Questions:
    lock = Contract("LiquidityLock", state.deployment.curves[symbol].lock)
    owed = tuple(state.sum(account, lock_asset(symbol, which)) for which in (0, 1))
    yield Question(f"fees that the lock of {symbol} owes to {account}", lock, "owedTo", (account,), owed)


def _staking_keys(_: Deployment, symbol: str) -> list[Key]:
    owed = [Key("owed", rewards_asset(symbol, which)) for which in (0, 1)]
    return [Key("staking", staked_asset(symbol)), *owed]


def _staking(state: State, symbol: str) -> Questions:
    staking = Contract("LpStaking", state.deployment.curves[symbol].staking)
    total = (-state.sum("staking", staked_asset(symbol)),)
    owed = tuple(state.sum("owed", rewards_asset(symbol, which)) for which in (0, 1))
    yield Question(f"staked shares of the pool of {symbol}", staking, "totalStaked", (), total)
    yield Question(f"rewards that the staking of {symbol} owes", staking, "owed", (), owed)


def _staked_keys(_: Deployment, symbol: str, account: str) -> list[Key]:
    return [Key(account, staked_asset(symbol))]


def _staked(state: State, symbol: str, account: str) -> Questions:
    staking = Contract("LpStaking", state.deployment.curves[symbol].staking)
    held = (state.sum(account, staked_asset(symbol)),)
    yield Question(f"shares of {symbol} staked by {account}", staking, "stakedOf", (account,), held)


MRT_SUBJECTS: dict[str, Kind] = {
    "mrt": Kind(_token_keys, _token),
    "mrt-holder": Kind(_holder_keys, _holder),
    "lock": Kind(_lock_keys, _lock),
    "lock-owed": Kind(_owed_keys, _owed),
    "staking": Kind(_staking_keys, _staking),
    "staked": Kind(_staked_keys, _staked),
}
