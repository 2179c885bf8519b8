"""HTTP to a remote signer: bounded in time and size, without redirects, and without secrets in its errors."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson

from chain_kit.errors import SendError, SettingError, SignerError
from chain_kit.jsonrpc import LOOPBACK
from chain_kit.redaction import SHORTEST_SECRET, redacted, remember
from chain_kit.urls import public_url

__all__ = ["RemoteHttp", "RemoteSignerError", "SignerUnreachableError", "TlsFiles"]

_MOST_BYTES = 1 << 20
_MOST_WORDS = 200
_BUSY = (408, 425, 429, 500, 502, 503, 504)


class SignerUnreachableError(
    SendError, hint="nothing was signed or sent: it is asked again in the next round"
):
    """No answer came from the remote signer, or one that says that it cannot answer now."""


class RemoteSignerError(SignerError, hint="nothing was sent: look at the signer, its keys and its logs"):
    """The remote signer refused, or what it gave is not what it was asked for."""


@dataclass(frozen=True)
class TlsFiles:
    """PEM files: the client's certificate and key, and the authorities by which the server is checked."""

    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None


class RemoteHttp:
    """What all requests to one signer have in common. `who` names it in errors."""

    def __init__(
        self, url: str, *, timeout_seconds: float, token_file: Path | str | None, tls: TlsFiles | None
    ) -> None:
        self.public_url = public_url(url)
        self.who = f"the remote signer at {self.public_url}"
        self._url = _checked_url(url, with_token=token_file is not None)
        self._timeout_seconds = timeout_seconds
        self._token_file = None if token_file is None else Path(token_file)
        self._verify = _context(tls or TlsFiles()) if url.startswith("https:") else False
        self._headers()  # a token that cannot be read is said so at once

    def post(self, path: str, body: Any, *, accept: str = "application/json") -> bytes:
        """The answer to a JSON document."""
        return self._exchange("POST", path, orjson.dumps(body), accept)

    def get(self, path: str) -> bytes:
        """A document."""
        return self._exchange("GET", path, None, "application/json")

    def json(self, body: bytes) -> Any:
        """The JSON value in an answer. Raises SignerUnreachableError if there is none."""
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise SignerUnreachableError(f"{self.who} did not answer in JSON") from None

    def rpc(
        self, method: str, params: Sequence[Any], *, missing: Callable[[int, str], bool] | None = None
    ) -> Any:
        """The result of a JSON-RPC call; None if `missing` says of its error that there is no such method."""
        answer = self.json(self.post("", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        if not isinstance(answer, dict) or answer.get("id") not in (1, None):
            raise SignerUnreachableError(f"{self.who} answered another question")
        error = answer.get("error")
        if error is not None:
            code, words = _error(error)
            if missing is not None and missing(code, words):
                return None
            raise RemoteSignerError(f"{self.who} refuses {method}: {_short(words)} (code {code})")
        if answer.get("result") is None:
            raise SignerUnreachableError(f"{self.who} gave no result for {method}")
        return answer["result"]

    # ------------------------------------------------------------------ inside

    def _exchange(self, verb: str, path: str, content: bytes | None, accept: str) -> bytes:
        headers = {**self._headers(), "accept": accept, "accept-encoding": "identity"}
        headers |= {} if content is None else {"content-type": "application/json"}
        until = time.monotonic() + self._timeout_seconds
        try:
            with (
                httpx.Client(timeout=self._timeout_seconds, verify=self._verify, trust_env=False) as client,
                client.stream(verb, self._url + path, content=content, headers=headers) as response,
            ):
                body = self._read(response, until)
                status = response.status_code
        except httpx.TimeoutException:
            raise SignerUnreachableError(f"{self.who} took longer than {self._timeout_seconds:g} s") from None
        except httpx.HTTPError as error:
            reason = "could not be reached" if isinstance(error, httpx.ConnectError) else "broke off"
            raise SignerUnreachableError(f"{self.who} {reason} ({type(error).__name__})") from None
        self._check(status, body)
        return body

    def _read(self, response: httpx.Response, until: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise RemoteSignerError(f"{self.who} answered with more than {_MOST_BYTES >> 20} MB")
            if time.monotonic() > until:
                raise SignerUnreachableError(f"{self.who} took longer than {self._timeout_seconds:g} s")
        return bytes(body)

    def _check(self, status: int, body: bytes) -> None:
        """Raises unless the answer is one: a JSON-RPC error may come with any status."""
        if status == httpx.codes.OK or (status >= 400 and b'"jsonrpc"' in body and b'"error"' in body):
            return
        if 300 <= status < 400:
            raise RemoteSignerError(f"{self.who} redirects elsewhere (HTTP {status}), which is not followed")
        if status in _BUSY:
            raise SignerUnreachableError(f"{self.who} cannot answer now: HTTP status {status}")
        what = {401: "wants a token", 403: "refuses us", 404: "has no such key or path"}.get(
            status, "refuses"
        )
        raise RemoteSignerError(f"{self.who} {what}: HTTP status {status}")

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        try:
            token = self._token_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SettingError(f"the token file {self._token_file} cannot be read: {reason}") from None
        if len(token) < SHORTEST_SECRET or not token.isprintable() or " " in token:
            what = f"one word of {SHORTEST_SECRET} characters or more"
            raise SettingError(f"the token file {self._token_file} does not hold {what}")
        remember(token)
        return {"authorization": f"Bearer {token}"}


def _checked_url(url: str, *, with_token: bool) -> str:
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        parts = httpx.URL("")
    shown = public_url(url)
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment:
        raise SettingError(
            f"the remote signer's URL {shown} is not an http(s) URL without a query",
            hint="give one such as http://127.0.0.1:9000",
        )
    if parts.userinfo:
        raise SettingError(
            f"the remote signer's URL {shown} holds credentials",
            hint="put a bearer token into a file, and name that",
        )
    if with_token and parts.scheme == "http" and parts.host not in LOOPBACK:
        raise SettingError(
            f"a token would go to {shown} for everybody to read",
            hint="use https, or a signer on this machine",
        )
    return url.rstrip("/")


def _context(tls: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.authorities)
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        names = ", ".join(str(one) for one in (tls.certificate, tls.key, tls.authorities) if one)
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SettingError(f"the remote signer's TLS files cannot be used ({names}): {reason}") from None
    return context


def _no_password() -> str:
    # Without this an encrypted key has OpenSSL ask at the terminal.
    raise ValueError("the key is encrypted")


def _error(error: Any) -> tuple[int, str]:
    if not isinstance(error, dict):
        return 0, str(error)
    code = error.get("code")
    return code if isinstance(code, int) else 0, str(error.get("message", "no message"))


def _short(words: str) -> str:
    plain = "".join(one if one.isprintable() else " " for one in redacted(words))
    return plain if len(plain) <= _MOST_WORDS else f"{plain[:_MOST_WORDS]}…"
