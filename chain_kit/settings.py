"""Settings, each with where it came from.

A flag beats the environment, which beats the project file, which beats the default. The environment's names
are CHAIN_KIT_ and the setting in upper case; ETH_RPC_URL, which other tools share, comes after
CHAIN_KIT_RPC_URL. The file is `chain-kit.toml` in the current folder; paths in it are relative to it. No
setting is a secret: passwords come from standard input or a prompt.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain_kit.errors import SettingError, UnknownNetworkError
from chain_kit.networks import LOCAL, NETWORKS, resolve_network
from chain_kit.urls import public_url

__all__ = ["FILE_NAME", "KEYS", "Key", "Settings"]

FILE_NAME = "chain-kit.toml"
_HTTP = ("http://", "https://")
_WEBSOCKET = ("ws://", "wss://")
_POSTGRES = ("postgresql://", "postgres://", "postgresql+asyncpg://")
_LOG_LEVELS = ("debug", "info", "warning", "error")
_LOG_FORMATS = ("text", "json")


@dataclass(frozen=True)
class Key:
    """One setting: how it is read (`parse` raises ValueError with the reason) and what it is for."""

    name: str
    parse: Callable[[str], Any]
    description: str
    environment: tuple[str, ...]
    is_path: bool = False


def _network(value: str) -> str:
    try:
        resolve_network(value)
    except UnknownNetworkError as error:
        raise ValueError(f"{error.message}; {error.hint}") from None
    return value


def _urls(value: str) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in value.split(","))
    if not all(url.startswith((*_HTTP, *_WEBSOCKET)) for url in urls) or not _first_http(urls):
        raise ValueError("must start with http:// or https://; ws:// and wss:// may come after a comma")
    return urls


def _ws_url(value: str) -> str:
    if not value.startswith(_WEBSOCKET):
        raise ValueError("must start with ws:// or wss://")
    return value


def _first_http(urls: Sequence[str]) -> str:
    return next((url for url in urls if url.startswith(_HTTP)), "")


def _chain_id(value: str) -> int:
    if not value.isdecimal() or int(value) == 0:
        raise ValueError("must be a whole number above zero")
    return int(value)


def _log_level(value: str) -> str:
    if value.lower() not in _LOG_LEVELS:
        raise ValueError(f"must be one of {', '.join(_LOG_LEVELS)}")
    return value.lower()


def _log_format(value: str) -> str:
    if value.lower() not in _LOG_FORMATS:
        raise ValueError(f"must be one of {', '.join(_LOG_FORMATS)}")
    return value.lower()


def _path(value: str) -> Path:
    if not value:
        raise ValueError("must be a path")
    return Path(value).expanduser()


def _database(value: str) -> Path | str:
    return value if "://" in value else _path(value)


def _outbox(value: str) -> Path | str:
    if "://" in value and not value.startswith(_POSTGRES):
        raise ValueError("must be a path, or start with postgresql://")
    return _database(value)


def _key(name: str, parse: Callable[[str], Any], description: str, *shared: str) -> Key:
    environment = (f"CHAIN_KIT_{name.upper()}", *shared)
    return Key(name, parse, description, environment, is_path=parse in (_path, _database, _outbox))


KEYS = (
    _key("network", _network, f"{', '.join(NETWORKS)}, or an http(s) URL"),
    _key("rpc_url", _urls, "the node to use; the index asks others too, after commas", "ETH_RPC_URL"),
    _key("ws_url", _ws_url, "a node that pushes new blocks to the index"),
    _key("chain_id", _chain_id, "the chain id that the node must have"),
    _key("deployment", _path, "the deployment manifest"),
    _key("database", _database, "the index: a SQLite file, or a postgresql:// URL"),
    _key("outbox", _outbox, "the sender's journal: a SQLite file, or a postgresql:// URL"),
    _key("keystore", _path, "the encrypted keystore to sign with"),
    _key("log_level", _log_level, ", ".join(_LOG_LEVELS)),
    _key("log_format", _log_format, "text, or json: one object a line"),
)
"""Every setting, in the order in which `config show` lists them."""


@dataclass(frozen=True)
class Settings:
    """The settings of one run. `origins` says where each came from, in words."""

    network: str
    rpc_url: str
    """The first HTTP URL."""
    rpc_urls: tuple[str, ...]
    """All of them, HTTP and WebSocket, `ws_url` included."""
    ws_url: str | None
    chain_id: int | None
    """None if nothing says which chain is expected: any will do."""
    deployment: Path
    database: Path | str
    outbox: Path | str
    keystore: Path | None
    log_level: str
    log_format: str
    origins: Mapping[str, str]

    @classmethod
    def load(
        cls,
        flags: Mapping[str, object | None] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        file: Path | None = None,
    ) -> Settings:
        """The settings from all four layers.

        `flags` are what the command line gave, by setting name, None for what it did not. `file` must exist
        if it is given; without it `chain-kit.toml` is read if it is there. Raises SettingError, which names
        the setting, its value and its origin.
        """
        environ = os.environ if environ is None else environ
        layers = [
            {
                name: (str(value), f"flag --{name.replace('_', '-')}")
                for name, value in (flags or {}).items()
                if value is not None
            },
            _from_environment(environ),
            _from_file(file or Path(FILE_NAME), required=file is not None),
        ]
        values: dict[str, Any] = {}
        origins: dict[str, str] = {}
        for key in KEYS:
            found = next((layer[key.name] for layer in layers if key.name in layer), None)
            if found is not None:
                values[key.name], origins[key.name] = _parse(key, *found), found[1]
        _add_defaults(values, origins)
        values |= _endpoints(values["rpc_url"], values["ws_url"])
        return cls(**values, origins=origins)

    def shown(self) -> list[tuple[str, str, str]]:
        """(name, value, origin) of every setting, fit to print: URLs without their credentials."""
        rows = []
        for key in KEYS:
            value = getattr(self, key.name)
            text = "" if value is None else str(value)
            shown = public_url(text) if "://" in text else text
            if key.name == "rpc_url":
                shown = ", ".join(public_url(url) for url in self.rpc_urls if url != self.ws_url)
            rows.append((key.name, shown, self.origins[key.name]))
        return rows


Layer = dict[str, tuple[str, str]]


def _parse(key: Key, value: str, origin: str) -> Any:
    try:
        return key.parse(value)
    except ValueError as error:
        shown = public_url(value) if "://" in value else repr(value)
        raise SettingError(f"{key.name} {shown} ({origin}): {error}") from None


def _from_environment(environ: Mapping[str, str]) -> Layer:
    layer: Layer = {}
    for key in KEYS:
        for name in key.environment:
            if environ.get(name):
                layer.setdefault(key.name, (environ[name], f"environment {name}"))
    return layer


def _from_file(file: Path, *, required: bool) -> Layer:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingError(f"no settings file at {file}") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{file} cannot be read: {error}", hint="mend the file, or remove it") from None
    keys = {key.name: key for key in KEYS}
    layer: Layer = {}
    for name, value in document.items():
        if name not in keys:
            raise SettingError(f"{file} has an unknown setting {name!r}", hint=f"settings: {', '.join(keys)}")
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise SettingError(f"{file}: {name} must be text or a whole number, not {value!r}")
        text = str(value)
        if keys[name].is_path and text and "://" not in text:
            text = str(file.parent / Path(text).expanduser())
        layer[name] = (text, f"file {file}")
    return layer


def _endpoints(urls: tuple[str, ...], ws_url: str | None) -> dict[str, Any]:
    every = urls if ws_url is None or ws_url in urls else (*urls, ws_url)
    return {"rpc_url": _first_http(urls), "rpc_urls": every}


def _add_defaults(values: dict[str, Any], origins: dict[str, str]) -> None:
    def default(name: str, value: object, origin: str = "default") -> None:
        if name not in values:
            values[name], origins[name] = value, origin

    named, by_url = "network" in values, "rpc_url" in values
    default("network", LOCAL.name)
    network = resolve_network(values["network"])
    origin = f"network {network.name}" if named else "default"
    default("rpc_url", (network.rpc_url,), origin)
    default("ws_url", None)
    # A URL alone says nothing of the chain behind it: no id is expected then.
    default("chain_id", network.chain_id if named or not by_url else None, origin)
    chain = values["chain_id"] or LOCAL.chain_id
    default("deployment", Path("deployments") / f"{chain}.json")
    default("database", Path("deployments") / f"{chain}.db")
    default("outbox", Path("deployments") / f"{chain}-outbox.db")
    default("keystore", None)
    default("log_level", "info")
    default("log_format", "text")
