"""The page in Chromium, on a real server with an index of the model world."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from chain_kit import toolchain
from chain_kit.cli.listening import listen, url_of
from chain_kit.processes import die_with_parent
from chain_kit.units import format_units
from indexer import queries
from indexer.http.app import create_app
from indexer.http.limits import OFF
from indexer.http.server import serve
from indexer.models import TroubleRow, table_of
from indexer.store import Store, open_store
from tests.index_support.chain import DEPLOYMENT, FakeChain, address_of
from tests.index_support.world import World

ROOT = toolchain.root()
CHROMIUM = shutil.which("chromium") or ""
CHECK = ROOT / "tests" / "system_support" / "page_check.mjs"
STRANGER = address_of("a stranger")
PATIENCE_SECONDS = 120
LEFT_SECONDS = 200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium"),
    pytest.mark.skipif(
        not (ROOT / "node_modules" / "playwright-core").is_dir(), reason="playwright-core is not installed"
    ),
]


class Seen(dict[str, Any]):
    """What the browser saw, and the world and the folder that it was of."""

    world: World
    folder: Path
    positions: list[dict[str, Any]]
    account: str


@pytest.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """One walk through the page. The last block leaves some minutes of an epoch."""
    folder = tmp_path_factory.mktemp("page")
    database = folder / "index.db"
    world = World(FakeChain(), 11)
    world.run(120)
    async with open_store(database, DEPLOYMENT) as store:
        await store.take(world.chain.forward(DEPLOYMENT.first_block))
        world.chain.mine(seconds=(world.genesis - LEFT_SECONDS - world.chain.tip.timestamp) % 300)
        await _index_more(world, store)
        async with queries.open_database(database) as index:
            held = {account: await queries.positions(index, account) for account in world.accounts}
        account = max(held, key=lambda one: len(held[one]))
        document = await Walk(world, store, folder).take(account)
    found = Seen(document)
    found.world, found.folder, found.account, found.positions = (
        world,
        folder,
        account,
        [dict(row) for row in held[account]],
    )
    return found


class Walk:
    """A browser that is led through the page, and what changes behind it meanwhile."""

    def __init__(self, world: World, store: Store, folder: Path) -> None:
        self._world = world
        self._store = store
        self._folder = folder
        self._stop = asyncio.Event()
        self._port = 0
        self._server: asyncio.Task[None] | None = None

    async def take(self, account: str) -> dict[str, Any]:
        """The document that the browser's script prints at its end."""
        url = await self._serve()
        words = [
            str(CHECK),
            url,
            CHROMIUM,
            self._folder / "profile",
            self._folder / "page.png",
            account,
            STRANGER,
        ]
        process = await asyncio.create_subprocess_exec(
            shutil.which("node") or "node",
            *map(str, words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=2**20,
            preexec_fn=die_with_parent(),
        )
        assert process.stdout is not None
        assert process.stderr is not None
        talk = asyncio.create_task(process.stderr.read())
        last = b""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                async for last in process.stdout:
                    if last.startswith(b"want "):
                        await getattr(self, f"_{last.split()[1].decode()}")()
                        assert process.stdin is not None
                        process.stdin.write(b"\n")
        finally:
            if process.returncode is None and last[:1] != b"{":
                process.kill()
            await process.wait()
            await self._gone()
        assert 0 == process.returncode, (await talk).decode()
        document: dict[str, Any] = json.loads(last)
        return document

    async def _serve(self) -> str:
        listening = listen("127.0.0.1", self._port)
        self._port = listening.getsockname()[1]
        ready, self._stop = asyncio.Event(), asyncio.Event()
        app = create_app(str(self._folder / "index.db"), limits=OFF)
        self._server = asyncio.create_task(serve(app, listening, self._stop, on_ready=ready.set))
        await ready.wait()
        return url_of(listening)

    async def _block(self) -> None:
        self._world.chain.mine(seconds=1)
        await _index_more(self._world, self._store)

    async def _stale(self) -> None:
        row = {
            "kind": "difference",
            "since": int(time.time()),
            "block": 7,
            "what": "a log of block 7 is missing",
        }
        async with self._store.writing() as connection:
            await connection.execute(insert(table_of(TroubleRow)), [row])

    async def _gone(self) -> None:
        self._stop.set()
        if self._server is not None:
            await self._server

    async def _back(self) -> None:
        await self._serve()


async def _index_more(world: World, store: Store) -> None:
    """Indexes what is new, and has looked at the chain just now."""
    tip = await store.tip()
    assert tip is not None
    await store.take(world.chain.forward(tip.number + 1))
    await store.note_head(world.chain.head, int(time.time() * 1000))


def test_nothing_fails_and_nothing_is_fetched_from_elsewhere(seen: Seen) -> None:
    """No error or warning on the console, and no request that leaves the server."""
    assert ([], []) == (seen["console"], seen["foreign"])


def test_header_says_how_the_index_stands(seen: Seen) -> None:
    """The chain, the block, how far it is proven, in words."""
    standing = seen["standing"]

    assert ("BTC · chain-kit", "31337") == (seen["title"], standing["Chain"])
    assert {"Block", "Proof", "State"} <= set(standing)
    assert ("◔ linked", "✓ ready") == (standing["Proof"], standing["State"])
    assert [] == seen["banners"]


def test_countdown_moves_between_messages(seen: Seen) -> None:
    """The time that is left goes down, from what the last block and the clock since say."""
    before, after = (60 * int(text[:2]) + int(text[3:]) for text in seen["countdown"])

    assert LEFT_SECONDS >= before > after > 0


def test_price_bar_adds_up(seen: Seen) -> None:
    """YES and NO are the house's prices, one together."""
    yes, no = map(Decimal, seen["sides"])

    assert 1 == yes + no
    assert 0 < yes < 1


def test_chart_is_drawn(seen: Seen) -> None:
    """Its canvas has ink."""
    assert seen["drawn"] > 1_000


async def test_epochs_are_the_index_s(seen: Seen) -> None:
    """The newest first; outcomes in words; all that the index says of them."""
    async with queries.open_database(seen.folder / "index.db") as index:
        rows = await queries.epochs(index, "BTC")
    words = {"YES": "▲ YES", "NO": "▼ NO", "VOID": "= VOID", None: "● open"}
    expected = [(str(row["epoch"]), words[row["outcome"]]) for row in reversed(rows)]
    shown = [(cells[0], cells[4]) for cells in seen["epochs"]]

    assert len(shown) >= 5
    assert shown == expected[: len(shown)]


async def test_reserve_is_shown_with_its_proof(seen: Seen) -> None:
    """Coverage, level, block hash and the command by which one checks it."""
    text = seen["reserve"]

    assert "Covered: 100" in text
    assert "linked" in text
    assert "Not verified" in text
    assert "chain-kit reserve --prove" in text


def test_trades_are_listed(seen: Seen) -> None:
    """Who bought or sold what, at which price; beside an account's positions its own."""
    assert {seen.account} == set(seen["ownTrades"])
    assert len(seen["trades"]) > 3
    assert all(line.startswith(("buy ", "sell ")) for line in seen["trades"])


def test_position_is_found_by_typing_an_address(seen: Seen) -> None:
    """Every row and every digit is there, the totals are exact, and the address is a link to share."""
    names = ("yes_tokens", "no_tokens", "cost", "realized_pnl", "unrealized_pnl", "claimable")
    expected = {row["epoch"]: [row[name] for name in names] for row in seen.positions}
    shown = {int(cells[1]): [*cells[2:4], *cells[5:]] for cells in seen["positions"]}
    totals = {name: sum(Decimal(row[key]) for row in seen.positions) for name, key in (
        ("Claimable", "claimable"), ("Cost of what is held", "cost"), ("Realised", "realized_pnl"),
        ("Unrealised", "unrealized_pnl"),
    )}  # fmt: skip

    assert expected == shown
    assert totals == {name: Decimal(text) for name, text in seen["totals"].items()}
    assert f"#/account/{seen.account}" == seen["hash"]


def test_addresses_that_lead_nowhere_are_told_of(seen: Seen) -> None:
    """No address at all, one with a typing error, and one that nobody has used: each in its words."""
    assert "Not an address" in seen["malformed"]
    assert "checksum" in seen["checksum"]
    assert "Nothing is known of this address" in seen["stranger"]
    assert "There is no market NOPE here" in seen["noMarket"]


def test_nothing_has_to_be_scrolled_sideways(seen: Seen) -> None:
    """On a telephone, a tablet and a desk."""
    assert {"360": True, "768": True, "1440": True} == seen["fits"] == seen["accountFits"]


def test_keyboard_reaches_everything_and_everything_has_a_name(seen: Seen) -> None:
    """Tab goes from the link to the content over the search to what follows; nothing is nameless."""
    assert ["skip", "chain-kit", "address", "Show positions"] == seen["focus"][:4]
    assert [] == seen["unnamed"]


def test_light_and_dark_follow_the_system(seen: Seen) -> None:
    """Two schemes, two grounds."""
    light, dark = seen["schemes"]

    assert light != dark


def test_new_blocks_show_without_reloading(seen: Seen) -> None:
    """The header goes on with the index."""
    before, after = (int(text) for text in seen["blocks"])

    assert before + 1 == after


def test_doubt_is_on_top_with_its_reason(seen: Seen) -> None:
    """An index that is not to be relied on says so, and why."""
    banner, state = seen["stale"]

    assert "Not ready" in banner
    assert "a log of block 7 is missing" in banner
    assert "△ not ready" == state


def test_a_server_that_is_gone_is_told_of_and_found_again(seen: Seen) -> None:
    """Since when it is gone; when it is back, the page goes on by itself."""
    banner, state, line = seen["gone"]

    assert "The server does not answer" in banner
    assert "since " in banner
    assert ("✕ gone", "reconnecting…") == (state, line)
    assert [] == seen["back"]


def test_screenshot_is_taken(seen: Seen) -> None:
    """The whole page, as people see it."""
    assert (seen.folder / "page.png").read_bytes().startswith(b"\x89PNG")
    assert format_units(seen.world.books.hub_tokens, 18).partition(".")[0] in seen["reserve"].replace(",", "")
