from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.datatypes import PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain_kit.errors import ChainKitError, SettingError
from chain_kit.signers import Signer
from chain_kit.signers.remote import (
    RemoteKind,
    RemoteSigner,
    RemoteSignerError,
    SignerUnreachableError,
    TlsFiles,
)
from chain_kit.typed_data import typed_data
from tests.keeper_support.signing_server import SigningServer

KEY, OTHER = "0x" + "11" * 32, "0x" + "22" * 32
LOCAL, STRANGER = Signer(KEY), Signer(OTHER)
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
TOKEN = "Zq-t0ken-Zq"
FIELDS: dict[str, Any] = {
    "type": 2, "chainId": 31337, "nonce": 7, "to": STRANGER.address, "data": b"\x01\x02", "value": 5,
    "gas": 90_000, "maxFeePerGas": 30 * 10**9, "maxPriorityFeePerGas": 10**9,
}  # fmt: skip
MESSAGE = typed_data(
    "chain-kit test", 31337, LOCAL.address,
    {"Report": (("feed", "bytes32"), ("price", "uint256"), ("to", "address"), ("all", "int256[]"))},
    {"feed": b"BTC/USD".ljust(32, b"\0"), "price": 2**200, "to": LOCAL.address, "all": [-5, 2**60]},
)  # fmt: skip
KINDS = list(RemoteKind)


@pytest.fixture(scope="module")
def running() -> Iterator[SigningServer]:
    """A signer that holds two keys."""
    with SigningServer(OTHER, KEY) as server:
        yield server


@pytest.fixture
def server(running: SigningServer) -> SigningServer:
    """The same, as good as new."""
    running.spoil = lambda _path, _method, answer: answer
    running.without = set()
    running.asked.clear()
    return running


def remote(server: SigningServer, kind: RemoteKind, **options: Any) -> RemoteSigner:
    """The signer under test."""
    return RemoteSigner(server.url, LOCAL.address.lower(), kind, **options)


def spoilt(fields: dict[str, Any], key: str = KEY) -> str:
    """Another transaction, signed."""
    return "0x" + bytes(Account.sign_transaction({**FIELDS, **fields}, key).raw_transaction).hex()


