"""How far a range of blocks is proven. Each level has all that is below it."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Level"]


class Level(IntEnum):
    """What is known of a range of blocks."""

    NONE = 0
    """Taken as the node gave it."""
    LINKED = 1
    """Its headers hash to their names and name each other."""
    COMPLETE = 2
    """Its logs are all that its headers' receipts hold, and no other."""
    RECONCILED = 3
    """At its end the sums are what the contracts answer."""

    @property
    def word(self) -> str:
        """As readers see it: "linked"."""
        return self.name.lower()
