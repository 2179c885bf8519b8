"""A deployment's specification as a TOML file. Token amounts in it are whole tokens, as decimal strings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from chain_kit.deploy.feed_specification import REPORTS, ChainlinkSpec, FeedSpec, PythSpec
from chain_kit.deploy.specification import (
    TEST_FACTORY,
    DeploymentSpec,
    MarketSpec,
    RaceSpec,
    TokenSpec,
)
from chain_kit.errors import ChainKitError, SettingError
from chain_kit.networks import BASE, PYTH_IDS, addresses_of
from chain_kit.units import checksum_address, parse_units

__all__ = ["load_specification"]

BASE_TIMELOCK_DELAY = 172_800
"""Seconds: two days, in which whoever does not like what the owner announces can leave."""
_ROLES = ("owner", "guardian", "operator", "treasury")
_NUMBERS = ("report_threshold", "report_deadline", "root_delay", "surplus_delay", "timelock_delay")
_AMOUNTS = ("liquidity", "house_budget", "daily_budget", "curve_target")
_ID = re.compile(r"0x[0-9a-fA-F]{64}")


def load_specification(path: Path, *, chain_id: int) -> DeploymentSpec:
    """The specification in the file at `path`. What has an address on the chain is the chain's own.

    Raises SettingError, which names the field, for whatever cannot be used.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(
            f"{path} cannot be read: {error}", hint="give a TOML file: docs/deploy.md shows one"
        ) from None
    try:
        return _specification(document, addresses_of(chain_id), _timelock_delay(chain_id))
    except ChainKitError as error:
        raise SettingError(f"{path}: {error.message}", hint=error.hint) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise SettingError(f"{path}: {error}", hint="docs/deploy.md shows what each field takes") from None


def _timelock_delay(chain_id: int) -> int:
    return BASE_TIMELOCK_DELAY if chain_id == BASE.chain_id else DeploymentSpec.timelock_delay


def _specification(document: dict[str, Any], known: Mapping[str, str], timelock_delay: int) -> DeploymentSpec:
    _check_names(document, {field.name for field in fields(DeploymentSpec)}, "")
    for name in ("reporters", "report_threshold", "markets"):
        if name not in document:
            raise SettingError(
                f"{name} is missing", hint="say who signs prices, how many must, and which markets"
            )
    collateral = _token(document.get("collateral", {}), "collateral", TokenSpec("CYM1", 18), known)
    payout_token = _token(document.get("payout_token", {}), "payout_token", TokenSpec("USDC", 6), known)
    named: dict[str, Any] = {name: checksum_address(document[name]) for name in _ROLES if name in document}
    if "match_operators" in document:
        named["match_operators"] = tuple(map(checksum_address, document["match_operators"]))
    numbers: dict[str, Any] = {"timelock_delay": timelock_delay, **_integers(document, _NUMBERS, "")}
    return DeploymentSpec(
        reporters=tuple(document["reporters"]),
        markets=tuple(_market(row, collateral, payout_token) for row in document["markets"]),
        races=tuple(_race(row) for row in document.get("races", [])),
        feeds=tuple(_feed(row, known, numbers) for row in document.get("feeds", [])),
        pyth=_pyth(document.get("pyth", {}), known),
        chainlink=_chainlink(document.get("chainlink", {})),
        collateral=collateral,
        payout_token=payout_token,
        pool_factory=_pool_factory(document, known),
        **numbers,
        **named,
    )


def _token(row: dict[str, Any], name: str, default: TokenSpec, known: Mapping[str, str]) -> TokenSpec:
    _check_names(row, {field.name for field in fields(TokenSpec)}, f"{name}.")
    symbol = str(row.get("symbol", default.symbol))
    decimals = _integers(row, ("decimals",), f"{name}.").get("decimals", default.decimals)
    return TokenSpec(symbol, decimals, _address(row.get("address", known.get(symbol))))


def _pool_factory(document: dict[str, Any], known: Mapping[str, str]) -> str | None:
    given = document.get("pool_factory", known.get("AerodromeFactory"))
    return TEST_FACTORY if given == TEST_FACTORY else _address(given)