@pytest.mark.parametrize("kind", KINDS)
class TestBothKinds:
    """What an answer is worth does not depend on how it was asked for."""

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        nonce=st.integers(0, 2**32),
        value=st.integers(0, 2**128),
        data=st.binary(max_size=200),
        fee=st.integers(0, 2**64),
    )
    def test_the_bytes_are_those_of_a_local_key(
        self, *, server: SigningServer, kind: RemoteKind, nonce: int, value: int, data: bytes, fee: int
    ) -> None:
        """Signatures are deterministic: a key signs the same, wherever it is."""
        fields = {**FIELDS, "nonce": nonce, "value": value, "data": data, "maxFeePerGas": fee}
        fields["maxPriorityFeePerGas"] = fee // 2

        signed = remote(server, kind).sign_transaction(fields)

        assert signed == LOCAL.sign_transaction(fields)
        assert remote(server, kind).transaction_signature(fields) == LOCAL.transaction_signature(fields)

    def test_typed_data(self, server: SigningServer, kind: RemoteKind) -> None:
        """Bytes, addresses, lists and numbers beyond what JSON's readers keep."""
        assert remote(server, kind).sign_typed_data(MESSAGE) == LOCAL.sign_typed_data(MESSAGE)

    def test_the_key_of_somebody_else_is_refused(self, server: SigningServer, kind: RemoteKind) -> None:
        """A right signature by the wrong account is none."""
        other = "0x" + STRANGER._account.sign_message(encode_typed_data(full_message=MESSAGE)).signature.hex()

        def spoil(_path: str, method: str, answer: Any) -> Any:
            if isinstance(answer, list):
                return answer
            if method.startswith("eth_signTyped"):
                return {"jsonrpc": "2.0", "id": 1, "result": other}
            if method:
                return {"jsonrpc": "2.0", "id": 1, "result": spoilt({}, OTHER)}
            return other.encode()

        server.spoil = spoil
        signer = remote(server, kind)
        for ask in (lambda: signer.sign_transaction(FIELDS), lambda: signer.sign_typed_data(MESSAGE)):
            with pytest.raises(RemoteSignerError, match="signed with the key of"):
                ask()

    @pytest.mark.parametrize(
        ("answer", "kind_of_error", "words"),
        [
            ((307, b"http://127.0.0.1:1/elsewhere"), RemoteSignerError, "redirects elsewhere"),
            ((401, b""), RemoteSignerError, "wants a token"),
            ((403, b"secret: Zq"), RemoteSignerError, "refuses us"),
            ((404, b""), RemoteSignerError, "no such key"),
            ((400, b"x"), RemoteSignerError, "HTTP status 400"),
            ((503, b"x"), SignerUnreachableError, "HTTP status 503"),
            ((429, b"x"), SignerUnreachableError, "HTTP status 429"),
            (b"x" * (2 << 20), RemoteSignerError, "more than 1 MB"),
        ],
    )
    def test_what_http_says_becomes_words(
        self,
        server: SigningServer,
        kind: RemoteKind,
        answer: Any,
        kind_of_error: type[ChainKitError],
        words: str,
    ) -> None:
        """Whether it helps to ask again is told apart; a redirect is not followed."""
        server.spoil = lambda *_: answer

        with pytest.raises(kind_of_error, match=words) as caught:
            remote(server, kind).sign_transaction(FIELDS)

        assert "Zq" not in caught.value.message
        assert len(server.asked) == 1

    def test_nobody_there(self, kind: RemoteKind) -> None:
        """It is asked again in the next round: exit code 1, not 4."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            signer = RemoteSigner(f"http://127.0.0.1:{unused.getsockname()[1]}", LOCAL.address, kind)

            with pytest.raises(SignerUnreachableError, match="could not be reached"):
                signer.sign_transaction(FIELDS)

    @pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n0x"])
    def test_one_that_does_not_answer_in_time(self, kind: RemoteKind, first: bytes) -> None:
        """Not at all, or not to the end."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            held: list[socket.socket] = []

            def accept() -> None:
                connection, _ = listening.accept()
                held.append(connection)
                connection.sendall(first)

            thread = threading.Thread(target=accept)
            thread.start()
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            signer = RemoteSigner(url, LOCAL.address, kind, timeout_seconds=0.2)

            with pytest.raises(SignerUnreachableError, match=r"longer than 0\.2 s"):
                signer.sign_transaction(FIELDS)
            thread.join()
            held[0].close()

    def test_a_token_is_sent_and_never_shown(
        self, server: SigningServer, kind: RemoteKind, tmp_path: Path
    ) -> None:
        """Read anew for each request, so that it can be changed."""
        file = tmp_path / "token"
        file.write_text("old-token-Zq\n")
        signer = remote(server, kind, token_file=file)
        file.write_text(f"{TOKEN}\n")

        signer.sign_transaction(FIELDS)
        server.spoil = lambda *_: {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": f"bad {TOKEN}"}}
        with pytest.raises(ChainKitError) as caught:
            signer.sign_transaction({**FIELDS, "nonce": 8})

        assert {headers["authorization"] for _, headers, _ in server.asked} == {f"Bearer {TOKEN}"}
        assert TOKEN not in f"{caught.value} {signer!r}"

    def test_only_what_the_outbox_makes_is_signed(self, server: SigningServer, kind: RemoteKind) -> None:
        """Nothing is asked for another kind of transaction."""
        for more in ({"type": 1}, {"to": None}, {"accessList": [1]}):
            with pytest.raises(RemoteSignerError, match="EIP-1559"):
                remote(server, kind).sign_transaction({**FIELDS, **more})

        assert server.asked == []


class TestJsonRpc:
    """`eth_signTransaction`."""

    def test_asks_as_nodes_have_it(self, server: SigningServer) -> None:
        """Every field, quantities in hex."""
        remote(server, RemoteKind.JSON_RPC).sign_transaction(FIELDS)

        ((path, _, document),) = server.asked
        assert path in ("", "/")
        assert (document["method"], document["jsonrpc"]) == ("eth_signTransaction", "2.0")
        assert document["params"] == [
            {
                "type": "0x2", "from": LOCAL.address, "to": STRANGER.address, "gas": hex(90_000),
                "maxFeePerGas": hex(30 * 10**9), "maxPriorityFeePerGas": hex(10**9), "value": "0x5",
                "nonce": "0x7", "data": "0x0102", "chainId": "0x7a69",
            }
        ]  # fmt: skip

    def test_takes_the_answer_of_geth_and_clef(self, server: SigningServer) -> None:
        """An object with the bytes and the transaction in words."""
        server.spoil = lambda _path, _method, answer: {
            **answer,
            "result": {"raw": answer["result"], "tx": {}},
        }

        signed = remote(server, RemoteKind.JSON_RPC).sign_transaction(FIELDS)

        assert signed == LOCAL.sign_transaction(FIELDS)

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"chainId": 1}, "chainId"),
            ({"nonce": 8}, "nonce"),
            ({"maxPriorityFeePerGas": 2 * 10**9}, "maxPriorityFeePerGas"),
            ({"maxFeePerGas": 31 * 10**9}, "maxFeePerGas"),
            ({"gas": 90_001}, "gas"),
            ({"to": LOCAL.address}, "to"),
            ({"value": 6}, "value"),
            ({"data": b"\x01\x02\x00"}, "data"),
            ({"accessList": [{"address": LOCAL.address, "storageKeys": []}]}, "accessList"),
            ({"to": LOCAL.address, "value": 0}, "to, value"),
        ],
    )
    def test_another_transaction_is_refused_by_the_fields_that_differ(
        self, server: SigningServer, change: dict[str, Any], named: str
    ) -> None:
        """Even though the right key signed it."""
        server.spoil = lambda *_: {"jsonrpc": "2.0", "id": 1, "result": spoilt(change)}

        with pytest.raises(RemoteSignerError, match=f"it differs in {named}$"):
            remote(server, RemoteKind.JSON_RPC).sign_transaction(FIELDS)

    def test_a_legacy_transaction_is_refused(self, server: SigningServer) -> None:
        """Some signers know no other."""
        legacy = {key: FIELDS[key] for key in ("chainId", "nonce", "to", "data", "value", "gas")}
        raw = bytes(Account.sign_transaction({**legacy, "gasPrice": 1}, KEY).raw_transaction)
        server.spoil = lambda *_: {"jsonrpc": "2.0", "id": 1, "result": "0x" + raw.hex()}

        with pytest.raises(RemoteSignerError, match="not an EIP-1559 transaction"):
            remote(server, RemoteKind.JSON_RPC).sign_transaction(FIELDS)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_no_spoilt_answer_gets_through(self, server: SigningServer, data: st.DataObject) -> None:
        """A byte changed, added or missing anywhere: refused, or the very bytes of the right key."""
        right = bytes.fromhex(spoilt({})[2:])
        place = data.draw(st.integers(0, len(right) - 1))
        byte = data.draw(st.binary(max_size=2))
        raw = right[:place] + byte + right[place + data.draw(st.integers(0, 2)) :]
        server.spoil = lambda *_: {"jsonrpc": "2.0", "id": 1, "result": "0x" + raw.hex()}
        signer = remote(server, RemoteKind.JSON_RPC)

        if raw == right:
            assert signer.sign_transaction(FIELDS).raw == right
        else:
            with pytest.raises(RemoteSignerError):
                signer.sign_transaction(FIELDS)

    @pytest.mark.parametrize(
        ("answer", "kind", "words"),
        [
            (b"<html>", SignerUnreachableError, "did not answer in JSON"),
            ({"jsonrpc": "2.0", "id": 9, "result": "0x"}, SignerUnreachableError, "another question"),
            ({"jsonrpc": "2.0", "id": 1, "result": None}, SignerUnreachableError, "no result"),
            ({"jsonrpc": "2.0", "id": 1, "result": 5}, RemoteSignerError, "not an EIP-1559"),
            ({"jsonrpc": "2.0", "id": 1, "result": "0xzz"}, RemoteSignerError, "not an EIP-1559"),
            ([], SignerUnreachableError, "another question"),
            (
                (500, {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "denied\n\x1b[0m"}}),
                RemoteSignerError,
                r"refuses eth_signTransaction: denied  \[0m \(code -32000\)",
            ),
        ],
    )
    def test_odd_answers(
        self, server: SigningServer, answer: Any, kind: type[ChainKitError], words: str
    ) -> None:
        """Each in its words."""
        server.spoil = lambda *_: answer

        with pytest.raises(kind, match=words):
            remote(server, RemoteKind.JSON_RPC).sign_transaction(FIELDS)

    @pytest.mark.parametrize("without", [{"eth_signTypedData_v4"}, {"eth_signTypedData"}, set()])
    def test_typed_data_by_the_name_that_the_signer_knows(
        self, server: SigningServer, without: set[str]
    ) -> None:
        """Anvil's, or web3signer's."""
        server.without = without

        signature = remote(server, RemoteKind.JSON_RPC).sign_typed_data(MESSAGE)

        assert signature == LOCAL.sign_typed_data(MESSAGE)

    def test_a_signer_without_typed_data_says_so(self, server: SigningServer) -> None:
        """And what to use instead."""
        server.without = {"eth_signTypedData_v4", "eth_signTypedData"}

        with pytest.raises(RemoteSignerError, match="does not sign typed data") as caught:
            remote(server, RemoteKind.JSON_RPC).sign_typed_data(MESSAGE)

        assert "web3signer" in caught.value.hint


