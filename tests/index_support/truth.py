"""What the contracts of a model world answer to `eth_call`: from its books, as of the block asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_abi.abi import encode

from chain_kit.abi_codec import AbiEntry, functions_of, load_abi
from indexer.blocks import Block
from tests.index_support.chain import CURVE, DEPLOYMENT, address_of

if TYPE_CHECKING:
    from tests.index_support.world import Books, World

__all__ = ["WorldTruth"]

OUTCOMES = {None: 0, "YES": 1, "NO": 2, "VOID": 3}
NONE, POSTED, VOID = range(3)
UNLIMITED = 2**256 - 1


class _At(NamedTuple):
    """A world as of one block."""

    world: World
    books: Books
    now: int


_Answer = Callable[..., tuple[Any, ...]]


class WorldTruth:
    """A `Truth` of every block that a world has seen, on whatever branch."""

    def __init__(self, world: World) -> None:
        self._world = world

    def call(self, block: Block, to: str, data: bytes) -> bytes:
        """The result as the contract encodes it. Raises ValueError for a function that is not modelled."""
        contract = _CONTRACTS.get(to.lower())
        if contract is None:
            return b""
        function = _selectors(contract).get(data[:4])
        answer = _ANSWERS.get((contract, function.name)) if function else None
        if function is None or answer is None:
            raise ValueError(f"execution reverted: {contract} has no {data[:4].hex()}")
        at = _At(self._world, self._books(block), block.timestamp)
        # The tokens are told apart by address, where all else is by kind.
        where = (to.lower(),) if contract == "TestToken" else ()
        values = answer(at, *where, *function.decode_inputs(data[4:]))
        return encode(_output_types(contract, function.name), values)

    def _books(self, block: Block) -> Books:
        """Those of the block, or of the last one before it in which the world did something."""
        books, chain = self._world.by_hash, self._world.chain
        while block.hash not in books:
            if block.parent_hash not in chain.known:
                return books[self._world.born]
            block = chain.known[block.parent_hash]
        return books[block.hash]


_CONTRACTS = {
    DEPLOYMENT.hub.lower(): "EpochHub",
    DEPLOYMENT.oracle.lower(): "BoundaryOracle",
    DEPLOYMENT.vault.lower(): "PayoutVault",
    **{curve.address.lower(): "MrtCurve" for curve in DEPLOYMENT.curves.values()},
    str(DEPLOYMENT.races).lower(): "RaceMarket",
    CURVE.token.lower(): "MrtToken",
    CURVE.lock.lower(): "LiquidityLock",
    CURVE.staking.lower(): "LpStaking",
    **{address.lower(): "TestToken" for address in DEPLOYMENT.token_addresses},
}


@cache
def _selectors(contract: str) -> dict[bytes, AbiEntry]:
    return {entry.selector: entry for entry in functions_of(contract).values()}


@cache
def _output_types(contract: str, function: str) -> list[str]:
    entry = next(e for e in load_abi(contract) if e["type"] == "function" and e["name"] == function)
    return [
        f"({','.join(part['type'] for part in one['components'])})" if one["type"] == "tuple" else one["type"]
        for one in entry["outputs"]
    ]


def _status(held: int, owed: int) -> tuple[int, int, int]:
    return held, owed, held * 10**18 // owed if owed else UNLIMITED


def _market(at: _At, _: int) -> tuple[Any, ...]:
    return (at.world.market_terms(at.books),)


def _epoch_state(at: _At, _: int, epoch: int) -> tuple[Any, ...]:
    house = (at.books.house[epoch, 0], at.books.house[epoch, 1])
    return (at.books.sets[epoch], *house, epoch in at.books.settled)


def _house_state(at: _At, _: int, epoch: int) -> tuple[int, ...]:
    quoted = (at.books.quoted(epoch, 0), at.books.quoted(epoch, 1))
    return (*quoted, at.books.retired[epoch, 0], at.books.retired[epoch, 1], 0)


def _outcome(at: _At, _: int, epoch: int) -> tuple[int, int, int]:
    start = at.world.genesis + (epoch - 1) * 300
    prices = (at.books.prices.get(instant) or 0 for instant in (start, start + 300))
    return (OUTCOMES[at.world.outcome(epoch, at.now, at.books)], *prices)  # type: ignore[return-value]


def _position(at: _At, _: int, epoch: int, account: str) -> tuple[int, int]:
    return at.books.shares[account, epoch, 0], at.books.shares[account, epoch, 1]


def _claimable(at: _At, market: int, epoch: int, account: str) -> tuple[int]:
    yes, no = _position(at, market, epoch, account)
    outcome = at.world.outcome(epoch, at.now, at.books)
    return (0 if outcome is None else {"YES": yes, "NO": no, "VOID": (yes + no) // 2}[outcome],)


def _boundary(at: _At, _: bytes, instant: int) -> tuple[int, int]:
    price = at.books.prices.get(instant)
    if price is not None:
        return POSTED, price
    return (VOID if instant in at.books.prices or at.now > instant + at.world.deadline else NONE), 0


def _vault_status(at: _At) -> tuple[int, ...]:
    owed = max(at.books.active, at.books.pending or 0) - at.books.claimed.total()
    return _status(at.books.vault_tokens, owed)


def _progress(books: Books) -> int:
    return 10_000 if books.pooled else min(books.raised * 10_000 // CURVE.target, 9_999)


def _roots(at: _At) -> tuple[Any, ...]:
    return bytes(32), at.books.active, at.books.claimed.total()


def _pending(at: _At) -> tuple[Any, ...]:
    return bytes(32), at.books.pending or 0, 0


def _decimals(_: _At, token: str) -> tuple[int]:
    tokens = (DEPLOYMENT.collateral, DEPLOYMENT.payout_token)
    return (next(one.decimals for one in tokens if one.address.lower() == token),)


def _balance(at: _At, token: str, holder: str) -> tuple[int]:
    books = at.books
    if token == DEPLOYMENT.collateral.address.lower():
        return (books.hub_tokens if holder == DEPLOYMENT.hub else 0,)
    if holder == DEPLOYMENT.vault:
        return (books.vault_tokens,)
    return (books.raised + books.fees if holder == CURVE.address else 0,)


_ANSWERS: dict[tuple[str, str], _Answer] = {
    ("EpochHub", "reserveStatus"): lambda at: _status(at.books.hub_tokens, at.books.liabilities()),
    ("EpochHub", "marketCount"): lambda at: (1 if at.books.opened else 0,),
    ("EpochHub", "facadeOf"): lambda _, __: (address_of("BTC facade"),),
    ("EpochHub", "market"): _market,
    ("EpochHub", "collateralOf"): lambda at, account: (at.books.balance[account],),
    ("EpochHub", "epochState"): _epoch_state,
    ("EpochHub", "houseState"): _house_state,
    ("EpochHub", "outcomeOf"): _outcome,
    ("EpochHub", "positionOf"): _position,
    ("EpochHub", "claimable"): _claimable,
    ("BoundaryOracle", "boundaryOf"): _boundary,
    ("PayoutVault", "reserveStatus"): _vault_status,
    ("PayoutVault", "claimed"): lambda at, account: (at.books.claimed[account],),
    ("PayoutVault", "activeRoot"): _roots,
    ("PayoutVault", "pendingRoot"): _pending,
    ("MrtCurve", "raised"): lambda at: (at.books.raised + at.books.pooled,),
    ("MrtCurve", "sold"): lambda at: (at.books.curve_tokens.total(),),
    ("MrtCurve", "reserveStatus"): lambda at: _status(
        at.books.raised + at.books.fees, at.books.raised + at.books.fees
    ),
    ("MrtCurve", "graduationProgress"): lambda at: (_progress(at.books),),
    ("RaceMarket", "reserveStatus"): lambda _: _status(0, 0),
    ("RaceMarket", "raceCount"): lambda _: (0,),
    ("MrtToken", "totalSupply"): lambda at: (at.books.mrt.total(),),
    ("MrtToken", "balanceOf"): lambda at, account: (at.books.mrt[account],),
    ("LiquidityLock", "owed"): lambda _: (0, 0),
    ("LpStaking", "owed"): lambda _: (0, 0),
    ("LpStaking", "totalStaked"): lambda _: (0,),
    ("TestToken", "decimals"): _decimals,
    ("TestToken", "balanceOf"): _balance,
}
