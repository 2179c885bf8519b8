"""The sender with a key that is somewhere else: anvil's own `eth_signTransaction`, and web3signer's REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.errors import DevKeyRefusedError, PendingError
from chain_kit.fees import FeePolicy
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_KEYS
from chain_kit.outbox import Kind, Sender, State
from chain_kit.signers import Signer
from chain_kit.signers.remote import RemoteKind, RemoteSigner, RemoteSignerError, SignerUnreachableError
from chain_kit.typed_data import typed_data
from tests.keeper_support.journals import rows_in
from tests.keeper_support.payments import PAYMENT_EFFECTS, balance_of, payee, payment
from tests.keeper_support.signing_server import SigningServer

ADDRESS = dev_signer(0).address
OWN_KEY = "0x" + "77" * 32
OWN = Signer(OWN_KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the outbox is."""
    return tmp_path / "outbox.db"


@pytest.fixture
async def funded(anvil: Anvil) -> Anvil:
    """A chain on which the server's key has money."""
    await anvil.set_balance(OWN.address, 10**18)
    return anvil


@pytest.fixture
async def quiet() -> AsyncIterator[Anvil]:
    """A chain that mines when it is told to."""
    async with Anvil(slots_in_an_epoch=32) as anvil:
        await anvil.set_automine(False)
        yield anvil


async def open_sender(rpc: JsonRpc, path: Path, signer: Signer, **options: Any) -> Sender:
    """A sender that does not let tests wait."""
    return await Sender.open(rpc, path, signer, PAYMENT_EFFECTS, poll_seconds=0.05, **options)


async def test_anvil_signs_what_it_mines(anvil: Anvil, path: Path) -> None:
    """A real node's `eth_signTransaction`, its answer checked, journaled and sent: each payment once."""
    signer = RemoteSigner(anvil.url, ADDRESS, RemoteKind.JSON_RPC)
    async with await open_sender(anvil.rpc, path, signer) as sender:
        outcomes = [await sender.submit(payment(number)) for number in range(3)]

    rows = await rows_in(anvil.rpc, path)
    assert [one.tx_hash for one in outcomes] == [row.tx_hash for row in rows]
    assert [row.nonce for row in rows] == [rows[0].nonce + n for n in range(3)]  # type: ignore[operator]
    assert {row.sender for row in rows} == {ADDRESS}
    assert [await balance_of(anvil.rpc, payee(number)) for number in range(3)] == [1, 1, 1]


def test_anvil_signs_as_its_key_does(anvil: Anvil) -> None:
    """The same bytes as those of the key in this process, and typed data too."""
    signer = RemoteSigner(anvil.url, ADDRESS, RemoteKind.JSON_RPC)
    fields = {
        "type": 2, "chainId": 31337, "nonce": 5, "to": OWN.address, "data": b"\1\2", "value": 2**70,
        "gas": 50_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 1,
    }  # fmt: skip
    types = {"Report": (("feed", "bytes32"), ("price", "uint256"), ("note", "string"))}
    message = {"feed": b"BTC/USD".ljust(32, b"\0"), "price": 2**200, "note": "é"}
    document = typed_data("chain-kit test", 31337, ADDRESS, types, message)

    assert signer.sign_transaction(fields) == dev_signer(0).sign_transaction(fields)
    assert signer.sign_typed_data(document) == dev_signer(0).sign_typed_data(document)


def test_anvil_refuses_a_key_that_it_does_not_hold(anvil: Anvil) -> None:
    """In its own words."""
    with pytest.raises(RemoteSignerError, match="refuses eth_signTransaction: "):
        RemoteSigner(anvil.url, OWN.address, RemoteKind.JSON_RPC).sign_transaction(
            {
                "chainId": 31337, "nonce": 0, "to": OWN.address, "gas": 21_000,
                "maxFeePerGas": 1, "maxPriorityFeePerGas": 1,
            }
        )  # fmt: skip


