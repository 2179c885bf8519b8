"""Text without secrets, for logs and for what other programs say.

What goes: of a URL everything but scheme, host and port; runs of 64 or more hexadecimal digits but for the
first eight, since a key looks like a hash; what follows "Bearer"; what is assigned to a password, a token, a
secret or a key; bytes literals; and every secret that was given to `remember`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chain_kit.urls import public_url

__all__ = ["HIDDEN", "SHORTEST_SECRET", "redacted", "redacted_fields", "remember"]

HIDDEN = "(hidden)"
SHORTEST_SECRET = 8
"""Shorter text is anywhere by chance: it cannot be hidden."""
_SHOWN_DIGITS = 8

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://\S+")
_TRAILING = ".,;:!)]}'\""
_HEX = re.compile(r"(0[xX])?([0-9a-fA-F]{64,})")
_BEARER = re.compile(r"\b(bearer|basic|digest)(\s+)\S+", re.IGNORECASE)
_NAMES = (
    r"password|passwd|passphrase|pwd|secret|mnemonic|seed[_\- ]?phrase|(?<![a-z])token|credential"
    r"|authori[sz]ation|cookie|(?:api|private|signing|access)[_\- ]?key"
)
_ASSIGNED = re.compile(rf"((?:{_NAMES})\w*[\"']?\s*[=:]\s*)\S.*", re.IGNORECASE)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_BYTES = re.compile(r"\bb(['\"]).*?(?<!\\)\1|bytearray\(.*?\)", re.DOTALL)
_IS_HASH = re.compile(r"(?:^|_)(?:hash|tx|root)$")

_remembered: set[str] = set()


def remember(secret: str) -> None:
    """From now on `redacted` hides this very text; not a short one, which any text may hold."""
    if len(secret) >= SHORTEST_SECRET:
        _remembered.add(secret)


def redacted(text: str) -> str:
    """The text without secrets."""
    for secret in sorted(_remembered, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    lines = (_line(line) for line in text.split("\n"))
    return "\n".join(lines)


def redacted_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values without secrets: a field whose name says that it holds one is hidden whole.

    One whose name says that it is a hash keeps all its digits, as long as it is a string of 32 bytes and none
    that was remembered.
    """
    return {redacted(str(name)): _field(str(name), value) for name, value in fields.items()}


def _field(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return redacted_fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_field(name, one) for one in value]
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 1 << 63):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"({len(value)} bytes)"
    text = str(value)
    is_hash = _IS_HASH.search(name) and re.fullmatch(r"0x[0-9a-f]{64}", text) and text not in _remembered
    return text if is_hash else redacted(text)


def _line(line: str) -> str:
    line = _URL.sub(_public, line)
    line = _BYTES.sub("(bytes)", line)
    line = _BEARER.sub(rf"\1\2{HIDDEN}", line)
    line = _ASSIGNED.sub(rf"\1{HIDDEN}", line)
    return _HEX.sub(_shortened, line)


def _public(match: re.Match[str]) -> str:
    url = match[0].rstrip(_TRAILING)
    trailing = match[0][len(url) :]
    _, *behind = re.split(r"[/?#\\]", url.partition("://")[2])
    if any("@" in part for part in behind):
        # Perhaps what ended the host is part of a password.
        return f"{match[1]}://{HIDDEN}"
    return public_url(url) + trailing


def _shortened(match: re.Match[str]) -> str:
    return f"{match[1] or ''}{match[2][:_SHOWN_DIGITS]}…"
