"""A process that pays one wei to each of many addresses, the way that web3.py, ape or the outbox is used.

Its argument is a JSON object: `kind` (web3, ape or outbox), `url`, `count`, and `folder`, which outlives it.
Around each step stands the loop that a user writes: any exception is logged, and the step is tried again, up
to ten times. A payment by web3.py is two steps, to send, and to wait for the hash that came of it; by ape it
is one. Both know nothing of payments of before a restart, so their user notes each in a file once it is
confirmed, and leaves out those that are noted. How long they wait for a receipt, and how often they repeat a
request by themselves, is their default.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from chain_kit.dev_accounts import dev_signer
from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_KEYS
from chain_kit.outbox import Sender
from tests.keeper_support.payments import PAYMENT_EFFECTS, payee, payment

__all__ = ["ACCOUNT", "TRIES"]

ACCOUNT = 2
"""Which of anvil's accounts pays."""
TRIES = 10
_PAUSE_SECONDS = 0.3
_TIMEOUT_SECONDS = 2.0
"""How long one request may take, where that can be said (ape: half an hour)."""


class _Given:
    """What the process was told, and the payments that it has noted."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.url = str(config["url"])
        self.folder = Path(config["folder"])
        self.count = int(config["count"])
        self._noted = self.folder / "paid.txt"

    def left(self) -> Iterator[int]:
        """The payments that are not noted yet."""
        noted = set(self._noted.read_text().split()) if self._noted.exists() else set()
        yield from (number for number in range(self.count) if str(number) not in noted)

    def pay_all(self, *steps: Callable[[Any], Any]) -> None:
        """Pays what is left, each step in the user's loop, and notes what was confirmed.

        The first step is given the address, the others what the step before gave.
        """
        for number in self.left():
            value: Any = payee(number)
            for step in steps:
                value = _repeated(number, partial(step, value))
                if value is None:
                    break
            else:
                with self._noted.open("a") as file:
                    file.write(f"{number}\n")


def _web3(given: _Given) -> None:
    """As web3.py's documentation sends: the middleware that fills in fees and nonce, signs and sends."""
    from eth_account import Account
    from web3 import HTTPProvider, Web3
    from web3.middleware import SignAndSendRawMiddlewareBuilder

    w3 = Web3(HTTPProvider(given.url, request_kwargs={"timeout": _TIMEOUT_SECONDS}))
    account = Account.from_key(ANVIL_KEYS[ACCOUNT])
    w3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(account), layer=0)

    def send(to: str) -> bytes:
        return w3.eth.send_transaction({"from": account.address, "to": to, "value": w3.to_wei(1, "wei")})

    given.pay_all(send, w3.eth.wait_for_transaction_receipt)


def _ape(given: _Given) -> None:
    """As ape's user guide sends: `account.transfer`, which waits until it is confirmed."""
    import ape

    network = ape.networks.parse_network_choice(given.url)
    _repeated(-1, network.__enter__)
    account = ape.accounts.test_accounts[ACCOUNT]
    given.pay_all(lambda to: account.transfer(to, 1))


def _repeated(number: int, action: Callable[[], Any]) -> Any:
    """The user's loop; None for what fails ten times."""
    for _ in range(TRIES):
        try:
            return action()
        except Exception as error:  # noqa: BLE001  # it is what users write
            _tell(number, error)
            time.sleep(_PAUSE_SECONDS)
    return None


async def _outbox(given: _Given) -> None:
    """As a keeper sends: what the outbox knows is looked at first, then every payment is submitted."""
    async with JsonRpc(given.url, timeout_seconds=_TIMEOUT_SECONDS) as rpc:
        sender = await _again(
            -1, lambda: Sender.open(rpc, given.folder / "outbox.db", dev_signer(ACCOUNT), PAYMENT_EFFECTS)
        )
        async with sender:
            await _again(-1, sender.reconcile)
            for number in range(given.count):
                await _again(number, partial(sender.submit, payment(number)))


async def _again(number: int, action: Callable[[], Any]) -> Any:
    """The same loop."""
    for _ in range(TRIES):
        try:
            return await action()
        except Exception as error:  # noqa: BLE001
            _tell(number, error)
            await asyncio.sleep(_PAUSE_SECONDS)
    return None


def _tell(number: int, error: Exception) -> None:
    print(f"{number}: {type(error).__name__}: {error}"[:300], file=sys.stderr)  # noqa: T201


def main(config: dict[str, Any]) -> None:
    """Pays as `kind` does."""
    given = _Given(config)
    if config["kind"] == "outbox":
        asyncio.run(_outbox(given))
    else:
        {"web3": _web3, "ape": _ape}[config["kind"]](given)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
