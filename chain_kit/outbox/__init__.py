"""The outbox: an intent is written down before it is sent, and is done when its effect holds on chain."""

from chain_kit.outbox.gate import Gate, Quote
from chain_kit.outbox.intents import (
    Attempt,
    Effect,
    EffectCheck,
    Effects,
    Intent,
    Kind,
    Level,
    Offer,
    Outcome,
    Row,
    State,
)
from chain_kit.outbox.journal import Journal, LeaseLostError
from chain_kit.outbox.preflight import NotWorthItError
from chain_kit.outbox.sender import Sender
from chain_kit.outbox.stepper import ExpiredError

__all__ = [
    "Attempt",
    "Effect",
    "EffectCheck",
    "Effects",
    "ExpiredError",
    "Gate",
    "Intent",
    "Journal",
    "Kind",
    "LeaseLostError",
    "Level",
    "NotWorthItError",
    "Offer",
    "Outcome",
    "Quote",
    "Row",
    "Sender",
    "State",
]
