"""The outbox: an intent is written down before it is sent, and is done when its effect holds on chain."""

from chain_kit.outbox.intents import Effect, EffectCheck, Effects, Intent, Outcome, Row, State
from chain_kit.outbox.journal import Journal
from chain_kit.outbox.sender import Sender

__all__ = ["Effect", "EffectCheck", "Effects", "Intent", "Journal", "Outcome", "Row", "Sender", "State"]
