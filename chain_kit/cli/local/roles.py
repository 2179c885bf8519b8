"""Who acts on a local chain. All keys are of anvil's public mnemonic; the first ten are the user's."""

from __future__ import annotations

from dataclasses import dataclass

from chain_kit.dev_accounts import dev_signer
from chain_kit.signers import Signer

__all__ = ["FIRST_ROLE", "USER_ACCOUNTS", "Roles", "roles", "trader_indices"]

USER_ACCOUNTS = 10
FIRST_ROLE = USER_ACCOUNTS
_ROLES = 9


@dataclass(frozen=True)
class Roles:
    """Indices of the mnemonic's accounts that run the system, and how many accounts anvil must make."""

    deployer: int
    resolver: int
    claimer: int
    reporters: tuple[int, ...]
    racers: tuple[int, ...]
    """Three who bet on the race, and bring the curve to its end."""
    accounts: int

    def signer(self, index: int) -> Signer:
        """The signer of one account of the mnemonic."""
        return dev_signer(index)

    @property
    def reporter_addresses(self) -> tuple[str, ...]:
        """The addresses of the quorum that signs prices."""
        return tuple(self.signer(index).address for index in self.reporters)


def roles(traders: int = 0) -> Roles:
    """The roles of a system with `traders` of its own."""
    first = FIRST_ROLE
    needed = trader_indices(traders)[-1] + 1 if traders else 0
    reporters, racers = range(first + 3, first + 6), range(first + 6, first + _ROLES)
    accounts = max(first + _ROLES, needed)
    return Roles(first, first + 1, first + 2, tuple(reporters), tuple(racers), accounts)


def trader_indices(count: int) -> list[int]:
    """The accounts that trade: the user's ten, and then those after the roles."""
    after = range(FIRST_ROLE + _ROLES, FIRST_ROLE + _ROLES + max(0, count - USER_ACCOUNTS))
    return [*range(min(count, USER_ACCOUNTS)), *after]
