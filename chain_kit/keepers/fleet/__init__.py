"""Many keepers in one process, and how they stand."""

from chain_kit.keepers.fleet.fleet import Fleet
from chain_kit.keepers.fleet.parts import FeedPrices, KeeperParts, choose_names

__all__ = ["FeedPrices", "Fleet", "KeeperParts", "choose_names"]