@pytest.mark.parametrize("kind", list(RemoteKind))
async def test_a_key_on_a_server_pays(funded: Anvil, path: Path, kind: RemoteKind) -> None:
    """Either way, with the same transactions as a key in this process."""
    with SigningServer(OWN_KEY) as server:
        signer = RemoteSigner(server.url, OWN.address, kind)
        async with await open_sender(funded.rpc, path, signer) as sender:
            outcome = await sender.submit(payment(1))

    (row,) = await rows_in(funded.rpc, path)
    assert (row.tx_hash, row.sender, row.state) == (outcome.tx_hash, OWN.address, State.DONE)
    assert await balance_of(funded.rpc, payee(1)) == 1


@pytest.mark.parametrize("kind", list(RemoteKind))
async def test_while_the_signer_is_away_nothing_is_journaled(
    funded: Anvil, path: Path, kind: RemoteKind
) -> None:
    """No nonce is taken; when it is back the same intent is paid."""
    with SigningServer(OWN_KEY) as server:
        signer = RemoteSigner(server.url, OWN.address, kind)
        async with await open_sender(funded.rpc, path, signer) as sender:
            server.spoil = lambda *_: (503, b"")
            with pytest.raises(SignerUnreachableError):
                await sender.submit(payment(1))
            assert await rows_in(funded.rpc, path) == []
            server.spoil = lambda _path, _method, answer: answer
            await sender.submit(payment(1))

    (row,) = await rows_in(funded.rpc, path)
    assert row.nonce == 0


async def test_what_another_key_signed_is_not_journaled(funded: Anvil, path: Path) -> None:
    """A signer that was set up wrong, or lies: nothing reaches journal or chain."""
    with SigningServer(OWN_KEY, ANVIL_KEYS[3]) as server:

        def spoil(_path: str, _method: str, answer: Any) -> Any:
            return list(reversed(answer)) if isinstance(answer, list) else b"0x" + b"11" * 64 + b"1b"

        server.spoil = spoil
        signer = RemoteSigner(server.url, OWN.address, RemoteKind.WEB3SIGNER)
        async with await open_sender(funded.rpc, path, signer) as sender:
            with pytest.raises(RemoteSignerError):
                await sender.submit(payment(1))

    assert await rows_in(funded.rpc, path) == []
    assert int(await funded.rpc.call("eth_getTransactionCount", [OWN.address, "pending"]), 16) == 0


async def test_replacements_and_cancellations_are_signed_there_too(quiet: Anvil, path: Path) -> None:
    """Higher fees for one that is stuck; an empty transaction for one that is late."""
    signer = RemoteSigner(quiet.url, ADDRESS, RemoteKind.JSON_RPC)
    policy = FeePolicy(stuck_seconds=10)
    deadline = await quiet.timestamp() + 100
    late = replace(payment(1), deadline=deadline)
    async with await open_sender(quiet.rpc, path, signer, fee_policy=policy, timeout_seconds=0.05) as sender:
        with pytest.raises(PendingError):
            await sender.submit(late)
        for seconds in (20, 200):
            await quiet.rpc.call("anvil_dropAllTransactions")
            await quiet.increase_time(seconds)
            await quiet.mine()
            (row,) = await rows_in(quiet.rpc, path)
            await quiet.rpc.call("eth_sendRawTransaction", ["0x" + row.raw.hex()])
            await sender.reconcile()
        await quiet.mine()
        await sender.reconcile()

    (row,) = await rows_in(quiet.rpc, path)
    assert [attempt.kind for attempt in row.attempts] == [Kind.CALL, Kind.CALL, Kind.CANCEL]
    assert row.state is State.EXPIRED


async def test_a_public_key_is_refused_off_anvil(
    anvil: Anvil, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the key is: everybody has it."""

    async def version(_: JsonRpc) -> str:
        return "Geth/v1.16"

    monkeypatch.setattr(JsonRpc, "client_version", version)
    signer = RemoteSigner(anvil.url, ADDRESS, RemoteKind.JSON_RPC)

    with pytest.raises(DevKeyRefusedError):
        await open_sender(anvil.rpc, path, signer)
