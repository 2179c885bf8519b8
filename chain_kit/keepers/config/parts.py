"""The parts of the keepers' file that all keepers share: chain, signer, fees, health, lease, reporters."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chain_kit.fees import FeePolicy
from chain_kit.keepers.config.fields import ConfigError, Fields

__all__ = [
    "FEE_KEYS",
    "ChainConfig",
    "HttpConfig",
    "LeaseConfig",
    "ReportersConfig",
    "SignerConfig",
    "read_chain",
    "read_database",
    "read_fees",
    "read_http",
    "read_lease",
    "read_reporters",
    "read_signer",
]

_KINDS = ("keystore", "ape_account", "dev_account", "remote_url")
_REMOTE_KINDS = ("eth_signTransaction", "web3signer")
_LONGEST_TTL = 300.0


@dataclass(frozen=True)
class ChainConfig:
    """Where the chain is, and the deployment on it. `index` is where the claim keeper asks who is owed."""

    rpc_urls: tuple[str, ...]
    chain_id: int
    deployment: Path
    index: Path | str | None


@dataclass(frozen=True)
class SignerConfig:
    """The one account that sends: exactly one of the first four is given."""

    keystore: Path | None = None
    ape_account: str | None = None
    dev_account: int | None = None
    remote_url: str | None = None
    address: str | None = None
    """The account: a remote signer's, or whose another key must be. `kind` is what the remote one speaks."""
    kind: str = _REMOTE_KINDS[0]
    password_file: Path | None = None
    token_file: Path | None = None
    """A bearer token for the remote signer."""


@dataclass(frozen=True)
class HttpConfig:
    """Where metrics and health are served; port 0 takes a free one."""

    host: str
    port: int


@dataclass(frozen=True)
class LeaseConfig:
    """How long the lease outlives its holder, and by which name an operator knows this process."""

    ttl_seconds: float
    holder: str


@dataclass(frozen=True)
class ReportersConfig:
    """The quorum's keys that are at hand here."""

    keystores: tuple[Path, ...] = ()
    dev_accounts: tuple[int, ...] = ()
    password_file: Path | None = None


def read_chain(root: Fields) -> ChainConfig:
    """`[chain]`. Raises ConfigError."""
    known = ("rpc_urls", "rpc_urls_file", "chain_id", "deployment", "index", "index_file")
    fields = root.table("chain", known)
    lines, urls = fields.secret_lines("rpc_urls"), fields.texts("rpc_urls")
    if lines is not None and urls:
        raise fields.refuse("rpc_urls_file", "and rpc_urls are both given", "keep one of them")
    name = "rpc_urls" if lines is None else "rpc_urls_file"
    given = urls if lines is None else lines
    if not given:
        raise fields.missing(name, 'give one or more nodes: rpc_urls = ["https://…"]')
    if len(set(given)) != len(given):
        raise fields.refuse(name, "names one of them twice", "give each once")
    http = ("http", "https")
    return ChainConfig(
        rpc_urls=tuple(fields.checked_url(name, url, http, secret=lines is not None) for url in given),
        chain_id=fields.whole("chain_id", least=1),
        deployment=fields.required_path("deployment", must_exist=True),
        index=read_database(fields, "index") if "index" in fields or "index_file" in fields else None,
    )


def read_database(fields: Fields, name: str) -> Path | str:
    """A SQLite file's path, or a PostgreSQL URL."""
    if f"{name}_file" in fields or "://" in fields.text(name):
        return fields.url(name, ("postgresql", "postgres"))
    return fields.required_path(name)


