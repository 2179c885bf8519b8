"""A deployment's specification as a TOML file. Token amounts in it are whole tokens, as decimal strings."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from chain_kit.deploy.specification import DeploymentSpec, MarketSpec, TokenSpec
from chain_kit.errors import ChainKitError, SettingError
from chain_kit.networks import addresses_of
from chain_kit.units import checksum_address, parse_units

__all__ = ["load_specification"]

_ROLES = ("owner", "guardian", "operator", "treasury")
_NUMBERS = ("report_threshold", "report_deadline", "root_delay", "surplus_delay")
_TOP = {*_ROLES, *_NUMBERS, "collateral", "payout_token", "reporters", "markets"}
_TOKEN = {"symbol", "decimals", "address"}
_MARKET = {
    *("symbol", "feed", "liquidity", "fee_bps", "house_budget", "genesis"),
    *("curve_target", "curve_fee_bps", "curve_creator_share_bps"),
}


def load_specification(path: Path, *, chain_id: int) -> DeploymentSpec:
    """The specification in the file at `path`. USDC without an address is the chain's own where it has one.

    Raises SettingError, which names the field, for whatever cannot be used.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(
            f"{path} cannot be read: {error}", hint="give a TOML file: docs/deploy.md shows one"
        ) from None
    try:
        return _specification(document, chain_id)
    except ChainKitError as error:
        raise SettingError(f"{path}: {error.message}", hint=error.hint) from None
    except (TypeError, ValueError, AttributeError) as error:
        raise SettingError(f"{path}: {error}", hint="docs/deploy.md shows what each field takes") from None


def _specification(document: dict[str, Any], chain_id: int) -> DeploymentSpec:
    _check_names(document, _TOP, "")
    for name in ("reporters", "report_threshold", "markets"):
        if name not in document:
            raise SettingError(
                f"{name} is missing", hint="say who signs prices, how many must, and which markets"
            )
    collateral = _token(document.get("collateral", {}), "collateral", TokenSpec("CYM1", 18), chain_id)
    payout_token = _token(document.get("payout_token", {}), "payout_token", TokenSpec("USDC", 6), chain_id)
    numbers: dict[str, Any] = {name: _integer(document[name], name) for name in _NUMBERS if name in document}
    named: dict[str, Any] = {name: checksum_address(document[name]) for name in _ROLES if name in document}
    return DeploymentSpec(
        reporters=tuple(document["reporters"]),
        markets=tuple(_market(row, collateral, payout_token) for row in document["markets"]),
        collateral=collateral,
        payout_token=payout_token,
        **numbers,
        **named,
    )


def _token(row: dict[str, Any], name: str, default: TokenSpec, chain_id: int) -> TokenSpec:
    _check_names(row, _TOKEN, f"{name}.")
    symbol = str(row.get("symbol", default.symbol))
    known = addresses_of(chain_id).get(symbol)
    address = row.get("address", known)
    decimals = _integer(row.get("decimals", default.decimals), f"{name}.decimals")
    return TokenSpec(symbol, decimals, checksum_address(address) if address else None)


def _market(row: dict[str, Any], collateral: TokenSpec, payout_token: TokenSpec) -> MarketSpec:
    _check_names(row, _MARKET, "markets.")
    for name in ("symbol", "feed", "liquidity"):
        if name not in row:
            raise SettingError(
                f"markets.{name} is missing", hint="each market needs symbol, feed and liquidity"
            )
    amounts = {
        "liquidity": collateral.decimals,
        "house_budget": collateral.decimals,
        "curve_target": payout_token.decimals,
    }
    fields: dict[str, Any] = {
        name: parse_units(str(row[name]), decimals) for name, decimals in amounts.items() if name in row
    }
    plain = ("fee_bps", "genesis", "curve_fee_bps", "curve_creator_share_bps")
    numbers: dict[str, Any] = {name: _integer(row[name], f"markets.{name}") for name in plain if name in row}
    return MarketSpec(symbol=str(row["symbol"]), feed=str(row["feed"]), **fields, **numbers)


def _integer(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingError(f"{name} is {value!r}, not a whole number", hint="write it without quotes")
    return value


def _check_names(row: dict[str, Any], known: set[str], prefix: str) -> None:
    for name in row:
        if name not in known:
            raise SettingError(
                f"unknown field {prefix}{name}", hint=f"fields here: {', '.join(sorted(known))}"
            )
