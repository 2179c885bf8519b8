from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chain_kit.keepers.config import ConfigError, FleetConfig
from tests.keeper_support.configs import ADDRESS, PARTS, load, refusal, write_config

GWEI, ETH = 10**9, 10**18


# ---------------------------------------------------------------------- the key


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "no key"),
        ("", "no key"),
        ('dev_account = 9\nape_account = "me"', "ape_account, dev_account"),
        (
            f'keystore = "k.json"\nremote_url = "http://s.example"\naddress = "{ADDRESS}"',
            "keystore, remote_url",
        ),
    ],
)
def test_one_signer_and_no_other(tmp_path: Path, text: str | None, found: str) -> None:
    """None is refused as two are."""
    said, how = refusal(tmp_path, signer=text)

    assert said == f"keepers.toml: [signer] has {found}"
    assert how == "give exactly one of keystore, ape_account, dev_account, remote_url"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('keystore = "none.json"', 'signer.keystore = "none.json" is not there'),
        ('dev_account = 9\npassword_file = "31337.json"', "does not go with dev_account"),
        ('dev_account = 9\nkind = "web3signer"', "goes with remote_url only"),
        (
            'remote_url = "http://s.example"\naddress = "0x12"\nkind = "web3signer"',
            'signer.address = "0x12" is not an address',
        ),
        (
            f'remote_url = "http://s.example"\naddress = "{ADDRESS}"\nkind = "hsm"',
            'signer.kind = "hsm" is none of them',
        ),
        (
            f'remote_url = "ftp://s.example"\naddress = "{ADDRESS}"\nkind = "web3signer"',
            "signer.remote_url = ftp://s.example",
        ),
        ('keystore = "31337.json"\npassword_file = "none"', 'signer.password_file = "none" is not there'),
        ("dev_account = -1", "signer.dev_account = -1 is out of bounds"),
    ],
)
def test_a_signer_that_cannot_be_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """Before any key is opened."""
    assert message in refusal(tmp_path, signer=text)[0]


def test_a_remote_signer(tmp_path: Path) -> None:
    """Its URL may stand in a file of its own."""
    (tmp_path / "url").write_text("https://user:word@signer.example/key\n")
    text = f'remote_url_file = "url"\naddress = "{ADDRESS.lower()}"\nkind = "web3signer"'
    signer = load(tmp_path, signer=text).signer

    assert (signer.remote_url, signer.address) == ("https://user:word@signer.example/key", ADDRESS)


# ---------------------------------------------------------------------- secrets and files


def test_a_password_does_not_stand_in_the_file(tmp_path: Path) -> None:
    """A URL with one is refused without being shown; in a file of its own it may be."""
    secret = "postgresql://keeper:hunter2@db.example/outbox"
    said, how = refusal(tmp_path, outbox=f'url = "{secret}"')
    (tmp_path / "outbox-url").write_text(secret)

    assert "hunter2" not in said + how
    assert said == "keepers.toml: outbox.url = postgresql://db.example/… with a password"
    assert how == "put the URL into a file, and name that: url_file"
    assert load(tmp_path, outbox='url_file = "outbox-url"').outbox == secret


def test_nodes_may_stand_in_a_file(tmp_path: Path) -> None:
    """One on each line; their keys are in no message."""
    text = 'rpc_urls_file = "nodes"\nchain_id = 31337\ndeployment = "31337.json"\nindex = "i.db"'
    (tmp_path / "nodes").write_text("https://a.example/key1\n\nhttps://b.example/key2\n")
    assert load(tmp_path, chain=text).chain.rpc_urls == ("https://a.example/key1", "https://b.example/key2")

    (tmp_path / "nodes").write_text("wss://a.example/key1\n")
    said, _ = refusal(tmp_path, chain=text)
    assert said == "keepers.toml: chain.rpc_urls_file holds wss://a.example/…"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outbox": 'url = "a.db"\nurl_file = "u"'}, "outbox.url_file"),
        ({"outbox": 'url_file = "none"'}, 'outbox.url_file = "none" cannot be read: No such file'),
        ({"outbox": 'url_file = "31337.json"'}, "outbox.url_file"),
        ({"outbox": 'url = "mysql://h/d"'}, "outbox.url = mysql://h/…"),
        ({"chain": 'rpc_urls = ["http://a", "http://a"]\nchain_id = 1\ndeployment = "31337.json"'}, "twice"),
        ({"chain": 'rpc_urls = "http://a"\nchain_id = 1\ndeployment = "31337.json"'}, "is not a list of"),
        ({"chain": PARTS["chain"].replace("31337.json", "none.json")}, '"none.json" is not there'),
        ({"reporters": 'keystores = ["none.json"]'}, "reporters.keystores"),
        ({'[prices."BTC/USD".sources]': 'kind = "csv"\nfile = "none.csv"'}, '"none.csv" is not there'),
        ({"dead_man__ping": 'post = "ping.example"'}, "dead_man.ping.post = (not a URL)"),
        ({"dead_man__ping": 'post = "https://u:p@ping.example"'}, "with a password"),
        ({"dead_man__ping": 'posts = "https://ping.example"'}, "dead_man.ping.posts is unknown"),
    ],
)
def test_files_and_urls_that_cannot_be_used_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """Each by its key."""
    (tmp_path / "u").write_text("postgresql://h/d")
    assert message in refusal(tmp_path, **changes)[0]


