from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chain_kit.redaction import HIDDEN, redacted, redacted_fields, remember

KEY = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
# Words that appear in none of the templates, long enough not to appear by chance.
SECRETS = st.text(st.sampled_from(string.ascii_letters + string.digits), min_size=10, max_size=40).map(
    lambda text: f"Zq{text}"
)
# Anything that a password may hold: all that a URL's userinfo takes as it is.
ODD = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "@/?#:;&=+$,!'()*[]%\\\"-._~"), min_size=3
)
WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


class TestWhatStays:
    """What an operator reads logs for."""

    @pytest.mark.parametrize(
        "line",
        [
            "post BTC/USD@1700000100: nonce 5 is not replaced: the fee cap is 500000000000 wei",
            "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266 holds 5 wei, the token is 0xf39Fd6e5",
            "keeper seed: done at block 5",
            "no answer from http://127.0.0.1:8545: it took too long",
            "the tokens are there; MrtToken: minted",
        ],
    )
    def test_plain_lines(self, line: str) -> None:
        """Addresses, amounts, hosts and reasons."""
        assert redacted(line) == line

    def test_a_hash_keeps_what_finds_it(self) -> None:
        """`tx show` takes the beginning of one."""
        assert redacted(f"transaction {KEY} with nonce 5") == "transaction 0x4c0883a6… with nonce 5"

    def test_a_field_that_is_a_hash_keeps_all_of_it(self) -> None:
        """But not one that was remembered, nor one that is something else."""
        other = "0x" + "5" * 64
        remember(other)

        shown = redacted_fields({"tx_hash": KEY, "block_hash": other, "key": KEY, "root": KEY.upper()})

        assert shown == {
            "tx_hash": KEY, "block_hash": HIDDEN, "key": "0x4c0883a6…", "root": "0X4C0883A6…",
        }  # fmt: skip

    def test_fields_keep_their_shape(self) -> None:
        """Numbers, lists and truth are themselves; bytes are counted."""
        fields = {"n": 5, "ok": True, "none": None, "list": [1, "a"], "in": {"a": 1.5}, "raw": b"abc"}

        assert redacted_fields(fields) == {**fields, "raw": "(3 bytes)"}


@given(
    WORDS,
    st.integers(1, 2**256 - 1),
    st.sampled_from(["0x", "0X", "", "key=", "'", "[", "https://h/"]),
    WORDS,
)
@example("", 1, "0x", "")
def test_no_key_passes(before: str, number: int, prefix: str, after: str) -> None:
    """As hex in any case, within longer hex, or as bytes: whatever stands around it."""
    digits = f"{number:064x}"
    raw = number.to_bytes(32, "big")

    for text in (digits, digits.upper(), "00" * 4 + digits + "ff" * 40):
        assert digits[8:] not in redacted(f"{before}{prefix}{text}{after}").lower()
    assert repr(raw)[2:-1] not in redacted(f"{before} {raw!r} {after}")
    assert str(raw) not in str(redacted_fields({"x": raw, "y": [raw], "z": {"a": raw}}))


@given(
    ODD, ODD, st.sampled_from(["https", "postgresql", "wss", "postgresql+asyncpg", "HTTP"]), SECRETS, WORDS
)
def test_no_credentials_in_urls_pass(user: str, password: str, scheme: str, secret: str, after: str) -> None:
    """User, password, path and query: escaped as they ought to be, or as somebody typed them."""
    user, password = f"{user}{secret}1", f"{password}{secret}2"
    for shape in (
        f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@db.example:5432/{secret}?key={secret}",
        f"{scheme}://{user}:{password}@db.example/x",
        f"{scheme}://{password}@db.example",
        f"{scheme}://{secret}:123/{password}@db.example/x",
        f"{scheme}://db.example/v2/{secret}",
        f"{scheme}://db.example?{secret}",
    ):
        for text in (shape, f"could not reach '{shape}', {after}", f"({shape})"):
            assert secret.lower() not in redacted(text).lower(), text


@given(
    st.sampled_from(["Bearer ", "bearer  ", "BASIC ", "Authorization: Bearer ", "authorization=Basic "]),
    SECRETS,
    WORDS,
)
def test_no_bearer_token_passes(prefix: str, secret: str, after: str) -> None:
    """In a header, or quoted."""
    assert secret not in redacted(f"sent {prefix}{secret} {after}")
    assert secret not in redacted(f"{{'headers': '{prefix}{secret}'}}")


@given(
    st.sampled_from(
        ["password", "Password", "db_password", "passphrase", "secret", "client_secret", "token",
         "access_token", "api_key", "API-Key", "private key", "privateKey", "mnemonic", "credentials"]
    ),
    st.sampled_from(["=", ": ", '": "', "' : '", " = "]),
    SECRETS,
    SECRETS,
)  # fmt: skip
def test_nothing_assigned_to_a_secrets_name_passes(name: str, sign: str, one: str, two: str) -> None:
    """Not even its second word; nor a field of that name."""
    shown = redacted(f"tried {name}{sign}{one} {two}'")

    assert one not in shown
    assert two not in shown
    field = name.replace(" ", "_").replace("-", "_")
    assert redacted_fields({field: one}) == {field: HIDDEN}
    assert one not in str(redacted_fields({"config": {field: [one]}}))


@given(SECRETS, WORDS, WORDS)
def test_what_was_remembered_passes_nowhere(secret: str, before: str, after: str) -> None:
    """Whatever it looks like."""
    remember(secret)

    assert secret not in redacted(f"{before}{secret}{after}")
    assert secret not in str(redacted_fields({"tx_hash": secret, secret: 5, "list": [secret]}))
