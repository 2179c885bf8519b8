from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from chain_kit.cli.options import load_settings
from chain_kit.cli.signing import Remote, find_signer, open_remote
from chain_kit.errors import DevKeyRefusedError, KeyMissingError, SettingError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_ADDRESSES, ANVIL_KEYS
from chain_kit.signers import Signer
from chain_kit.signers.remote import RemoteSigner

KEY = "0x" + "11" * 32
ADDRESS = Signer(KEY).address
REMOTE = Remote(url="http://127.0.0.1:9000", address=ADDRESS)


class Node(JsonRpc):
    """A node that says what it is, and nothing else."""

    def __init__(self, version: str = "Geth/v1.16", chain_id: int = 8453) -> None:
        super().__init__("http://127.0.0.1:1")
        self._answers = {"web3_clientVersion": version, "eth_chainId": hex(chain_id)}

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """One of the two."""
        assert [] == list(params)
        return self._answers[method]


GETH, ANVIL = Node(), Node("anvil/v1.7.1", 31337)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APE_DATA_FOLDER", str(tmp_path))


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    """A key in a file, and ape's account of that name; the password is in the file `password`."""
    return _keystore(tmp_path, KEY)


def _keystore(folder: Path, key: str) -> Path:
    path = folder / "accounts" / "operator.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(Account.encrypt(bytes.fromhex(key[2:]), "secret", kdf="pbkdf2", iterations=1)))
    (folder / "password").write_text("secret\n")
    return path


async def find(rpc: JsonRpc = GETH, *, keystore: Path | None = None, **options: Any) -> Signer:
    """The signer by the options."""
    usual: dict[str, Any] = {"ape_account": None, "dev_account": None, "password_file": Path("password")}
    return await find_signer(rpc, load_settings(keystore=keystore), **{**usual, **options})


async def test_each_source_alone(keystore: Path) -> None:
    """A keystore, ape's account, a remote signer, and on anvil a public one."""
    assert (await find(keystore=keystore)).address == ADDRESS
    assert (await find(ape_account="operator")).address == ADDRESS
    assert (await find(ANVIL, dev_account=3)).address == ANVIL_ADDRESSES[3]
    remote = await find(remote=REMOTE)
    assert isinstance(remote, RemoteSigner)
    assert remote.address == ADDRESS


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"ape_account": "operator", "remote": REMOTE}, "--ape-account, --remote-signer"),
        ({"dev_account": 0, "remote": REMOTE}, "--dev-account, --remote-signer"),
        ({"dev_account": 0, "ape_account": "operator"}, "--ape-account, --dev-account"),
        ({"keystore": Path("k.json"), "remote": REMOTE}, "--keystore, --remote-signer"),
        ({"keystore": Path("k.json"), "remote": Remote(address=ADDRESS)}, "--keystore, --remote-signer"),
    ],
)
async def test_two_sources_are_refused(options: dict[str, Any], named: str) -> None:
    """Which was meant cannot be told; no password is asked for."""
    with pytest.raises(SettingError, match=f"several keys to sign with: {named}$"):
        await find(**options)


async def test_an_option_beats_the_keystore_of_the_environment(
    keystore: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every option does."""
    monkeypatch.setenv("CHAIN_KIT_KEYSTORE", str(keystore))

    assert isinstance(await find(remote=REMOTE), RemoteSigner)
    assert not isinstance(await find(), RemoteSigner)


async def test_nothing_named() -> None:
    """The ways are."""
    with pytest.raises(KeyMissingError) as caught:
        await find(remote=Remote())

    assert "--remote-signer" in caught.value.hint


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        (Remote(url="http://127.0.0.1:9000"), "whose key"),
        (Remote(address=ADDRESS), "not where it is"),
        (Remote(kind="web3signer"), "not where it is"),
        (Remote(url="http://127.0.0.1:9000", address=ADDRESS, kind="ledger"), "'ledger'"),
    ],
)
async def test_half_a_remote_signer(remote: Remote, words: str) -> None:
    """What is missing is said."""
    with pytest.raises(SettingError, match=words):
        await find(remote=remote)


@pytest.mark.parametrize("source", ["remote", "keystore", "ape", "dev"])
async def test_anvils_public_keys_are_refused_elsewhere(tmp_path: Path, source: str) -> None:
    """From whatever source; on anvil they will do."""
    file = _keystore(tmp_path, ANVIL_KEYS[0])
    options: dict[str, dict[str, Any]] = {
        "remote": {"remote": Remote(url="http://127.0.0.1:9000", address=ANVIL_ADDRESSES[0])},
        "keystore": {"keystore": file},
        "ape": {"ape_account": "operator"},
        "dev": {"dev_account": 0},
    }

    assert (await find(ANVIL, **options[source])).address == ANVIL_ADDRESSES[0]
    with pytest.raises(DevKeyRefusedError):
        await find(GETH, **options[source])


def test_every_option_reaches_the_signer(tmp_path: Path) -> None:
    """The token, the key's name and the TLS files: each of them is looked at."""
    remote = {"url": "https://127.0.0.1:9000", "address": ADDRESS}
    for more, words in (
        ({"token_file": tmp_path / "none"}, "token file"),
        ({"key": "not hex"}, "hexadecimal"),
        ({"certificate": tmp_path / "none.pem"}, r"none\.pem"),
        ({"authorities": tmp_path / "ca.pem"}, r"ca\.pem"),
    ):
        with pytest.raises(SettingError, match=words):
            open_remote(Remote(**{**remote, **more}))  # type: ignore[arg-type]