class TestWeb3signer:
    """The REST of web3signer."""

    def test_asks_for_the_unsigned_payload_under_the_public_key(self, server: SigningServer) -> None:
        """The key is found once, by its address."""
        signer = remote(server, RemoteKind.WEB3SIGNER)

        signer.sign_transaction(FIELDS)
        signer.sign_transaction({**FIELDS, "nonce": 8})

        public_key = "0x" + PrivateKey(bytes.fromhex(KEY[2:])).public_key.to_bytes().hex()
        assert [path for path, _, _ in server.asked] == [
            "/api/v1/eth1/publicKeys",
            *2 * [f"/api/v1/eth1/sign/{public_key}"],
        ]
        unsigned = [31337, 7, 10**9, 30 * 10**9, 90_000, bytes.fromhex(STRANGER.address[2:]), 5, b"\1\2", []]
        assert server.asked[1][2] == {"data": "0x02" + bytes(rlp.encode(unsigned)).hex()}

    def test_a_named_key_is_not_looked_for(self, server: SigningServer) -> None:
        """As web3signer takes it: with or without 0x, in any case."""
        public_key = PrivateKey(bytes.fromhex(KEY[2:])).public_key.to_bytes().hex().upper()
        signer = remote(server, RemoteKind.WEB3SIGNER, identifier=public_key)

        assert signer.sign_transaction(FIELDS) == LOCAL.sign_transaction(FIELDS)
        assert len(server.asked) == 1

    def test_a_key_that_is_not_there(self, server: SigningServer) -> None:
        """The address is named."""
        absent = Signer("0x" + "33" * 32).address
        signer = RemoteSigner(server.url, absent, RemoteKind.WEB3SIGNER)

        with pytest.raises(RemoteSignerError, match=f"has no key of {absent}"):
            signer.sign_transaction(FIELDS)

    def test_the_higher_of_the_two_signatures_is_refused(self, server: SigningServer) -> None:
        """Chains refuse it, and its hash would be another."""

        def spoil(_path: str, _method: str, answer: Any) -> Any:
            if not isinstance(answer, bytes):
                return answer
            raw = bytes.fromhex(answer[2:].decode())
            s = N - int.from_bytes(raw[32:64], "big")
            return b"0x" + (raw[:32] + s.to_bytes(32, "big") + bytes([55 - raw[64]])).hex().encode()

        server.spoil = spoil

        with pytest.raises(RemoteSignerError, match="the higher of the two"):
            remote(server, RemoteKind.WEB3SIGNER).sign_transaction(FIELDS)

    @pytest.mark.parametrize("shape", ["short", "v", "zero", "text", "big"])
    def test_what_is_no_signature(self, server: SigningServer, shape: str) -> None:
        """Too short, another v, zeros, no hex, numbers above the curve's."""
        bodies = {
            "short": b"0x" + b"11" * 64,
            "v": b"0x" + b"11" * 64 + b"1d",
            "zero": b"0x" + b"00" * 64 + b"1b",
            "text": b"signed",
            "big": b"0x" + b"ff" * 32 + b"11" * 32 + b"1b",
        }
        server.spoil = lambda _path, _method, answer: answer if isinstance(answer, list) else bodies[shape]

        with pytest.raises(RemoteSignerError, match=r"no usable signature|signed with the key"):
            remote(server, RemoteKind.WEB3SIGNER).sign_transaction(FIELDS)


