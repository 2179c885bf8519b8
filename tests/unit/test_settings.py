from __future__ import annotations

from pathlib import Path

import pytest

from chain_kit.errors import SettingError
from chain_kit.settings import KEYS, Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "chain-kit.toml") -> Path:
    """Writes a settings file in the current folder."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_defaults_are_the_local_chain() -> None:
    """With nothing said, everything is local and says that it is the default."""
    settings = Settings.load(environ={})

    assert ("local", "http://127.0.0.1:8545", 31337) == (
        settings.network,
        settings.rpc_url,
        settings.chain_id,
    )
    assert Path("deployments/31337.json") == settings.deployment
    assert {"default"} == set(settings.origins.values())
    assert {key.name for key in KEYS} == settings.origins.keys()


def test_flag_beats_environment_beats_file_beats_default() -> None:
    """Each layer wins over the next, and the origin says which one did."""
    write('log_level = "error"')
    environ = {"CHAIN_KIT_LOG_LEVEL": "warning"}
    loaded = [
        Settings.load({"log_level": "debug"}, environ=environ),
        Settings.load({"log_level": None}, environ=environ),
        Settings.load(environ={}),
    ]

    assert ["debug", "warning", "error"] == [settings.log_level for settings in loaded]
    assert ["flag --log-level", "environment CHAIN_KIT_LOG_LEVEL", "file chain-kit.toml"] == [
        settings.origins["log_level"] for settings in loaded
    ]


def test_own_variable_beats_the_shared_one() -> None:
    """ETH_RPC_URL is heard when CHAIN_KIT_RPC_URL is silent."""
    shared = {"ETH_RPC_URL": "http://shared"}
    both = {**shared, "CHAIN_KIT_RPC_URL": "http://own"}

    assert Settings.load(environ=shared).origins["rpc_url"] == "environment ETH_RPC_URL"
    assert Settings.load(environ=both).rpc_url == "http://own"


def test_empty_variable_is_no_setting() -> None:
    """An empty variable is how a shell unsets one."""
    assert Settings.load(environ={"CHAIN_KIT_RPC_URL": ""}).origins["rpc_url"] == "default"


def test_network_brings_its_url_and_chain_id() -> None:
    """A named network stands for both, and for the manifest of its chain."""
    settings = Settings.load({"network": "base"}, environ={})

    assert ("https://mainnet.base.org", 8453) == (settings.rpc_url, settings.chain_id)
    assert settings.origins["chain_id"] == "network base"
    assert Path("deployments/8453.json") == settings.deployment


def test_named_network_keeps_its_chain_id_with_another_url() -> None:
    """An own node for Base must still serve Base."""
    settings = Settings.load({"network": "base", "rpc_url": "http://my-node"}, environ={})

    assert ("http://my-node", 8453) == (settings.rpc_url, settings.chain_id)


def test_url_alone_expects_no_chain() -> None:
    """A URL says nothing of the chain behind it: no id is expected."""
    assert Settings.load({"rpc_url": "http://my-node"}, environ={}).chain_id is None
    assert Settings.load({"network": "http://my-node"}, environ={}).rpc_url == "http://my-node"


def test_paths_in_the_file_are_relative_to_it() -> None:
    """A project file means the same from wherever it is read; flags are relative to the current folder."""
    file = write('database = "data/index.db"\noutbox = "/var/outbox.db"', "project/settings.toml")
    settings = Settings.load({"deployment": "d.json"}, environ={}, file=file)

    assert Path("project/data/index.db") == settings.database
    assert Path("/var/outbox.db") == settings.outbox
    assert Path("d.json") == settings.deployment


def test_unknown_setting_in_the_file_is_named() -> None:
    """A misspelt setting is an error that shows it, and the hint lists the right ones."""
    write('rpc-url = "http://node"')
    with pytest.raises(SettingError, match="unknown setting 'rpc-url'") as caught:
        Settings.load(environ={})

    assert "rpc_url" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chain_id", "base"),
        ("chain_id", "0"),
        ("chain_id", "-1"),
        ("rpc_url", "127.0.0.1:8545"),
        ("network", "mainnet"),
        ("log_level", "loud"),
        ("database", ""),
    ],
)
def test_wrong_value_is_named_with_its_origin(name: str, value: str) -> None:
    """The error names the setting, the value and where it came from."""
    with pytest.raises(SettingError) as caught:
        Settings.load({name: value}, environ={})

    flag = f"flag --{name.replace('_', '-')}"
    assert [] == [text for text in (name, repr(value), flag) if text not in caught.value.message]


@pytest.mark.parametrize("text", ["rpc_url = ", "[section]\nx = 1", "chain_id = 1.5", "chain_id = true"])
def test_file_that_cannot_be_used_is_named(text: str) -> None:
    """Broken TOML, a section, or a value of the wrong kind is an error of that file."""
    write(text)
    with pytest.raises(SettingError, match=r"chain-kit\.toml"):
        Settings.load(environ={})


def test_named_file_must_exist() -> None:
    """The default file may be missing; one that is asked for may not."""
    with pytest.raises(SettingError, match=r"no settings file at other\.toml"):
        Settings.load(environ={}, file=Path("other.toml"))


def test_whole_numbers_in_the_file_are_read() -> None:
    """A chain id may be a number in TOML."""
    write("chain_id = 84532")

    assert Settings.load(environ={}).chain_id == 84532


def test_what_is_shown_holds_no_key() -> None:
    """`config show` lists every setting, and a URL without what may be secret in it."""
    shown = Settings.load({"rpc_url": "https://user:pw@node.example/v2/KEY"}, environ={}).shown()

    assert [key.name for key in KEYS] == [name for name, _, _ in shown]
    assert ("rpc_url", "https://node.example/…", "flag --rpc-url") in shown


def test_error_about_a_url_holds_no_key() -> None:
    """A URL of the wrong scheme is shown without its credentials as well."""
    with pytest.raises(SettingError) as caught:
        Settings.load({"rpc_url": "ws://user:pw@node.example/KEY"}, environ={})

    assert [] == [secret for secret in ("pw", "KEY") if secret in caught.value.message]


def test_several_endpoints_and_the_first_for_everybody_else() -> None:
    """The index asks all of them; what sends, or asks one thing, uses the first by HTTP."""
    urls = "ws://push.example/KEY, http://one.example,https://user:pw@two.example/KEY"
    settings = Settings.load({"rpc_url": urls}, environ={})
    assert settings.rpc_url == "http://one.example"
    assert settings.rpc_urls == (
        "ws://push.example/KEY",
        "http://one.example",
        "https://user:pw@two.example/KEY",
    )
    shown = {name: value for name, value, _ in settings.shown()}
    assert shown["rpc_url"] == "ws://push.example/…, http://one.example, https://two.example/…"


def test_a_url_for_pushes_is_one_more_endpoint() -> None:
    """From its own setting; without it there is none."""
    environ = {"CHAIN_KIT_RPC_URL": "http://one.example", "CHAIN_KIT_WS_URL": "wss://two.example/KEY"}
    settings = Settings.load(environ=environ)
    assert settings.rpc_urls == ("http://one.example", "wss://two.example/KEY")
    assert ("ws_url", "wss://two.example/…", "environment CHAIN_KIT_WS_URL") in settings.shown()
    assert Settings.load(environ={}).rpc_urls == ("http://127.0.0.1:8545",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rpc_url", "ws://only.example"),
        ("rpc_url", "http://one.example,"),
        ("rpc_url", "http://one.example,two"),
        ("ws_url", "http://one.example"),
    ],
)
def test_endpoints_that_cannot_be(name: str, value: str) -> None:
    """Somebody must answer by HTTP, and nothing but ws pushes."""
    with pytest.raises(SettingError, match=f"{name} .*must start with"):
        Settings.load({name: value}, environ={})


class TestOutbox:
    """The sender's journal: a file, or a database that several hosts share."""

    URL = "postgresql://keeper:s3cret@db.internal:5433/outbox?sslmode=require"

    def test_takes_a_postgresql_url_from_every_layer(self) -> None:
        """As it is, also out of a file, whose paths are relative to it."""
        file = write(f'outbox = "{self.URL}"', "project/settings.toml")

        assert Settings.load({"outbox": self.URL}, environ={}).outbox == self.URL
        assert Settings.load(environ={"CHAIN_KIT_OUTBOX": self.URL}).outbox == self.URL
        assert Settings.load(environ={}, file=file).outbox == self.URL

    def test_is_shown_without_credentials(self) -> None:
        """Nothing but where the server is."""
        settings = Settings.load({"outbox": self.URL}, environ={})

        shown = {name: value for name, value, _ in settings.shown()}

        assert shown["outbox"] == "postgresql://db.internal:5433/…"

    def test_a_url_of_anything_else_is_refused_without_being_shown(self) -> None:
        """A misplaced RPC URL does not become a file of that name, nor does its key reach the screen."""
        with pytest.raises(SettingError, match=r"https://node\.example/… .*postgresql://") as caught:
            Settings.load({"outbox": "https://node.example/v2/K3Y"}, environ={})

        assert "K3Y" not in caught.value.message


@pytest.mark.parametrize(("given", "expected"), [("json", "json"), ("TEXT", "text")])
def test_log_format_is_one_of_two(given: str, expected: str) -> None:
    """Whatever the case; anything else is refused by name."""
    assert Settings.load({"log_format": given}, environ={}).log_format == expected
    with pytest.raises(SettingError, match=r"log_format 'xml' .*text, json"):
        Settings.load({"log_format": "xml"}, environ={})
