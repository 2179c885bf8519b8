"""The ABI files, as the compiler wrote them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import orjson

__all__ = ["abi_names", "load_abi"]


@cache
def abi_names() -> tuple[str, ...]:
    """The names of all contracts that have an ABI file here, sorted."""
    folder = resources.files("chain_kit").joinpath("abi")
    names = (file.name for file in folder.iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


@cache
def load_abi(name: str) -> tuple[dict[str, Any], ...]:
    """The ABI of the contract `name`, one of `abi_names()`, as the compiler wrote it."""
    text = resources.files("chain_kit").joinpath("abi", f"{name}.json").read_bytes()
    return tuple(orjson.loads(text))