class TestSettings:
    """What cannot be meant is refused before anything is asked."""

    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("ftp://signer", "is not an http"),
            ("signer:9000", "is not an http"),
            ("http://signer?key=Zq-s3cret", "without a query"),
            ("http://user:Zq-s3cret@signer:9000", "holds credentials"),
        ],
    )
    def test_urls(self, url: str, words: str) -> None:
        """And are not shown."""
        with pytest.raises(SettingError, match=words) as caught:
            RemoteSigner(url, LOCAL.address, "web3signer")

        assert "s3cret" not in f"{caught.value.message}{caught.value.hint}"

    def test_an_unknown_kind(self) -> None:
        """The kinds are named."""
        with pytest.raises(SettingError, match="'ledger'") as caught:
            RemoteSigner("http://localhost", LOCAL.address, "ledger")

        assert "eth_signTransaction, web3signer" in caught.value.hint

    def test_a_key_name_that_would_be_a_path(self) -> None:
        """It becomes part of the URL."""
        with pytest.raises(SettingError, match="hexadecimal"):
            RemoteSigner("http://localhost", LOCAL.address, "web3signer", identifier="../../admin")

    @pytest.mark.parametrize(
        ("text", "words"), [(None, "cannot be read"), ("short", "one word of 8"), ("two words", "one word")]
    )
    def test_token_files(self, tmp_path: Path, text: str | None, words: str) -> None:
        """Missing, empty, or more than a token."""
        file = tmp_path / "token"
        if text is not None:
            file.write_text(text)

        with pytest.raises(SettingError, match=words):
            RemoteSigner("http://localhost", LOCAL.address, "web3signer", token_file=str(file))

    def test_a_token_does_not_travel_in_the_open(self, tmp_path: Path) -> None:
        """Only https, or this machine."""
        file = tmp_path / "token"
        file.write_text(TOKEN)

        with pytest.raises(SettingError, match="for everybody to read"):
            RemoteSigner("http://signer.example", LOCAL.address, "web3signer", token_file=str(file))

    def test_missing_tls_files(self, tmp_path: Path) -> None:
        """Named."""
        with pytest.raises(SettingError, match=r"client\.pem"):
            RemoteSigner(
                "https://localhost",
                LOCAL.address,
                "web3signer",
                tls=TlsFiles(certificate=tmp_path / "client.pem"),
            )


