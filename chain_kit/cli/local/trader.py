"""Carries out the habits' actions on chain, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from chain_kit.cli.local.habits import Action, Kind
from chain_kit.contracts import Contract
from chain_kit.devnet_control import DevnetControl
from chain_kit.errors import RevertedError, SendError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.manifest import Manifest
from chain_kit.permit import sign_permit
from chain_kit.reverts import decode_revert
from chain_kit.signers import Signer

__all__ = ["Desk", "Wallet"]

FOREVER = 2**256 - 1
_GAS = 5_000_000
_RECEIPT_SECONDS = 30.0
_IMPATIENT_AFTER = 0.5


@dataclass
class Wallet:
    """An account of a local chain that sends one transaction at a time and waits for it."""

    signer: Signer
    rpc: JsonRpc
    chain_id: int
    nonce: int | None = None

    @property
    def address(self) -> str:
        """The account."""
        return self.signer.address

    async def send(self, contract: Contract, function: str, *arguments: Any) -> dict[str, Any]:
        """Sends a call; its receipt, once it is mined. Raises RevertedError, or SendError if it never is."""
        data, what = contract.encode_call(function, *arguments), f"{contract.name}.{function}"
        if self.nonce is None:
            self.nonce = int(await self.rpc.call("eth_getTransactionCount", [self.address, "latest"]), 16)
        price_wei = 2 * int(await self.rpc.call("eth_gasPrice"), 16)
        signed = self.signer.sign_transaction(
            {
                "chainId": self.chain_id,
                "nonce": self.nonce,
                "to": contract.address,
                "data": data,
                "value": 0,
                "gas": _GAS,
                "maxFeePerGas": price_wei,
                "maxPriorityFeePerGas": min(price_wei, 10**9),
            }
        )
        await self.rpc.call("eth_sendRawTransaction", ["0x" + signed.raw.hex()])
        self.nonce += 1
        receipt = await self._receipt(signed.hash, what)
        if int(receipt["status"], 16) != 1:
            reason = await self._reason(contract.address, data, receipt)
            raise RevertedError(f"{what} was refused: {reason}", transaction=signed.hash)
        return receipt

    async def _receipt(self, transaction: str, what: str) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < _RECEIPT_SECONDS:
            receipt = await self.rpc.call("eth_getTransactionReceipt", [transaction])
            if receipt is not None:
                return dict(receipt)
            if loop.time() - began > _IMPATIENT_AFTER:
                # Automine misses a transaction now and then.
                await DevnetControl(self.rpc).mine()
            await asyncio.sleep(0.005)
        raise SendError(f"{what} was not mined in {_RECEIPT_SECONDS} s: {transaction}")

    async def _reason(self, to: str, data: bytes, receipt: dict[str, Any]) -> str:
        call = {"from": self.address, "to": to, "data": "0x" + data.hex(), "gas": hex(_GAS)}
        (answer,) = await self.rpc.batch_settled([("eth_call", [call, receipt["blockNumber"]])])
        return decode_revert(getattr(answer, "data", None) or b"").sentence


@dataclass
class Desk:
    """The traders at one market, and how each kind of action is done."""

    rpc: JsonRpc
    manifest: Manifest
    symbol: str
    wallets: list[Wallet]
    hub: Contract = field(init=False)
    facade: Contract = field(init=False)
    curve: Contract = field(init=False)
    collateral: Contract = field(init=False)
    usdc: Contract = field(init=False)
    mrt: Contract = field(init=False)

    def __post_init__(self) -> None:
        manifest, market = self.manifest, self.manifest.market(self.symbol)
        self.market_id, self.genesis = market.market_id, market.genesis
        self.hub = Contract("EpochHub", manifest.address("EpochHub"))
        self.facade = Contract("MarketFacade", market.facade)
        self.curve = Contract("MrtCurve", manifest.address(f"MrtCurve:{self.symbol}"))
        self.mrt = Contract("MrtToken", manifest.address(f"MrtToken:{self.symbol}"))
        self.collateral = Contract("TestToken", manifest.collateral.address)
        self.usdc = Contract("TestToken", manifest.payout_token.address)

    async def approve(self, wallet: Wallet) -> None:
        """Lets market, hub and curve take the wallet's tokens."""
        await wallet.send(self.collateral, "approve", self.facade.address, FOREVER)
        await wallet.send(self.collateral, "approve", self.hub.address, FOREVER)
        await wallet.send(self.usdc, "approve", self.curve.address, FOREVER)
        await wallet.send(self.mrt, "approve", self.curve.address, FOREVER)

    async def act(self, action: Action, epoch: int) -> None:
        """Does one action of the running `epoch`. Disposing of nothing is left out."""
        do: dict[Kind, Callable[[Wallet, Action, int], Awaitable[None]]] = {
            Kind.BUY_BARE: self._buy_bare,
            Kind.BUY: self._buy,
            Kind.SELL: self._sell,
            Kind.DEPOSIT: self._deposit,
            Kind.DEPOSIT_PERMIT: self._deposit_by_permit,
            Kind.WITHDRAW: self._withdraw,
            Kind.SPLIT: self._split,
            Kind.MERGE: self._merge,
            Kind.HUB_BUY: self._hub_buy,
            Kind.HUB_SELL: self._hub_sell,
            Kind.TRANSFER: self._transfer,
            Kind.MRT_BUY: self._mrt_buy,
            Kind.MRT_SELL: self._mrt_sell,
        }
        await do[action.kind](self.wallets[action.trader], action, epoch)

    # ---------------------------------------------------------------- kinds

    async def _buy_bare(self, wallet: Wallet, action: Action, _: int) -> None:
        await wallet.send(self.facade, f"buy{_side(action)}(uint256)", action.amount)

    async def _buy(self, wallet: Wallet, action: Action, epoch: int) -> None:
        fn = f"buy{_side(action)}(uint256,uint256,uint256,uint256)"
        await wallet.send(self.facade, fn, action.amount, 1, epoch, self._close(epoch))

    async def _sell(self, wallet: Wallet, action: Action, epoch: int) -> None:
        shares = await self._shares(wallet, action, epoch)
        if shares:
            await wallet.send(self.facade, f"sell{_side(action)}", shares, 1, epoch, self._close(epoch))

    async def _deposit(self, wallet: Wallet, action: Action, _: int) -> None:
        await wallet.send(self.hub, "deposit", wallet.address, action.amount)

    async def _deposit_by_permit(self, wallet: Wallet, action: Action, epoch: int) -> None:
        (nonce,) = await self.collateral.call(self.rpc, "nonces", wallet.address)
        deadline = self._close(epoch)
        v, r, s = sign_permit(
            wallet.signer,
            token=self.collateral.address,
            token_name=self.manifest.collateral.symbol,
            chain_id=self.manifest.chain_id,
            spender=self.hub.address,
            amount_units=action.amount,
            nonce=nonce,
            deadline=deadline,
        )
        await wallet.send(self.hub, "depositWithPermit", wallet.address, action.amount, deadline, v, r, s)

    async def _withdraw(self, wallet: Wallet, action: Action, _: int) -> None:
        (held,) = await self.hub.call(self.rpc, "collateralOf", wallet.address)
        amount = held * action.percent // 100
        if amount:
            await wallet.send(self.hub, "withdraw", wallet.address, amount)

    async def _split(self, wallet: Wallet, action: Action, epoch: int) -> None:
        await wallet.send(self.hub, "split", self.market_id, epoch + action.ahead, action.amount)

    async def _merge(self, wallet: Wallet, action: Action, epoch: int) -> None:
        target = epoch + action.ahead
        yes, no = await self.hub.call(self.rpc, "positionOf", self.market_id, target, wallet.address)
        amount = min(yes, no) * action.percent // 100
        if amount:
            await wallet.send(self.hub, "merge", self.market_id, target, amount)

    async def _hub_buy(self, wallet: Wallet, action: Action, epoch: int) -> None:
        await wallet.send(
            self.hub, "buy", self.market_id, _side_number(action), action.amount, 1, epoch, self._close(epoch)
        )

    async def _hub_sell(self, wallet: Wallet, action: Action, epoch: int) -> None:
        shares = await self._shares(wallet, action, epoch)
        if shares:
            await wallet.send(
                self.hub, "sell", self.market_id, _side_number(action), shares, 1, epoch, self._close(epoch)
            )

    async def _transfer(self, wallet: Wallet, action: Action, epoch: int) -> None:
        shares = await self._shares(wallet, action, epoch)
        if shares:
            identity = self.market_id << 64 | epoch << 8 | _side_number(action)
            receiver = self.wallets[action.receiver].address
            await wallet.send(self.hub, "transfer", receiver, identity, shares)

    async def _mrt_buy(self, wallet: Wallet, action: Action, epoch: int) -> None:
        if await self._curve_is_open():
            await wallet.send(self.curve, "buy", action.amount, 1, wallet.address, self._close(epoch))

    async def _mrt_sell(self, wallet: Wallet, action: Action, epoch: int) -> None:
        (held,) = await self.mrt.call(self.rpc, "balanceOf", wallet.address)
        tokens = held * action.percent // 100
        if tokens and await self._curve_is_open():
            await wallet.send(self.curve, "sell", tokens, 1, wallet.address, self._close(epoch))

    # ---------------------------------------------------------------- inside

    async def _curve_is_open(self) -> bool:
        raised, target = [(await self.curve.call(self.rpc, name))[0] for name in ("raised", "target")]
        return bool(raised < target)

    async def _shares(self, wallet: Wallet, action: Action, epoch: int) -> int:
        """The part that the action names of what the wallet holds of its side."""
        held = await self.hub.call(self.rpc, "positionOf", self.market_id, epoch, wallet.address)
        return int(held[_side_number(action)]) * action.percent // 100

    def _close(self, epoch: int) -> int:
        """The end of the epoch: nothing of it may be done later."""
        return self.genesis + epoch * 300


def _side(action: Action) -> str:
    return "Yes" if action.yes else "No"


def _side_number(action: Action) -> int:
    return 0 if action.yes else 1