def test_who_only_asks_needs_no_keys(tmp_path: Path) -> None:
    """Whoever looks at the status need not be able to read what the service reads."""
    signer = f'keystore = "none.json"\npassword_file = "none"\naddress = "{ADDRESS}"'
    changes = {"reporters": 'keystores = ["none.json"]', "dead_man__ping": 'post_file = "none"'}
    config = FleetConfig.load(write_config(tmp_path, signer=signer, **changes), to_run=False)

    assert (config.signer.address, dict(config.dead_man)) == (ADDRESS, {})


def test_no_file(tmp_path: Path) -> None:
    """The path is in the message, what to do in the hint."""
    with pytest.raises(ConfigError, match=r"no keeper configuration at .*none\.toml") as caught:
        FleetConfig.load(tmp_path / "none.toml")
    assert "--config" in caught.value.hint


def test_what_is_no_toml(tmp_path: Path) -> None:
    """The line is named."""
    path = tmp_path / "keepers.toml"
    path.write_text("[chain\n")
    with pytest.raises(ConfigError, match="line 1"):
        FleetConfig.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        FleetConfig.load(path)


# ---------------------------------------------------------------------- one part beside another


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        (
            {"chain": PARTS["chain"].replace("chain_id = 31337", "chain_id = 8453")},
            "chain.chain_id = 8453, but ",
            "name the manifest of this chain",
        ),
        (
            {'[prices."BTC/USD".sources]': None, 'prices."BTC/USD"': None, "[keepers.trade]": None,
             "keepers.trade.fair_value": None},
            "[keepers.resolve] without [prices]",
            'add [[prices."BTC/USD".sources]]',
        ),
        ({"reporters": None}, "[keepers.resolve] without [reporters]", "name the quorum's keystores"),
        (
            {"keepers.resolve": None, 'prices."BTC/USD"': None, '[prices."BTC/USD".sources]': None},
            'keepers.trade "BTC" has no prices of BTC/USD',
            'add [[prices."BTC/USD".sources]]',
        ),
        (
            {"[keepers.trade]": PARTS["[keepers.trade]"].replace('"BTC"', '"DOGE"')},
            'keepers.trade.market = "DOGE": no market \'DOGE\' in this deployment',
            "markets here: BTC",
        ),
        (
            {"[keepers.trade]": PARTS["[keepers.trade]"].replace(
                'ether_collateral = "3000"', 'ether_feed = "ETH/USD"')},
            'keepers.trade.ether_feed = "ETH/USD" is no feed of the deployment',
            "feeds there: BTC/USD; or give ether_collateral",
        ),
        (
            {"chain": PARTS["chain"].replace('index = "index.db"', "")},
            "[keepers.claim] needs chain.index",
            "name the index",
        ),
        (
            {'prices."BTC/USD"': "least = 2"},
            'prices."BTC/USD".least = 2 is more than the 1 sources',
            "ask for fewer",
        ),
        (
            {"keepers.trade.fair_value": None, "keepers.trade.threshold": 'value = "0.5"'},
            "keepers.trade[1].threshold",
            "take it away",
        ),
        (
            {"keepers.trade.fair_value": None,
             "[keepers.trade]": PARTS["[keepers.trade]"].replace("fair_value", "threshold")
             + '\nthreshold = { value = "0.9" }'},
            "keepers.trade[1].threshold",
            "they must rise in that order",
        ),
        (
            {"keepers.resolve": None, "keepers.claim": None, "[keepers.trade]": None,
             "keepers.trade.fair_value": None, "keepers": ""},
            "[keepers] has no keeper",
            "add [keepers.resolve]",
        ),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_together_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str, hint: str
) -> None:
    """Before anything is opened."""
    said, how = refusal(tmp_path, **changes)

    assert said.startswith(f"keepers.toml: {message}")
    assert how.startswith(hint)