def read_signer(root: Fields, *, to_run: bool = True) -> SignerConfig:
    """`[signer]`; its files must be there if it is `to_run`. Raises ConfigError."""
    known = (*_KINDS, "remote_url_file", "address", "kind", "token_file", "password_file")
    fields = root.table("signer", known)
    given = [kind for kind in _KINDS if kind in fields or f"{kind}_file" in fields]
    if len(given) != 1:
        raise ConfigError(
            f"{fields.file}: [signer] has {', '.join(given) or 'no key'}",
            hint=f"give exactly one of {', '.join(_KINDS)}",
        )
    is_remote = given == ["remote_url"]
    for name in ("kind", "token_file"):
        if name in fields and not is_remote:
            raise fields.refuse(name, "goes with remote_url only", "take it away")
    if "password_file" in fields and given[0] not in ("keystore", "ape_account"):
        raise fields.refuse("password_file", f"does not go with {given[0]}", "take it away")
    return SignerConfig(
        keystore=fields.path("keystore", must_exist=to_run),
        ape_account=fields.text("ape_account") if "ape_account" in fields else None,
        dev_account=fields.whole("dev_account", most=1_000) if "dev_account" in fields else None,
        remote_url=fields.url("remote_url") if is_remote and to_run else None,
        address=fields.address("address") if is_remote or "address" in fields else None,
        kind=fields.choice("kind", _REMOTE_KINDS, None if is_remote else _REMOTE_KINDS[0]),
        password_file=fields.path("password_file", must_exist=to_run),
        token_file=fields.path("token_file", must_exist=to_run),
    )


FEE_KEYS = {
    "max_fee_gwei": "max_fee_wei",
    "max_priority_fee_gwei": "max_priority_fee_wei",
    "min_priority_fee_gwei": "min_priority_fee_wei",
    "priority_percentile": "percentile",
    "history_blocks": "blocks",
    "headroom": "headroom",
    "bump_percent": "bump_percent",
    "stuck_seconds": "stuck_seconds",
    "max_times_suggested": "max_times_suggested",
}
"""Fields of the fee policy by their keys."""
_BOUNDS = {
    "priority_percentile": (1, 99),
    "history_blocks": (1, 1_024),
    "headroom": (1, 10),
    "bump_percent": (10, 100),
    "stuck_seconds": (1, 3_600),
    "max_times_suggested": (1, 100),
}


def read_fees(fields: Fields) -> FeePolicy:
    """`[fees]`. Raises ConfigError."""
    values: dict[str, int] = {}
    for name in fields.names():
        if name in _BOUNDS:
            least, most = _BOUNDS[name]
            values[FEE_KEYS[name]] = fields.whole(name, least=least, most=most)
        else:
            values[FEE_KEYS[name]] = fields.required_units(name, 9)
    policy = FeePolicy(**values)
    if policy.min_priority_fee_wei > min(policy.max_priority_fee_wei, policy.max_fee_wei):
        name = "min_priority_fee_gwei" if "min_priority_fee_gwei" in fields else "max_priority_fee_gwei"
        raise fields.refuse(name, "leaves no tip: the least is above the most", "raise the cap")
    return policy


def read_http(root: Fields) -> HttpConfig | None:
    """`[http]`; without it nothing is served. Raises ConfigError."""
    if "http" not in root:
        return None
    fields = root.table("http", ("host", "port"))
    return HttpConfig(fields.text("host", "127.0.0.1"), fields.whole("port", 9464, most=65_535))


def read_lease(fields: Fields) -> LeaseConfig:
    """`[lease]`. Raises ConfigError."""
    ttl_seconds = fields.seconds("ttl_seconds", 8.0)
    if not 1.0 <= ttl_seconds <= _LONGEST_TTL:
        raise fields.refuse("ttl_seconds", "is out of bounds", f"give 1 to {_LONGEST_TTL:g}")
    return LeaseConfig(ttl_seconds, fields.text("holder", f"{socket.gethostname()}:{os.getpid()}"))


def read_reporters(root: Fields, *, to_run: bool = True) -> ReportersConfig:
    """`[reporters]`; its files must be there if they are `to_run`. Raises ConfigError."""
    fields = root.table("reporters", ("keystores", "dev_accounts", "password_file"))
    keystores: Sequence[Path] = [fields.file.parent / Path(p).expanduser() for p in fields.texts("keystores")]
    for path in keystores:
        if to_run and not path.exists():
            raise fields.refuse("keystores", "is not there", f"there is no {path}")
    return ReportersConfig(
        tuple(keystores),
        tuple(fields.wholes("dev_accounts")),
        fields.path("password_file", must_exist=to_run),
    )
