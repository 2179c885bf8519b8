"""The adapters that vouch for prices. Which feeds one serves is fixed: those that come later get another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chain_kit.deploy.builder import Builder, Dependent
from chain_kit.deploy.feed_specification import ADAPTERS, CHAINLINK, PYTH, REPORTS
from chain_kit.deploy.specification import DeploymentSpec
from chain_kit.oracle import feed_id

__all__ = ["Served", "build_adapters"]

Served = Mapping[str, Mapping[str, str]]
"""Addresses by the adapter's name in the specification, and by feed."""


class _Source(NamedTuple):
    """Where one feed's prices are: Pyth's id, or Chainlink's proxy and the age that its rounds may have."""

    feed: str
    at: str
    max_age: int


def build_adapters(builder: Builder, spec: DeploymentSpec) -> Served:
    """The adapters of all feeds, deployed where they are missing. The signed reports' is always there."""
    reports = builder.contract(
        ADAPTERS[REPORTS],
        ADAPTERS[REPORTS],
        (list(spec.reporters), spec.report_threshold),
        dependents=_registered(builder, [feed.name for feed in spec.all_feeds if REPORTS in feed.adapters]),
    )
    return {
        REPORTS: {feed.name: reports for feed in spec.all_feeds},
        PYTH: _build(builder, spec, PYTH),
        CHAINLINK: _build(builder, spec, CHAINLINK),
    }


def _build(builder: Builder, spec: DeploymentSpec, kind: str) -> dict[str, str]:
    """The adapters of one kind, by the feeds that they serve."""
    wanted = _wanted(spec, kind)
    served: dict[str, str] = {}
    number = 1
    while True:
        name = ADAPTERS[kind] if number == 1 else f"{ADAPTERS[kind]}:{number}"
        # What an adapter was made with and is named no more stays as it is.
        group = [wanted.get(source.feed, source) for source in _recorded(builder, name, kind)]
        group = group or [source for source in wanted.values() if source.feed not in served]
        if not group:
            return served
        dependents = _registered(builder, [source.feed for source in group if source.feed in wanted])
        address = builder.contract(name, ADAPTERS[kind], _arguments(spec, kind, group), dependents=dependents)
        served |= {source.feed: address for source in group}
        number += 1


def _wanted(spec: DeploymentSpec, kind: str) -> dict[str, _Source]:
    feeds = [feed for feed in spec.all_feeds if kind in feed.adapters]
    if kind == PYTH:
        return {feed.name: _Source(feed.name, str(feed.pyth_id), 0) for feed in feeds}
    default = spec.chainlink.max_age
    return {feed.name: _Source(feed.name, str(feed.aggregator), feed.max_age or default) for feed in feeds}


def _recorded(builder: Builder, name: str, kind: str) -> Iterator[_Source]:
    """What the adapter called `name` has been made with."""
    record = builder.manifest.contracts.get(name)
    if record is None:
        return
    if kind == PYTH:
        _, ids, sources, *_ = record.arguments
        ages = ["0"] * len(ids)
    else:
        ids, sources, ages = record.arguments
    for identity, source, age in zip(ids, sources, ages, strict=True):
        yield _Source(bytes.fromhex(identity[2:]).rstrip(b"\0").decode(), source, int(age))


def _arguments(spec: DeploymentSpec, kind: str, group: Sequence[_Source]) -> tuple[Any, ...]:
    ids = [feed_id(source.feed) for source in group]
    if kind == PYTH:
        price_ids = [bytes.fromhex(source.at[2:]) for source in group]
        return spec.pyth.address, ids, price_ids, spec.pyth.max_gap, spec.pyth.max_confidence_bps
    return ids, [source.at for source in group], [source.max_age for source in group]


def _registered(builder: Builder, feeds: Iterable[str]) -> Iterable[Dependent]:
    """Those of the feeds that are registered: the oracle holds their adapters' addresses."""
    oracle = builder.manifest.contracts.get("BoundaryOracle")
    for name in feeds:
        record = builder.manifest.feeds.get(name)
        if record is not None and oracle is not None:
            yield f"feed {name}", oracle.address, ", ".join(record.adapters)
