"""`chain-kit tx` beside a sender that is at work, on a real anvil."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from typer.testing import CliRunner

from chain_kit.cli.app import app
from chain_kit.cli.commands.tx import NEEDS_A_PERSON
from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import ChainKitError, PendingError, SendError, StoreDeploymentError
from chain_kit.guard import Guard, Lease
from chain_kit.guard.tables import halts
from chain_kit.jsonrpc import JsonRpc
from chain_kit.outbox import Effect, Intent, Sender
from tests.keeper_support.configs import write_config
from tests.keeper_support.journals import rows_in, until
from tests.keeper_support.payments import PAYMENT_EFFECTS, payee, payment
from tests.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

SIGNER = dev_signer(0)
GWEI = 10**9


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    """A chain of the test's own that mines when it is told to."""
    async with Anvil(slots_in_an_epoch=32) as anvil:
        await anvil.set_automine(False)
        yield anvil


@pytest.fixture(params=["file", "server"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the outbox is."""
    if request.param == "file":
        return str(tmp_path / "outbox.db")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.new_database()


@pytest.fixture
def path(tmp_path: Path) -> str:
    """An outbox in a file, for what does not depend on the database."""
    return str(tmp_path / "outbox.db")


async def open_sender(anvil: Anvil, url: str, **options: Any) -> Sender:
    """A sender that gives up waiting at once."""
    return await Sender.open(anvil.rpc, url, SIGNER, PAYMENT_EFFECTS, timeout_seconds=0.05, **options)


async def submitted(sender: Sender, *intents: Intent) -> None:
    """Gets the intents' transactions into the pool."""
    for intent in intents:
        with pytest.raises((PendingError, SendError)):
            await sender.submit(intent)


async def run(*arguments: str, code: int = 0) -> str:
    """What the command prints; it must end with `code`."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
    if isinstance(result.exception, ChainKitError):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


async def examined(anvil: Anvil, url: str, *more: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """The doctor's findings by their kind."""
    output = await run("tx", "doctor", "--outbox", url, "--rpc-url", anvil.url, "--json", *more, code=code)
    return {one["kind"]: one for one in json.loads(output)}


class TestList:
    """`tx list`."""

    async def test_shows_rows_newest_first_beside_a_sender_at_work(self, anvil: Anvil, url: str) -> None:
        """In a file and on a server; the filters leave out the others."""
        async with await open_sender(anvil, url) as sender:
            await submitted(sender, payment(1))
            await anvil.mine()
            await sender.reconcile()
            await submitted(sender, payment(2))

            every = json.loads(await run("tx", "list", "--outbox", url, "--json"))
            live = json.loads(await run("tx", "list", "--outbox", url, "--live", "--json"))
            table = await run("tx", "list", "--outbox", url, "--limit", "1")

        assert [(one["subjects"], one["nonce"], one["outcome"]) for one in every] == [
            (["2"], 1, ""),
            (["1"], 0, "done"),
        ]
        assert [one["subjects"] for one in live] == [["2"]]
        assert int(every[0]["max_fee_per_gas_wei"]) > 0
        assert every[0]["tx_hash"][:14] in table
        assert every[1]["tx_hash"][:14] not in table
        assert json.loads(await run("tx", "list", "--outbox", url, "--action", "none", "--json")) == []


class TestShow:
    """`tx show`."""

    async def test_a_mined_one_with_its_costs(self, anvil: Anvil, path: str) -> None:
        """Call, attempts, block, confirmations, gas and fees; found by its hash or its id."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
            await anvil.mine()
            await sender.reconcile()
            await anvil.mine(2)
        (row,) = await rows_in(anvil.rpc, path)
        where = ("--outbox", path, "--rpc-url", anvil.url)

        document = json.loads(await run("tx", "show", row.tx_hash, *where, "--json"))
        shown = await run("tx", "show", str(row.id), *where)

        receipt = await anvil.rpc.call("eth_getTransactionReceipt", [row.tx_hash])
        (attempt,) = document["attempts"]
        cost_wei = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        assert (document["outcome"], document["confirmations"], document["canonical"]) == ("done", 3, True)
        assert (attempt["paid"]["fee_wei"], attempt["paid"]["l1_fee_wei"]) == (str(cost_wei), "0")
        assert document["effect"]["problem"] == "this version cannot check it"
        assert "in block 1, 3 deep" in shown
        assert "it succeeded: gas 21000" in shown
        assert f"nothing is called at {row.intent.contract}" in shown

    async def test_the_effect_as_it_is_now(self, anvil: Anvil, path: str) -> None:
        """Before the block, and after."""
        effect = Effect("nonce used", {"account": SIGNER.address, "nonce": 0})
        intent = Intent(SIGNER.address, "fill nonce", ("0",), b"", effect)
        show = ("tx", "show", "1", "--outbox", path, "--rpc-url", anvil.url)
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, intent)
            before, shown = json.loads(await run(*show, "--json")), await run(*show)
            await anvil.mine()
            after = json.loads(await run(*show, "--json"))

        assert "nonce used: it does not hold now" in shown
        assert "in the node's pool" in shown
        assert (before["effect"]["holds"], after["effect"]["holds"]) == (False, True)

    async def test_why_one_reverted(self, anvil: Anvil, path: str) -> None:
        """In words, also before a keeper has seen it; what it cost all the same."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
            # What is paid refuses by now, with EnforcedPause().
            await anvil.set_code(payee(1), "0x63d93c066560e01b60005260046000fd")
            await anvil.mine()
            show = ("tx", "show", "1", "--outbox", path, "--rpc-url", anvil.url)
            unseen = await run(*show)
            await sender.reconcile()
            seen = json.loads(await run(*show, "--json"))

        assert "it reverted (enforced pause): gas 2" in unseen
        assert (seen["outcome"], seen["revert"]["error"]) == ("failed", "EnforcedPause")
        assert seen["attempts"][0]["paid"]["succeeded"] is False

    async def test_without_a_node_it_shows_the_journal(self, anvil: Anvil, path: str) -> None:
        """And says that nobody was asked."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))

        shown = await run("tx", "show", "1", "--outbox", path, "--rpc-url", "http://127.0.0.1:1")

        assert "pay 1" in shown
        assert "the chain was not asked: no answer from http://127.0.0.1:1" in shown

    @pytest.mark.parametrize("wanted", ["99", "0xdead"])
    async def test_what_is_not_there(self, anvil: Anvil, path: str, wanted: str) -> None:
        """Refused by name."""
        async with await open_sender(anvil, path):
            pass

        with pytest.raises(ChainKitError, match=f"no row '{wanted}'"):
            await run("tx", "show", wanted, "--outbox", path, "--rpc-url", anvil.url)


class TestDoctor:
    """`tx doctor`, on states that were brought about, not told."""

    async def test_nothing_in_flight(self, anvil: Anvil, url: str) -> None:
        """All is well, in a file and on a server."""
        async with await open_sender(anvil, url) as sender:
            await submitted(sender, payment(1))
            await anvil.mine()
            await sender.reconcile()

        assert (await examined(anvil, url)).keys() == {"settling", "idle"}

    async def test_pending_then_dropped_then_mined(self, anvil: Anvil, path: str) -> None:
        """The keeper does the rest: nobody is called."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1), payment(2))
            assert (await examined(anvil, path)).keys() == {"next", "queued"}
            await anvil.rpc.call("anvil_dropAllTransactions")
            dropped = await examined(anvil, path)
            await sender.reconcile()
            await anvil.mine()
            mined = await examined(anvil, path)

        assert dropped.keys() == {"dropped"}
        assert "same bytes" in dropped["dropped"]["remedy"]
        assert mined.keys() == {"mined"}

    async def test_a_reorganisation(self, anvil: Anvil, path: str) -> None:
        """Before the keeper has seen it."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
            await anvil.mine()
            await sender.reconcile()
            await anvil.reorg(1)

        assert "reorged" in await examined(anvil, path)

    async def test_a_fee_below_the_base_fee_and_a_cap_below_it(self, anvil: Anvil, path: str) -> None:
        """With room under the cap it waits; without, a person is called."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
            await anvil.rpc.call("anvil_setNextBlockBaseFeePerGas", [hex(50 * GWEI)])
            # The block leaves it out.
            await anvil.mine()

            waits = await examined(anvil, path)
            capped = await examined(anvil, path, "--max-fee-gwei", "5", code=NEEDS_A_PERSON)

        assert waits["below base fee"]["urgency"] == "waits"
        assert "raise max_fee_gwei" in capped["above cap"]["remedy"]

    async def test_too_little_money(self, anvil: Anvil, path: str) -> None:
        """It says how much is missing, and where to send it."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
            await anvil.set_balance(SIGNER.address, 1_000)

            found = await examined(anvil, path, code=NEEDS_A_PERSON)

        (row,) = await rows_in(anvil.rpc, path)
        missing_wei = row.attempt.offer.most_wei + 1 - 1_000
        assert f"({missing_wei} wei) to {SIGNER.address}" in found["no funds"]["remedy"]

    async def test_a_strangers_transaction_takes_the_nonce(self, anvil: Anvil, path: str) -> None:
        """First in the pool, then in a block: each time it is named."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
            await anvil.rpc.call("anvil_dropAllTransactions")
            stranger = await _send_as_stranger(anvil.rpc, nonce=0)
            rival = await examined(anvil, path, code=NEEDS_A_PERSON)
            await anvil.mine()
            stolen = await examined(anvil, path, code=NEEDS_A_PERSON)

        assert stranger in rival["rival"]["says"]
        assert stranger in stolen["stolen nonce"]["says"]

    async def test_a_strangers_transaction_that_the_outbox_does_not_know(
        self, anvil: Anvil, path: str
    ) -> None:
        """At a nonce above ours."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
            stranger = await _send_as_stranger(anvil.rpc, nonce=1)

            found = await examined(anvil, path, code=NEEDS_A_PERSON)

        assert stranger in found["unknown pending"]["says"]
        assert found["unknown pending"]["nonce"] == 1

    async def test_a_gap_below(self, anvil: Anvil, path: str) -> None:
        """A stranger's transaction was below, and is gone."""
        await _send_as_stranger(anvil.rpc, nonce=0)
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
            (row,) = await rows_in(anvil.rpc, path)
            await anvil.rpc.call("anvil_dropAllTransactions")
            await anvil.rpc.call("eth_sendRawTransaction", ["0x" + row.raw.hex()])

            found = await examined(anvil, path)

        assert found.keys() == {"gap", "queued"}
        assert found["gap"]["nonce"] == 0

    async def test_a_lease_and_its_end(self, anvil: Anvil, url: str) -> None:
        """While it is held all is well; once it has run out somebody has to start a keeper."""
        lease = Lease(url, SIGNER.address, 31337, "host-a", ttl_seconds=30)
        async with lease, await open_sender(anvil, url, fence=lease.fence) as sender:
            await submitted(sender, payment(1))
            held = await examined(anvil, url)
        ended = await examined(anvil, url, code=NEEDS_A_PERSON)

        assert held.keys() == {"leased", "next"}
        assert "host-a" in held["leased"]["says"]
        assert ended.keys() == {"no keeper", "next"}

    async def test_a_halted_action(self, anvil: Anvil, url: str) -> None:
        """As the guard has written it down; resumed, it is forgotten."""
        async with await open_sender(anvil, url) as sender:
            await submitted(sender, payment(1))
            await anvil.mine()
            await sender.reconcile()
        guard = await Guard.open(url, SIGNER.address, 31337)
        await asyncio.to_thread(guard._store.write, _halt, lock=31337)
        halted = await examined(anvil, url, code=NEEDS_A_PERSON)
        await guard.resume("pay")
        await guard.aclose()

        assert "keeper resume pay" in halted["halted"]["remedy"]
        assert "in vain" in halted["halted"]["says"]
        assert "halted" not in await examined(anvil, url)

    async def test_a_keepers_file_says_where_and_how_much(self, anvil: Anvil, tmp_path: Path) -> None:
        """Outbox, node, chain and cap are its own; an option beats it."""
        chain = f'rpc_urls = ["{anvil.url}"]\nchain_id = 31337\ndeployment = "31337.json"\nindex = "index.db"'
        config = write_config(tmp_path, chain=chain, fees='max_fee_gwei = "5"')
        async with await open_sender(anvil, str(tmp_path / "outbox.db")) as sender:
            await submitted(sender, payment(1))
            await anvil.rpc.call("anvil_setNextBlockBaseFeePerGas", [hex(50 * GWEI)])
            await anvil.mine()

        capped = await run("tx", "doctor", "--config", str(config), code=NEEDS_A_PERSON)
        waits = await run("tx", "doctor", "--config", str(config), "--max-fee-gwei", "500")
        listed = json.loads(await run("tx", "list", "--config", str(config), "--json"))
        shown = json.loads(await run("tx", "show", "1", "--config", str(config), "--json"))

        assert "the cap is 5 gwei" in capped
        assert "below base fee" in waits
        assert [one["subjects"] for one in listed] == [["1"]]
        assert shown["action"] == "pay"

    async def test_text_names_the_signer_and_the_remedy(self, anvil: Anvil, path: str) -> None:
        """For a person at a terminal."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))

        text = await run("tx", "doctor", "--outbox", path, "--rpc-url", anvil.url)

        assert SIGNER.address in text
        assert "nonce 0, pay 1 (row 1): it is next" in text
        assert "→ nothing: after 30 s the keeper offers more" in text

    async def test_another_chain_with_the_same_id_is_refused(self, anvil: Anvil, path: str) -> None:
        """Its nonces say nothing about this outbox."""
        async with await open_sender(anvil, path) as sender:
            await submitted(sender, payment(1))
        async with Anvil(timestamp=1_600_000_000) as other:
            with pytest.raises(StoreDeploymentError, match="another chain 31337"):
                await run("tx", "doctor", "--outbox", path, "--rpc-url", other.url)


def _halt(connection: Connection) -> None:
    values = {"chain_id": 31337, "signer": SIGNER.address, "action": "pay", "since": 5, "reason": "in vain"}
    connection.execute(halts.insert(), values)


async def _send_as_stranger(rpc: JsonRpc, *, nonce: int) -> str:
    """A transaction that another program sends with the same key; it is in the pool. Gives its hash."""
    fields = {
        "type": 2, "chainId": 31337, "nonce": nonce, "to": SIGNER.address, "value": 0, "data": b"",
        "gas": 21_000, "maxFeePerGas": 40 * GWEI, "maxPriorityFeePerGas": 2 * GWEI,
    }  # fmt: skip
    signed = SIGNER.sign_transaction(fields)
    await rpc.call("eth_sendRawTransaction", ["0x" + signed.raw.hex()])

    async def known() -> bool:
        return await rpc.call("eth_getTransactionByHash", [signed.hash]) is not None

    await until(known)
    return signed.hash
