"""The keepers' file: read, checked, and refused with the reason."""

from chain_kit.keepers.config.fields import ConfigError
from chain_kit.keepers.config.file import FILE_NAME, FleetConfig

__all__ = ["FILE_NAME", "ConfigError", "FleetConfig"]
