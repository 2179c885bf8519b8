"""A trading bot that knows the documented interface of a market and nothing of this project.

python bot_web3.py RPC_URL PRIVATE_KEY MARKET yes|no AMOUNT: approves, buys, and prints what it saw as JSON.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

from eth_account import Account
from web3 import Web3

UINT = {"type": "uint256"}


def function(
    name: str, inputs: list[dict[str, str]], outputs: list[dict[str, str]], kind: str
) -> dict[str, Any]:
    """One entry of an ABI."""
    return {"type": "function", "name": name, "inputs": inputs, "outputs": outputs, "stateMutability": kind}


AMOUNT = [{"name": "amount", **UINT}]
STATUS = [UINT, UINT, UINT, {"type": "bool"}, UINT, UINT, UINT, UINT]
MARKET = [
    function("buyYes", AMOUNT, [], "nonpayable"),
    function("buyNo", AMOUNT, [], "nonpayable"),
    function("currentEpoch", [], [UINT], "view"),
    function("collateralToken", [], [{"type": "address"}], "view"),
    function("getCurrentStatus", [], STATUS, "view"),
]
TOKEN = [
    function("approve", [{"name": "spender", "type": "address"}, *AMOUNT], [{"type": "bool"}], "nonpayable"),
    function(
        "allowance",
        [{"name": "owner", "type": "address"}, {"name": "spender", "type": "address"}],
        [UINT],
        "view",
    ),
    function("balanceOf", [{"name": "account", "type": "address"}], [UINT], "view"),
]
NAMES = (
    "epoch",
    "startPrice",
    "timeRemaining",
    "tradingActive",
    "yesPrice",
    "noPrice",
    "yesSupply",
    "noSupply",
)


class Bot:
    """One account at one market."""

    def __init__(self, url: str, key: str, market: str) -> None:
        self.web3 = Web3(Web3.HTTPProvider(url))
        self.account = Account.from_key(key)
        self.market = self.web3.eth.contract(address=Web3.to_checksum_address(market), abi=MARKET)
        token = self.market.functions.collateralToken().call()
        self.token = self.web3.eth.contract(address=token, abi=TOKEN)

    def status(self) -> dict[str, Any]:
        """What the market shows."""
        return dict(zip(NAMES, self.market.functions.getCurrentStatus().call(), strict=True))

    def send(self, call: Any, gas: int) -> Any:
        """Sends a call and waits for its receipt. It must succeed."""
        base = self.web3.eth.get_block("latest")["baseFeePerGas"]
        tip = self.web3.eth.max_priority_fee
        transaction = call.build_transaction(
            {
                "from": self.account.address,
                "nonce": self.web3.eth.get_transaction_count(self.account.address),
                "gas": gas,
                "maxFeePerGas": 2 * base + tip,
                "maxPriorityFeePerGas": tip,
            }
        )
        signed = self.account.sign_transaction(transaction)
        digest = self.web3.eth.send_raw_transaction(signed.raw_transaction)
        receipt = self.web3.eth.wait_for_transaction_receipt(digest, timeout=60)
        assert receipt["status"] == 1, "the market refused"
        return receipt

    def buy(self, side: str, amount: Decimal) -> dict[str, Any]:
        """Approves what is needed and buys."""
        amount_wei = self.web3.to_wei(amount, "ether")
        before, held = self.status(), self.token.functions.balanceOf(self.account.address).call()
        allowed = self.token.functions.allowance(self.account.address, self.market.address).call()
        if allowed < amount_wei:
            self.send(self.token.functions.approve(self.market.address, 2 * amount_wei), 100_000)
        name = {"yes": "buyYes", "no": "buyNo"}[side]
        receipt = self.send(getattr(self.market.functions, name)(amount_wei), 300_000)
        paid = held - self.token.functions.balanceOf(self.account.address).call()
        mined = {"gas": receipt["gasUsed"], "block": receipt["blockNumber"]}
        return {**mined, "paid": paid, "before": before, "after": self.status()}


if __name__ == "__main__":
    url, key, market, side, amount = sys.argv[1:]
    print(json.dumps(Bot(url, key, market).buy(side, Decimal(amount))))  # noqa: T201
