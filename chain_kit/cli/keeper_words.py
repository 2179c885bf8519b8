"""What keepers tell while they run: a JSON line on standard output for a program, talk for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chain_kit.cli.output import print_json_line, say

if TYPE_CHECKING:
    from chain_kit.outbox import Outcome

__all__ = ["tell_outcome"]


def tell_outcome(outcome: Outcome, *, json: bool) -> None:
    """An intent's effect holds."""
    intent = outcome.intent
    if json:
        print_json_line(
            {
                "event": intent.action,
                "subjects": list(intent.subjects),
                "transaction": outcome.tx_hash,
                "block": outcome.block_number,
            }
        )
    else:
        by = f"by {outcome.tx_hash}" if outcome.tx_hash else "by somebody else"
        say(f"{intent}: done {by}")
