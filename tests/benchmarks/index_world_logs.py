"""Logs of our contracts from plain values, as quickly as Python makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eth_abi.abi import encode

from chain_kit.abi_codec import load_abi
from chain_kit.units import keccak256

__all__ = ["RawLog", "emitter", "log_with_text"]

RawLog = tuple[str, tuple[str, ...], str]
"""Address, topics, data."""


def _event(contract: str, name: str) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Topic 0 and the fields."""
    entry = next(item for item in load_abi(contract) if item["type"] == "event" and item["name"] == name)
    kinds = ",".join(item["type"] for item in entry["inputs"])
    return "0x" + keccak256(f"{name}({kinds})".encode()).hex(), entry["inputs"]


def emitter(address: str, contract: str, name: str) -> Callable[..., RawLog]:
    """Makes logs of an event whose fields are all single words."""
    topic, inputs = _event(contract, name)
    indexed = [n for n, item in enumerate(inputs) if item["indexed"]]
    plain = [n for n, item in enumerate(inputs) if not item["indexed"]]

    def emit(*values: int) -> RawLog:
        topics = (topic, *[f"0x{values[n]:064x}" for n in indexed])
        return address, topics, "0x" + "".join([f"{values[n]:064x}" for n in plain])

    return emit


def log_with_text(address: str, contract: str, name: str, values: Mapping[str, Any]) -> RawLog:
    """A log of an event that has text among its fields, from values by name as eth_abi takes them."""
    topic, inputs = _event(contract, name)
    indexed = [item for item in inputs if item["indexed"]]
    plain = [item for item in inputs if not item["indexed"]]
    topics = (topic, *("0x" + encode([item["type"]], [values[item["name"]]]).hex() for item in indexed))
    data = encode([item["type"] for item in plain], [values[item["name"]] for item in plain])
    return address, topics, "0x" + data.hex()