def _market(row: dict[str, Any], collateral: TokenSpec, payout_token: TokenSpec) -> MarketSpec:
    names = _require(row, MarketSpec, "markets", ("symbol", "feed", "liquidity"))
    amounts: dict[str, Any] = {
        name: parse_units(
            str(row[name]), payout_token.decimals if name == "curve_target" else collateral.decimals
        )
        for name in _AMOUNTS
        if name in row
    }
    plain = names - {"symbol", "feed", *_AMOUNTS}
    numbers: dict[str, Any] = _integers(row, plain, "markets.")
    return MarketSpec(symbol=str(row["symbol"]), feed=str(row["feed"]), **amounts, **numbers)


def _race(row: dict[str, Any]) -> RaceSpec:
    _require(row, RaceSpec, "races", ("symbol", "assets", "positions"))
    numbers: dict[str, Any] = _integers(row, ("positions", "genesis"), "races.")
    return RaceSpec(symbol=str(row["symbol"]), assets=_texts(row["assets"], "races.assets"), **numbers)


def _feed(row: dict[str, Any], known: Mapping[str, str], numbers: Mapping[str, int]) -> FeedSpec:
    _require(row, FeedSpec, "feeds", ("name",))
    name = str(row["name"])
    adapters = _texts(row.get("adapters", [REPORTS]), "feeds.adapters")
    deadlines = row.get("deadlines", [])
    if adapters == (REPORTS,) and not deadlines:
        deadlines = [numbers.get("report_deadline", DeploymentSpec.report_deadline)]
    pyth_id = row.get("pyth_id", PYTH_IDS.get(name))
    if pyth_id is not None and (not isinstance(pyth_id, str) or _ID.fullmatch(pyth_id) is None):
        raise SettingError(f"feeds.pyth_id is {pyth_id!r}", hint="write 0x and 64 hexadecimal digits")
    return FeedSpec(
        name=name,
        adapters=adapters,
        deadlines=tuple(_integer(one, "feeds.deadlines") for one in deadlines),
        pyth_id=pyth_id.lower() if pyth_id else None,
        aggregator=_address(row.get("aggregator", known.get(f"Chainlink {name}"))),
        max_age=_integers(row, ("max_age",), "feeds.").get("max_age"),
    )


def _pyth(row: dict[str, Any], known: Mapping[str, str]) -> PythSpec:
    names = {field.name for field in fields(PythSpec)}
    _check_names(row, names, "pyth.")
    numbers: dict[str, Any] = _integers(row, names - {"address"}, "pyth.")
    return PythSpec(address=_address(row.get("address", known.get("Pyth"))), **numbers)


def _chainlink(row: dict[str, Any]) -> ChainlinkSpec:
    names = {field.name for field in fields(ChainlinkSpec)}
    _check_names(row, names, "chainlink.")
    return ChainlinkSpec(**_integers(row, names, "chainlink."))


# ---------------------------------------------------------------- fields


def _address(value: Any) -> str | None:
    return None if value is None else checksum_address(value)


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise SettingError(f"{name} is {value!r}, not a list of names", hint='write it as ["BTC/USD"]')
    return tuple(value)


def _integer(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingError(f"{name} is {value!r}, not a whole number", hint="write it without quotes")
    return value


def _integers(row: dict[str, Any], names: tuple[str, ...] | set[str], prefix: str) -> dict[str, int]:
    """Those of the whole numbers that the table has."""
    return {name: _integer(row[name], f"{prefix}{name}") for name in names if name in row}


def _require(row: dict[str, Any], kind: Any, table: str, needed: tuple[str, ...]) -> set[str]:
    """The fields that such a table can have; raises SettingError if it has others, or lacks one needed."""
    names = {field.name for field in fields(kind)}
    _check_names(row, names, f"{table}.")
    for name in needed:
        if name not in row:
            raise SettingError(f"{table}.{name} is missing", hint=f"each needs {', '.join(needed)}")
    return names


def _check_names(row: dict[str, Any], known: set[str], prefix: str) -> None:
    for name in row:
        if name not in known:
            raise SettingError(
                f"unknown field {prefix}{name}", hint=f"fields here: {', '.join(sorted(known))}"
            )
