"""A chain in memory for the deployer: contracts are names and arguments; what is sent is written down."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from chain_kit.errors import RevertedError, SendError
from chain_kit.units import checksum_address, keccak256
from tests.system_support.fake_timelock import FakeTimelocks

__all__ = ["FakeChain"]

SENDER = checksum_address("0x" + "a1" * 20)
_OWNER_ARGUMENT = {"BoundaryOracle": 0, "EpochHub": 0, "RaceMarket": 0, "PayoutVault": 0, "TestToken": 3}


class FakeChain(FakeTimelocks):
    """Does what the contracts do, as far as the deployer sees it. `sent` lists what was sent, in order.

    `breaks_at` breaks the connection at the n-th transaction: before it is sent, or, if `lost`, after it has
    been mined but before anybody hears of it.
    """

    sender = SENDER

    def __init__(self, *, chain_id: int = 31337, genesis: str = "11") -> None:
        self.chain_id = chain_id
        self.genesis_hash = "0x" + genesis * 32
        self.timestamp = 1_700_000_000
        self.sent: list[str] = []
        self.height = 0
        self.breaks_at: int | None = None
        self.lost = False
        self._code: dict[str, bytes] = {}
        self._made: dict[str, tuple[str, tuple[Any, ...]]] = {}
        self._feeds: dict[tuple[str, bytes], tuple[list[str], list[int]]] = {}
        self._markets: dict[str, list[SimpleNamespace]] = {}
        self._races: dict[str, list[SimpleNamespace]] = {}
        self._operators: set[tuple[str, str]] = set()
        self.owners: dict[str, str] = {}
        self._offered: dict[str, str] = {}
        self._events: dict[tuple[str, str, bytes], tuple[str, int]] = {}
        self.balances: dict[tuple[str, str], int] = {}

    # ---------------------------------------------------------------- what the deployer asks

    def code_hash(self, address: str) -> str | None:
        """The hash of what stands at an address."""
        code = self._code.get(address)
        return None if code is None else "0x" + keccak256(code).hex()

    def deploy(self, contract: str, arguments: tuple[Any, ...]) -> tuple[str, str, int]:
        """A new contract."""
        transaction = self._send(f"new {contract}", lambda: self._create(contract, arguments))
        return self._last, transaction, self.height

    def transact(self, contract: str, address: str, function: str, *arguments: Any) -> tuple[str, int]:
        """A call that changes something."""
        self._require(contract, address)
        name = function.partition("(")[0]

        def effect() -> None:
            self._effect(address, name, *arguments)

        return self._send(f"{contract}.{name}", effect), self.height

    def call(self, contract: str, address: str, function: str, *arguments: Any) -> Any:
        """A view."""
        self._require(contract, address)
        return getattr(self, f"_view_{function}")(address, *arguments)

    def find_event(
        self, contract: str, address: str, event: str, indexed: bytes, *, first_block: int
    ) -> tuple[str, int] | None:
        """Where an event is from."""
        self._require(contract, address)
        found = self._events.get((address, event, indexed))
        return found if found and found[1] >= first_block else None

    # ---------------------------------------------------------------- what a test does

    def place(self, contract: str, *arguments: Any) -> str:
        """Puts a contract of somebody else's on the chain."""
        self._create(contract, arguments)
        return self._last

    def vanish(self, address: str) -> None:
        """Takes the code away, as on a chain that began anew."""
        self._code.pop(address, None)

    def replace(self, address: str) -> None:
        """Puts other code at an address."""
        self._code[address] += b"!"

    def markets_of(self, hub: str) -> list[SimpleNamespace]:
        """The markets of a hub, in the order of their ids."""
        return self._markets.get(hub, [])

    def races_of(self, market: str) -> list[SimpleNamespace]:
        """The races of a race market, in the order of their ids."""
        return self._races.get(market, [])

    def act_as(self, sender: str) -> None:
        """From here on another account sends."""
        self.sender = sender

    # ---------------------------------------------------------------- inside

    def _effect(self, address: str, function: str, *arguments: Any) -> None:
        effect: Callable[..., None] = getattr(self, f"_{function}")
        effect(address, *arguments)

    def _send(self, what: str, effect: Callable[[], None]) -> str:
        broken = self.breaks_at is not None and len(self.sent) + 1 == self.breaks_at
        if broken and not self.lost:
            self.breaks_at = None
            raise SendError(f"{what} could not be sent")
        self.height += 1
        effect()
        self.sent.append(what)
        if broken:
            self.breaks_at = None
            raise SendError(f"{what}: no answer")
        return self._hash(self.height)

    def _hash(self, number: int) -> str:
        return f"0x{number:064x}"

    def _emit(self, address: str, event: str, indexed: bytes) -> None:
        self._events[address, event, indexed] = (self._hash(self.height), self.height)

    def _require(self, contract: str, address: str) -> None:
        made = self._made.get(address)
        assert address in self._code, f"nothing at {address}"
        assert made is not None
        assert contract == made[0], f"{made[0]} at {address}, not {contract}"

    def _only_owner(self, address: str) -> None:
        if self.owners[address] != self.sender:
            raise RevertedError("OwnableUnauthorizedAccount", error_name="OwnableUnauthorizedAccount")

    def _create(self, contract: str, arguments: tuple[Any, ...]) -> None:
        number = len(self._made) + 1
        address = checksum_address(f"0x{number:040x}")
        self._made[address] = (contract, arguments)
        self._code[address] = f"{contract}{arguments}".encode()
        if contract in _OWNER_ARGUMENT:
            self.owners[address] = arguments[_OWNER_ARGUMENT[contract]]
        if contract == "Timelock":
            self.open_timelock(address, *arguments)
        if contract == "MrtCurve":
            self._create("MrtToken", arguments[0][:2])
        self._last = address

    # ---------------------------------------------------------------- what the contracts do

    def _registerFeed(  # noqa: N802
        self, oracle: str, feed: bytes, adapters: list[str], deadlines: list[int]
    ) -> None:
        self._only_owner(oracle)
        if (oracle, feed) in self._feeds:
            raise RevertedError("FeedExists", error_name="FeedExists")
        self._feeds[oracle, feed] = ([adapter.lower() for adapter in adapters], list(deadlines))
        self._emit(oracle, "FeedRegistered", feed)

    def _setMatchOperator(self, contract: str, operator: str, allowed: bool) -> None:  # noqa: N802
        self._only_owner(contract)
        (self._operators.add if allowed else self._operators.discard)((contract, operator))

    def _createRace(self, market: str, *arguments: Any) -> None:  # noqa: N802
        races = self._races.setdefault(market, [])
        fields = dict(zip(("symbol", "feeds", "positions", "genesis"), arguments, strict=True))
        races.append(SimpleNamespace(creator=self.sender, **fields))
        self._emit(market, "RaceCreated", len(races).to_bytes(32, "big"))

    def _createMarket(self, hub: str, *arguments: Any) -> None:  # noqa: N802
        markets = self._markets.setdefault(hub, [])
        market_id = len(markets) + 1
        self._create("MarketFacade", (hub, market_id))
        names = ("feed", "symbol", "genesis", "terms")
        fields = dict(zip(names, arguments, strict=True))
        terms = ("liquidity", "closingLiquidityBps", "feeBps", "closingFeeBps", "dailyBudget")
        fields |= dict(zip(terms, fields.pop("terms"), strict=True))
        markets.append(SimpleNamespace(facade=self._last, creator=self.sender, houseBudget=0, **fields))
        self._emit(hub, "MarketCreated", market_id.to_bytes(32, "big"))

    def _mint(self, token: str, account: str, amount: int) -> None:
        self._only_owner(token)
        self._move(token, account, amount)

    def _approve(self, token: str, spender: str, amount: int) -> None:
        self.balances[token, f"allowance {spender}"] = amount

    def _deposit(self, hub: str, account: str, amount: int) -> None:
        token = self._made[hub][1][1]
        self._move(token, f"allowance {hub}", -amount)
        self._move(token, self.sender, -amount)
        self._move(hub, account, amount)

    def _fundHouse(self, hub: str, market_id: int, amount: int) -> None:  # noqa: N802
        self._move(hub, self.sender, -amount)
        self._markets[hub][market_id - 1].houseBudget += amount
        self._emit(hub, "HouseFunded", market_id.to_bytes(32, "big"))

    def _transferOwnership(self, contract: str, owner: str) -> None:  # noqa: N802
        self._only_owner(contract)
        self._offered[contract] = owner

    def _acceptOwnerships(self, timelock: str, contracts: list[str]) -> None:  # noqa: N802
        for contract in contracts:
            if self._offered.pop(contract, None) != timelock:
                raise RevertedError("OwnableUnauthorizedAccount", error_name="OwnableUnauthorizedAccount")
            self.owners[contract] = timelock

    def _move(self, place: str, account: str, amount: int) -> None:
        left = self.balances.get((place, account), 0) + amount
        if left < 0:
            raise RevertedError("InsufficientCollateral", error_name="InsufficientCollateral")
        self.balances[place, account] = left

    # ---------------------------------------------------------------- what they answer

    def _view_decimals(self, token: str) -> int:
        return int(self._made[token][1][2])

    def _view_balanceOf(self, token: str, account: str) -> int:  # noqa: N802
        return self.balances.get((token, account), 0)

    def _view_allowance(self, token: str, _: str, spender: str) -> int:
        return self.balances.get((token, f"allowance {spender}"), 0)

    def _view_collateralOf(self, hub: str, account: str) -> int:  # noqa: N802
        return self.balances.get((hub, account), 0)

    def _view_owner(self, contract: str) -> str:
        return self.owners[contract].lower()

    def _view_pendingOwner(self, contract: str) -> str:  # noqa: N802
        return self._offered.get(contract, "0x" + "0" * 40)

    def _view_isMatchOperator(self, contract: str, operator: str) -> bool:  # noqa: N802
        return (contract, operator) in self._operators

    def _view_isFeed(self, oracle: str, feed: bytes) -> bool:  # noqa: N802
        return (oracle, feed) in self._feeds

    def _view_adaptersOf(self, oracle: str, feed: bytes) -> tuple[list[str], list[int]]:  # noqa: N802
        return self._feeds[oracle, feed]

    def _view_marketCount(self, hub: str) -> int:  # noqa: N802
        return len(self.markets_of(hub))

    def _view_market(self, hub: str, market_id: int) -> SimpleNamespace:
        return self.markets_of(hub)[market_id - 1]

    def _view_raceCount(self, market: str) -> int:  # noqa: N802
        return len(self.races_of(market))

    def _view_raceOf(self, market: str, race_id: int) -> SimpleNamespace:  # noqa: N802
        return self.races_of(market)[race_id - 1]

    def _view_token(self, curve: str) -> str:
        return checksum_address(f"0x{int(curve, 16) + 1:040x}")

    def _view_pool(self, curve: str) -> str:
        return self._derived(curve, b"pool")

    def _view_lock(self, curve: str) -> str:
        return self._derived(curve, b"lock")

    def _view_staking(self, curve: str) -> str:
        return self._derived(curve, b"staking")

    @staticmethod
    def _derived(curve: str, part: bytes) -> str:
        return checksum_address("0x" + keccak256(bytes.fromhex(curve[2:]) + part)[12:].hex())
