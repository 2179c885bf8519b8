"""The chain of all schedules, and what may happen to it. Each schedule begins on the same block."""

from __future__ import annotations

from typing import Any

from chain_kit.dev_accounts import dev_signer
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.testing import FaultProxy
from chain_kit.testing.http_relay import Upstream
from chain_kit.units import checksum_address
from tests.state_machine.counter import CODE, COUNTER, REFUSING_SLOT

__all__ = ["FINAL_DEPTH", "SIGNER", "Chain"]

SIGNER = dev_signer(0)
_OTHER = dev_signer(1).address
_SLOTS = 4
FINAL_DEPTH = 2 * _SLOTS
"""Blocks behind the head that anvil calls final."""
_BASE_FEE = 10**9
_NOBODY = checksum_address("0x00000000000000000000000000000000000000aa")


class Chain:
    """An anvil that mines when it is told to, and the proxy in front of it. An async context manager."""

    def __init__(self) -> None:
        self.anvil = Anvil(slots_in_an_epoch=_SLOTS, mining=False)
        self.genesis = ""
        self.base = 0
        self._snapshot = ""
        self.time = 0
        """The chain's clock, when it was last looked at."""
        self.final = 0
        """The highest block that was ever final: no reorg goes there."""

    async def __aenter__(self) -> Chain:
        await self.anvil.start()
        self.rpc = self.anvil.rpc = _DirectRpc(self.anvil.url)
        self.proxy = FaultProxy(self.anvil.url)
        await self.proxy.__aenter__()
        await self.anvil.set_code(COUNTER, CODE)
        await self.anvil.mine(FINAL_DEPTH + 2)
        self.genesis = (await self.rpc.call("eth_getBlockByNumber", ["0x0", False]))["hash"]
        self._snapshot = await self.anvil.snapshot()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.proxy.__aexit__(None, None, None)
        await self.rpc.aclose()
        await self.anvil.stop()

    async def begin(self, seed: int) -> None:
        """As it was in the beginning."""
        await self.rpc.batch(
            [
                ("evm_revert", [self._snapshot]),
                ("anvil_dropAllTransactions", []),
                ("anvil_setNextBlockBaseFeePerGas", [hex(_BASE_FEE)]),
            ]
        )
        self._snapshot = await self.anvil.snapshot()
        self.proxy.faults = ()
        self.proxy.seed, self.proxy.requests = seed, 0
        self.proxy.log.clear()
        self.proxy.forwarded.clear()
        # A block of its own, below which nothing is taken back: anvil forgets the state of the one before.
        await self._do(("anvil_setCode", [COUNTER, CODE]), ("anvil_mine", ["0x1"]))
        self.base = self.final = await self.rpc.block_number()
        await self.note_final()

    # ------------------------------------------------------------------ what happens

    async def mine(self, blocks: int = 1, seconds: int = 2) -> None:
        """Blocks, so many seconds apart."""
        await self._do(("anvil_mine", [hex(blocks), hex(seconds)]))
        await self.note_final()

    async def reorg(self, depth: int, *, thief: bool) -> None:
        """Other blocks, and perhaps a transaction of another program with our key."""
        depth = await self._may_go(depth)
        if depth:
            head = await self.rpc.block_number()
            taken = [[self.foreign(await self.nonce(head - depth)), 0]] if thief else []
            await self.anvil.reorg(depth, taken)
            await self.note_final()

    async def rollback(self, depth: int) -> None:
        """The newest blocks are gone, and nothing is in their place."""
        depth = await self._may_go(depth)
        if depth:
            await self.anvil.rollback(depth)
            await self.note_final()

    async def drop(self, *, newest_only: bool) -> None:
        """The pool forgets everything, or the highest nonce."""
        hashes = [hash_ for _, hash_ in sorted(await self.pool())]
        if newest_only:
            await self._do(*(("anvil_dropTransaction", [hash_]) for hash_ in hashes[-1:]))
        else:
            await self._do(("anvil_dropAllTransactions", []))

    async def steal(self, ahead: int, *, fee_wei: int) -> None:
        """Another program with our key sends with the `ahead`-th nonce from the next that can be mined."""
        raw = self.foreign(await self.nonce() + ahead, fee_wei)
        await self.rpc.batch_settled([("eth_sendRawTransaction", [raw])])

    async def deliver(self, raw: bytes) -> None:
        """Somebody hands the node a transaction that was ours and that he kept."""
        await self.rpc.batch_settled([("eth_sendRawTransaction", ["0x" + raw.hex()])])

    async def other(self, data: bytes) -> None:
        """Somebody else brings about what is to be brought about; it waits in the pool."""
        fields = {"from": _OTHER, "to": COUNTER, "data": "0x" + data.hex(), "gas": hex(10**6)}
        fees = {"maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**9)}
        await self.rpc.batch_settled([("eth_sendTransaction", [{**fields, **fees}])])

    async def base_fee(self, wei: int) -> None:
        """What the next block asks; those after it go on from there."""
        await self._do(("anvil_setNextBlockBaseFeePerGas", [hex(wei)]))

    async def refuse(self, *, on: bool) -> None:
        """The contract reverts from now on, or no longer."""
        await self._do(("anvil_setStorageAt", [COUNTER, f"0x{REFUSING_SLOT:064x}", f"0x{int(on):064x}"]))

    async def calm(self) -> None:
        """Nothing is wrong any more."""
        self.proxy.faults = ()
        await self.base_fee(_BASE_FEE)
        await self.refuse(on=False)

    # ------------------------------------------------------------------ what is there

    async def nonce(self, block: int | str = "latest") -> int:
        """Our next nonce."""
        tag = hex(block) if isinstance(block, int) else block
        return int(await self.rpc.call("eth_getTransactionCount", [SIGNER.address, tag]), 16)

    async def pool(self) -> list[tuple[int, str]]:
        """Nonce and hash of our transactions in the pool."""
        content = await self.rpc.call("txpool_content")
        found = []
        for part in ("pending", "queued"):
            for sender, by_nonce in content[part].items():
                if sender.lower() == SIGNER.address.lower():
                    found += [(int(nonce), str(one["hash"])) for nonce, one in by_nonce.items()]
        return found

    async def blocks(self) -> list[dict[str, Any]]:
        """The blocks of this schedule with their transactions, oldest first."""
        head = await self.rpc.block_number()
        calls: list[Call] = [("eth_getBlockByNumber", [hex(n), True]) for n in range(self.base + 1, head + 1)]
        return await self.rpc.batch(calls) if calls else []

    async def note_final(self) -> int:
        """The highest block that was ever final."""
        head = await self.rpc.call("eth_getBlockByNumber", ["latest", False])
        self.time = int(head["timestamp"], 16)
        self.final = max(self.final, int(head["number"], 16) - FINAL_DEPTH)
        return self.final

    @staticmethod
    def foreign(nonce: int, fee_wei: int = 10**11) -> str:
        """Another program's transaction with our key; it does nothing."""
        fields = {"type": 2, "chainId": 31337, "nonce": nonce, "to": _NOBODY, "value": 0, "data": b""}
        fees = {"gas": 30_000, "maxFeePerGas": fee_wei, "maxPriorityFeePerGas": min(fee_wei, 10**9)}
        return "0x" + SIGNER.sign_transaction({**fields, **fees}).raw.hex()

    async def _may_go(self, depth: int) -> int:
        return max(0, min(depth, await self.rpc.block_number() - await self.note_final()))

    async def _do(self, *calls: Call) -> None:
        await self.rpc.batch(calls)


class _DirectRpc(JsonRpc):
    """A client that does as little as can be done: most of a schedule is questions."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._upstream = Upstream(url)

    async def aclose(self) -> None:
        """Closes its connections."""
        await self._upstream.aclose()
        await super().aclose()

    async def _exchange(self, body: bytes, first_id: int, most_bytes: int) -> bytes:  # noqa: ARG002
        return (await self._upstream.post(body)).body
