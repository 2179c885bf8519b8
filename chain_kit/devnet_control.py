"""What an anvil can be told that a real chain cannot: its clock, its blocks, balances and code."""

from __future__ import annotations

from typing import Any

from chain_kit.jsonrpc import JsonRpc

__all__ = ["DevnetControl"]


class DevnetControl:
    """Steers the anvil behind `rpc`. Times are Unix seconds, amounts are base units (wei for ether)."""

    def __init__(self, rpc: JsonRpc) -> None:
        self.rpc = rpc

    async def mine(self, blocks: int = 1, *, interval: int | None = None) -> None:
        """Mines `blocks` blocks, `interval` seconds apart (as the clock goes, if None)."""
        params = [hex(blocks)] if interval is None else [hex(blocks), hex(interval)]
        await self.rpc.call("anvil_mine", params)

    async def set_next_timestamp(self, timestamp: int) -> None:
        """The next block gets this time, and the clock goes on from it."""
        await self.rpc.call("evm_setNextBlockTimestamp", [hex(timestamp)])

    async def increase_time(self, seconds: int) -> None:
        """Puts the clock forward; the next block shows it."""
        await self.rpc.call("evm_increaseTime", [hex(seconds)])

    async def timestamp(self) -> int:
        """The time of the newest block."""
        block = await self.rpc.call("eth_getBlockByNumber", ["latest", False])
        return int(block["timestamp"], 16)

    async def set_automine(self, enabled: bool) -> None:  # noqa: FBT001 - there is nothing else to say
        """Whether each transaction is mined at once."""
        await self.rpc.call("evm_setAutomine", [enabled])

    async def snapshot(self) -> str:
        """Remembers the state; the id is for one `revert`."""
        return str(await self.rpc.call("evm_snapshot"))

    async def revert(self, snapshot: str) -> None:
        """Goes back to a snapshot, and empties the pool, which anvil itself would keep."""
        await self.rpc.call("evm_revert", [snapshot])
        await self.rpc.call("anvil_dropAllTransactions")

    async def reorg(self, depth: int, transactions: list[Any] | None = None) -> None:
        """Replaces the newest `depth` blocks by others; their transactions are gone.

        `transactions` are pairs of a raw transaction and the new block (0 is the first) that takes it.
        """
        await self.rpc.call("anvil_reorg", [depth, transactions or []])

    async def rollback(self, depth: int) -> None:
        """Removes the newest `depth` blocks, and rewinds the nonces."""
        await self.rpc.call("anvil_rollback", [depth])

    async def set_balance(self, address: str, amount_wei: int) -> None:
        """Gives `address` exactly this much ether."""
        await self.rpc.call("anvil_setBalance", [address, hex(amount_wei)])

    async def set_code(self, address: str, code: str) -> None:
        """Puts runtime code (0x…) at `address`."""
        await self.rpc.call("anvil_setCode", [address, code])

    async def deal_erc20(self, token: str, account: str, amount_units: int) -> None:
        """Gives `account` exactly this balance of `token`, by writing it into the token's storage."""
        await self.rpc.call("anvil_dealERC20", [account, token, hex(amount_units)])

    async def impersonate(self, address: str) -> None:
        """Lets `eth_sendTransaction` send from `address` without its key."""
        await self.rpc.call("anvil_impersonateAccount", [address])

    async def stop_impersonating(self, address: str) -> None:
        """Takes that back."""
        await self.rpc.call("anvil_stopImpersonatingAccount", [address])