def test_a_market_has_one_trade_keeper(tmp_path: Path) -> None:
    """Two would count each other's trades as their own."""
    path = write_config(tmp_path)
    path.write_text(path.read_text() + f"\n[[keepers.trade]]\n{PARTS['[keepers.trade]']}\n")
    with pytest.raises(ConfigError, match="has a trade keeper already"):
        FleetConfig.load(path)


_HOUSE = 'low_collateral = "100"\nhigh_collateral = "500"\ndaily_collateral = "1000"'


def test_the_other_keepers(tmp_path: Path) -> None:
    """Root and seed: a folder to publish into, and a budget for each market's house."""
    (tmp_path / "accruals.csv").write_text("account,total_tokens\n")
    root = 'accruals = "accruals.csv"\nfolder = "site"\nleast_payout = "10"\nworth_eth = "0.001"'
    parts = {"keepers.root": root, "keepers.seed": "", "keepers.seed.houses.BTC": _HOUSE}
    keepers = load(tmp_path, **parts).keepers

    assert keepers.names == ("resolve", "claim", "root", "seed", "trade:BTC")
    assert keepers.root is not None
    assert (keepers.root.folder, keepers.root.worth_wei) == (tmp_path / "site", ETH // 1_000)
    assert keepers.seed is not None
    assert [(house.market, house.low) for house in keepers.seed.houses] == [("BTC", "100")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keepers.seed": ""}, "keepers.seed.houses is missing"),
        (
            {"keepers.seed": "", "keepers.seed.houses.DOGE": _HOUSE},
            "keepers.seed.houses.DOGE = \"DOGE\": no market 'DOGE'",
        ),
        (
            {"keepers.seed": "", "keepers.seed.houses.BTC": _HOUSE.replace('"500"', '"50"')},
            'keepers.seed.houses.BTC.low_collateral = "100" is above high_collateral',
        ),
        (
            {"keepers.seed": "", "keepers.seed.houses.BTC": _HOUSE + '\nleast_collateral = "1001"'},
            'keepers.seed.houses.BTC.least_collateral = "1001" is above daily_collateral',
        ),
        ({"keepers.root": 'folder = "site"'}, "keepers.root.accruals is missing"),
        (
            {"keepers.root": 'folder = "s"\naccruals = "none.csv"'},
            'keepers.root.accruals = "none.csv" is not there',
        ),
        (
            {"keepers.claim": 'ether_feed = "ETH/USD"'},
            'keepers.claim.ether_feed = "ETH/USD" is no feed of the deployment',
        ),
        (
            {"keepers.claim": 'ether_feed = "ETH/USD"\nether_collateral = "1"'},
            "keepers.claim.ether_feed",
        ),
    ],
)
def test_other_keepers_that_cannot_run_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """Each by its key."""
    assert refusal(tmp_path, **changes)[0].startswith(f"keepers.toml: {message}")


@pytest.mark.parametrize("least", [0, 2])
def test_several_sources_are_a_median(tmp_path: Path, least: int) -> None:
    """More than half of them must agree, unless it is said how many."""
    path = write_config(tmp_path, **{'prices."BTC/USD"': f"least = {least}" if least else ""})
    source = '\n[[prices."BTC/USD".sources]]\nkind = "hermes"\nid = "0x' + "ab" * 32 + '"\n'
    http = (
        '\n[[prices."BTC/USD".sources]]\nkind = "http"\nurl = "https://p.example/btc"\npath = "data.price"\n'
    )
    path.write_text(path.read_text() + source + http)
    price = FleetConfig.load(path).prices["BTC/USD"]

    assert (len(price.sources), price.least) == (3, 2)
    assert price.sources[1].url == "https://hermes.pyth.network"