class TestTls:
    """Both sides show who they are."""

    @pytest.fixture(scope="class")
    def files(self, tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
        """A certificate for 127.0.0.1 that vouches for itself, for both sides."""
        folder = tmp_path_factory.mktemp("tls")
        certificate, key = folder / "own.pem", folder / "own.key"
        line = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ]
        line += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=signer"]
        line += ["-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(line, check=True, capture_output=True, timeout=60)
        return TlsFiles(certificate, key, certificate)

    @pytest.fixture(scope="class")
    def secured(self, files: TlsFiles) -> Iterator[SigningServer]:
        """A signer that wants a client's certificate."""
        assert files.certificate is not None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.authorities)
        context.load_cert_chain(files.certificate, files.key)
        context.verify_mode = ssl.CERT_REQUIRED
        with SigningServer(KEY, tls=context) as server:
            yield server

    def test_with_both_certificates_it_signs(self, secured: SigningServer, files: TlsFiles) -> None:
        """The same bytes as ever."""
        signer = remote(secured, RemoteKind.WEB3SIGNER, tls=files)

        assert signer.sign_transaction(FIELDS) == LOCAL.sign_transaction(FIELDS)

    def test_a_server_that_nobody_vouches_for_is_not_asked(self, secured: SigningServer) -> None:
        """Nothing is sent to it."""
        secured.asked.clear()

        with pytest.raises(SignerUnreachableError, match="could not be reached"):
            remote(secured, RemoteKind.WEB3SIGNER).sign_transaction(FIELDS)

        assert secured.asked == []

    def test_without_a_clients_certificate_it_does_not_answer(
        self, secured: SigningServer, files: TlsFiles
    ) -> None:
        """Words, not a traceback."""
        with pytest.raises(SignerUnreachableError):
            remote(
                secured, RemoteKind.WEB3SIGNER, tls=TlsFiles(authorities=files.authorities)
            ).sign_transaction(FIELDS)
