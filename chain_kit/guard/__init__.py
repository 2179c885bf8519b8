"""What keeps keepers from harm: one process per signer, budgets, breakers, and a signal that is missed."""

from chain_kit.guard.breaker import ActionHaltedError, Breaker, Halt
from chain_kit.guard.budget import Budget, BudgetExceededError, Counted
from chain_kit.guard.clock import Clock, chain_clock
from chain_kit.guard.deadman import DeadMan
from chain_kit.guard.figures import Figures
from chain_kit.guard.guard import Guard
from chain_kit.guard.lease import Lease, LeaseHeldError

__all__ = [
    "ActionHaltedError",
    "Breaker",
    "Budget",
    "BudgetExceededError",
    "Clock",
    "Counted",
    "DeadMan",
    "Figures",
    "Guard",
    "Halt",
    "Lease",
    "LeaseHeldError",
    "chain_clock",
]
