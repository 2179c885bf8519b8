from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from chain_kit.errors import DevKeyRefusedError, KeyMissingError, WrongPasswordError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_ADDRESSES, ANVIL_KEYS
from chain_kit.signers import (
    PASSWORD_FILE_VARIABLE,
    Signer,
    read_password,
    refuse_public_key,
    typed_data_digest,
)
from chain_kit.typed_data import typed_data

KEY = "0x" + "11" * 32
ADDRESS = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
MESSAGE = typed_data(
    "chain-kit test", 31337, ADDRESS, {"Mail": (("to", "address"), ("n", "uint256"))}, {"to": ADDRESS, "n": 5}
)


@pytest.fixture(scope="module")
def keystore() -> dict[str, Any]:
    """A keystore with the cheapest key derivation, so that tests do not wait for it."""
    encrypted: dict[str, Any] = Account.encrypt(bytes.fromhex(KEY[2:]), "secret", kdf="pbkdf2", iterations=1)
    return encrypted


@pytest.fixture
def file(tmp_path: Path, keystore: dict[str, Any]) -> Path:
    """The keystore where ape keeps its accounts."""
    path = tmp_path / "accounts" / "operator.json"
    path.parent.mkdir()
    path.write_text(json.dumps(keystore))
    return path


class TestKeystore:
    """Encrypted files."""

    def test_opens_with_the_password(self, file: Path) -> None:
        """The address is that of the key."""
        assert Signer.from_keystore(file, "secret").address == ADDRESS

    def test_says_when_the_password_is_wrong(self, file: Path) -> None:
        """Exit code 4, and the file is named."""
        with pytest.raises(WrongPasswordError, match=r"does not open .*operator\.json") as caught:
            Signer.from_keystore(file, "Secret")

        assert caught.value.exit_code == 4

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"crypto": {}}', '{"crypto": 5, "version": 3}'])
    def test_says_when_it_is_no_keystore(self, tmp_path: Path, text: str) -> None:
        """Whatever the file holds, there is no traceback."""
        path = tmp_path / "file.json"
        path.write_text(text)

        with pytest.raises(KeyMissingError, match=r"file\.json is not a keystore file"):
            Signer.from_keystore(path, "secret")

    def test_says_when_there_is_none(self, tmp_path: Path) -> None:
        """The path is named."""
        with pytest.raises(KeyMissingError, match=r"no keystore at .*none\.json: No such file"):
            Signer.from_keystore(tmp_path / "none.json", "secret")

    def test_opens_ape_s_accounts_by_alias(self, file: Path) -> None:
        """The same format, in ape's data folder."""
        assert Signer.from_ape("operator", "secret", data_folder=file.parent.parent).address == ADDRESS

    def test_finds_ape_s_data_folder_as_ape_does(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment names it."""
        monkeypatch.setenv("APE_DATA_FOLDER", str(file.parent.parent))

        assert Signer.from_ape("operator", "secret").address == ADDRESS

    @pytest.mark.parametrize("alias", ["oprator", "../accounts/operator", "/etc/passwd", ""])
    def test_names_ape_s_accounts_if_there_is_no_such(self, file: Path, alias: str) -> None:
        """An alias is a name, never a path."""
        with pytest.raises(KeyMissingError) as caught:
            Signer.from_ape(alias, "secret", data_folder=file.parent.parent)

        assert caught.value.hint == "accounts there: operator"


class TestSigning:
    """What a signer does, and what it does not show."""

    def test_signs_what_eth_account_recovers(self) -> None:
        """The sender of the bytes is the signer; the hash is theirs."""
        fields = {
            "type": 2, "chainId": 1, "nonce": 7, "to": ADDRESS, "value": 5, "data": b"\x01", "gas": 21_000,
            "maxFeePerGas": 10, "maxPriorityFeePerGas": 1,
        }  # fmt: skip
        signed = Signer(KEY).sign_transaction(fields)

        assert Account.recover_transaction(signed.raw) == ADDRESS
        assert signed == Signer(KEY).sign_transaction(fields)
        assert len(signed.hash) == 66

    def test_signs_typed_data_over_its_digest(self) -> None:
        """65 bytes that recover to the signer, with v of 27 or 28."""
        signature = Signer(KEY).sign_typed_data(MESSAGE)

        assert len(signature) == 65
        assert signature[64] in (27, 28)
        recovered = Account._recover_hash(typed_data_digest(MESSAGE), signature=signature)
        assert recovered == ADDRESS

    @pytest.mark.parametrize("field", ["name", "version", "chainId", "verifyingContract"])
    def test_the_digest_binds_every_part_of_the_domain(self, field: str) -> None:
        """A signature for another contract, chain or version is another signature."""
        other = {"name": "x", "version": "2", "chainId": 1, "verifyingContract": ANVIL_ADDRESSES[0]}
        changed = {**MESSAGE, "domain": {**MESSAGE["domain"], field: other[field]}}

        assert typed_data_digest(changed) != typed_data_digest(MESSAGE)

    def test_never_shows_its_key(self) -> None:
        """Not in any of the ways in which objects end up in logs."""
        signer = Signer(KEY)

        for text in (repr(signer), str(signer), f"{signer}", repr([signer])):
            assert "11" * 8 not in text
            assert ADDRESS in text


class AnyNode(JsonRpc):
    """A node that says what it is."""

    def __init__(self, version: str) -> None:
        super().__init__("http://127.0.0.1:1")
        self._version = version

    async def chain_id(self) -> int:
        """Base."""
        return 8453

    async def client_version(self) -> str:
        """What it was told to be."""
        return self._version


class TestPublicKeys:
    """Anvil's keys, which everybody knows."""

    async def test_are_refused_where_something_is_at_stake(self) -> None:
        """Whatever keystore they come from; the chain id alone does not decide."""
        with pytest.raises(DevKeyRefusedError, match="chain 8453"):
            await refuse_public_key(AnyNode("Geth/v1"), Signer(ANVIL_KEYS[3]).address)

    async def test_are_fine_on_anvil(self) -> None:
        """A fork of Base is an anvil still."""
        await refuse_public_key(AnyNode("anvil/v1.7.1"), ANVIL_ADDRESSES[3])

    async def test_other_keys_are_fine_anywhere(self) -> None:
        """Nothing is asked of the node."""
        await refuse_public_key(AnyNode("Geth/v1"), ADDRESS)


class TestPassword:
    """Where a password comes from."""

    def test_is_the_first_line_of_a_file(self, tmp_path: Path) -> None:
        """With or without an end of line; spaces are part of it."""
        path = tmp_path / "password"
        path.write_text(" pass word \nsecond line\n")

        assert read_password(path) == " pass word "

    def test_is_in_the_file_that_the_environment_names(self, tmp_path: Path) -> None:
        """For services."""
        path = tmp_path / "password"
        path.write_text("secret\r\n")

        assert read_password(environment={PASSWORD_FILE_VARIABLE: str(path)}) == "secret"

    @pytest.mark.parametrize("path", [None, "-"])
    def test_is_read_from_standard_input(self, path: str | None) -> None:
        """If nothing else is named, or if that is named."""
        assert read_password(path, environment={}, stdin=io.StringIO("secret\n")) == "secret"

    def test_is_asked_for_at_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without showing it."""
        terminal = io.StringIO()
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr("chain_kit.signers.keys.getpass", lambda prompt: f"typed at {prompt!r}")

        assert read_password(environment={}, stdin=terminal) == "typed at 'Password: '"

    def test_says_when_the_file_cannot_be_read(self, tmp_path: Path) -> None:
        """The file is named, not what it holds."""
        with pytest.raises(WrongPasswordError, match=r"password file .*none cannot be read"):
            read_password(tmp_path / "none")
