"""How many blocks to ask for at once: as many as give a good answer, and no more than a node allows."""

from __future__ import annotations

__all__ = ["Span"]

_FIRST = 100
_LOGS = 2_400
_BYTES_PER_LOG = 1_000
_SLOW_SECONDS = 5.0
_AGAIN_AFTER = 8
_AGAIN_AFTER_NAMED = 256


class Span:
    """Grows while answers are small and quick, to some thousand logs; shrinks when they are refused."""

    def __init__(self, most_blocks: int, *, first: int = _FIRST, logs: int = _LOGS) -> None:
        self._most = most_blocks
        self._limit = most_blocks
        self._logs = logs
        self._good = 0
        self._again_after = _AGAIN_AFTER
        self.size = min(first, most_blocks)
        self.known = False
        """Whether any answer has shown what is a good number."""

    def answered(self, blocks: int, logs: int, size: int, seconds: float) -> None:
        """Of so many blocks there were so many logs, in an answer of `size` bytes that took so long."""
        self.known = True
        weight = max(logs, size // _BYTES_PER_LOG // 2, 1)
        wanted = blocks * self._logs // weight
        if seconds > _SLOW_SECONDS:
            wanted = min(wanted, blocks // 2)
        if blocks >= self._limit < self._most:
            self._good += 1
            if self._good >= self._again_after:
                # It was refused once; that may have been the logs of those blocks.
                self._good = 0
                self._limit = min(self._most, self._limit + self._limit // 8 + 1)
        self.size = max(1, min(wanted, 2 * max(self.size, blocks), self._limit))

    def refused(self, blocks: int, allowed: int | None = None) -> int:
        """So many blocks were too many; `allowed` are what the node named. Gives how many to ask for now."""
        fewer = max(1, min(blocks // 2, blocks - 1) if allowed is None else allowed)
        self.known = True
        self._good = 0
        self._again_after = _AGAIN_AFTER if allowed is None else _AGAIN_AFTER_NAMED
        self._limit = fewer
        self.size = min(self.size, fewer)
        return fewer
