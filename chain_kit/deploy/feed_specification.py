"""Where a feed's prices come from: signed reports, and what follows when they do not come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chain_kit.errors import SettingError

__all__ = ["ADAPTERS", "CHAINLINK", "PYTH", "REPORTS", "ChainlinkSpec", "FeedSpec", "PythSpec"]

REPORTS, PYTH, CHAINLINK = "reports", "pyth", "chainlink"
ADAPTERS: Final = {
    REPORTS: "SignedReportAdapter",
    PYTH: "PythAdapter",
    CHAINLINK: "ChainlinkAdapter",
}
"""The contracts, by the names under which a specification has them."""
LEAST_DEADLINE, MOST_DEADLINE = 300, 7 * 86_400
MOST_GAP = 299
"""Seconds: an update later than that could be the next boundary's."""
BPS = 10_000


@dataclass(frozen=True)
class PythSpec:
    """Pyth on this chain, and which of its updates are accepted. Raises SettingError.

    An update counts that was published within `max_gap` seconds after a boundary, with a confidence
    interval of no more than `max_confidence_bps` of the price.
    """

    address: str | None = None
    max_gap: int = 60
    max_confidence_bps: int = 50

    def __post_init__(self) -> None:
        if not 0 <= self.max_gap <= MOST_GAP:
            raise SettingError(f"pyth.max_gap is {self.max_gap} s", hint=f"from 0 to {MOST_GAP} s")
        if not 1 <= self.max_confidence_bps <= BPS:
            raise SettingError(
                f"pyth.max_confidence_bps is {self.max_confidence_bps}", hint=f"from 1 to {BPS}"
            )


@dataclass(frozen=True)
class ChainlinkSpec:
    """How many seconds before a boundary a round may have been updated, unless its feed says otherwise.

    Raises SettingError.
    """

    max_age: int = 3600

    def __post_init__(self) -> None:
        _check_age("chainlink.max_age is", self.max_age)


@dataclass(frozen=True)
class FeedSpec:
    """A feed, its adapters in their order, and until when each is due (seconds after a boundary).

    `pyth_id` is Pyth's id of it (0x and 64 digits), `aggregator` Chainlink's proxy, `max_age` the age in
    seconds that its rounds may have. Raises SettingError.
    """

    name: str
    adapters: tuple[str, ...]
    deadlines: tuple[int, ...]
    pyth_id: str | None = None
    aggregator: str | None = None
    max_age: int | None = None

    def __post_init__(self) -> None:
        known = ", ".join(ADAPTERS)
        if not self.adapters or len(set(self.adapters)) != len(self.adapters):
            raise SettingError(
                f"feed {self.name} has the adapters {', '.join(self.adapters) or 'none'}",
                hint=f"name at least one, each once, of {known}",
            )
        for adapter in self.adapters:
            if adapter not in ADAPTERS:
                raise SettingError(f"feed {self.name} has an adapter {adapter!r}", hint=f"there are {known}")
        ascending = all(one < two for one, two in zip(self.deadlines, self.deadlines[1:], strict=False))
        if len(self.deadlines) != len(self.adapters) or not ascending:
            raise SettingError(
                f"feed {self.name} has the deadlines {', '.join(map(str, self.deadlines)) or 'none'}",
                hint="one for each of its adapters, each later than the one before",
            )
        if self.deadlines[0] < LEAST_DEADLINE or self.deadlines[-1] > MOST_DEADLINE:
            raise SettingError(
                f"feed {self.name} has the deadlines {', '.join(map(str, self.deadlines))}",
                hint=f"each from {LEAST_DEADLINE} to {MOST_DEADLINE} s",
            )
        if self.max_age is not None:
            _check_age(f"feed {self.name} has max_age", self.max_age)

    def check(self, pyth: str | None) -> None:
        """Raises SettingError if an adapter of this feed lacks what it needs."""
        if PYTH in self.adapters:
            if pyth is None:
                raise SettingError(
                    f"feed {self.name} takes pyth, and none is known on this chain",
                    hint="name it: pyth.address",
                )
            if self.pyth_id is None:
                raise SettingError(
                    f"feed {self.name} takes pyth, and has no pyth_id",
                    hint="Pyth lists the ids of its prices",
                )
        if CHAINLINK in self.adapters and self.aggregator is None:
            raise SettingError(
                f"feed {self.name} takes chainlink, and none is known for it on this chain",
                hint="name Chainlink's proxy of this price: feeds.aggregator",
            )


def _check_age(what: str, max_age: int) -> None:
    if not 1 <= max_age <= MOST_DEADLINE:
        raise SettingError(f"{what} {max_age} s", hint=f"from 1 to {MOST_DEADLINE} s")
