"""What the week runs on: an anvil whose clock is set block by block, three markets, and their manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.jsonrpc import Call
from chain_kit.manifest import ContractRecord, FeedRecord, Manifest, MarketRecord, TokenRecord
from chain_kit.oracle import feed_id
from chain_kit.units import checksum_address, keccak256
from tests.keeper_support.kit import DEADLINE, KEEPER, OWNER, REGISTER_FEED, TRADERS, UNIT, Kit, house_terms
from tests.week.recorded import FEEDS, GENESIS

__all__ = ["FINAL_BLOCKS", "USUAL_FEE_WEI", "World"]

_LEAD_SECONDS = 3_600
FINAL_BLOCKS = 16
"""This many blocks below the head, a block cannot go any more."""
_FUNDS = 200_000 * UNIT
_HOUSE = 2_000 * UNIT
USUAL_FEE_WEI = 20_000_000
"""The base fee, as it is on Base on a quiet day."""
# A day's logs must stay to be asked for: the trade keeper counts its day anew when it starts.
_KEPT_BLOCKS = 8_000
_KEPT_STATES = 200


@dataclass
class World:
    """The chain, what is deployed on it, and its clock. `fee_wei` is the base fee of the blocks to come."""

    anvil: Anvil
    kit: Kit
    fee_wei: int = USUAL_FEE_WEI
    now: int = 0
    number: int = 0

    @classmethod
    def chain(cls) -> Anvil:
        """An anvil for it, not started yet, that forgets what nobody asks for any more."""
        return Anvil(
            timestamp=GENESIS - _LEAD_SECONDS,
            slots_in_an_epoch=FINAL_BLOCKS // 2,
            extra=[
                *("--prune-history", str(_KEPT_STATES)),
                *("--transaction-block-keeper", str(_KEPT_BLOCKS)),
                *("--order", "fifo"),
            ],
        )

    @classmethod
    async def deploy(cls, anvil: Anvil) -> World:
        """Three markets whose houses have a budget, three traders and a keeper with collateral."""
        kit = await Kit.deploy(anvil, genesis=GENESIS)
        for symbol, feed in list(FEEDS.items())[1:]:
            await kit.send(OWNER, kit.oracle, REGISTER_FEED, feed_id(feed), kit.adapter.address, DEADLINE)
            await kit.send(OWNER, kit.hub, "createMarket", feed_id(feed), symbol, GENESIS, house_terms())
        for account in (OWNER, KEEPER, *TRADERS):
            await kit.send(OWNER, kit.collateral, "mint", account, 2 * _FUNDS)
            await kit.send(account, kit.collateral, "approve", kit.hub.address, 2**255)
            await kit.send(account, kit.hub, "deposit", account, _FUNDS)
        for market_id in range(2, len(FEEDS) + 1):
            await kit.send(OWNER, kit.hub, "fundHouse", market_id, _HOUSE)
        await kit.send(OWNER, kit.hub, "defundHouse", 1, 10_000 * UNIT - _HOUSE)
        for market_id in range(1, len(FEEDS) + 1):
            facade = await kit.ask(kit.hub, "facadeOf", market_id)
            await kit.send(KEEPER, kit.collateral, "approve", facade, 2**255)
        await kit.send(OWNER, kit.vault, "setOperator", KEEPER)
        await anvil.set_automine(enabled=False)
        world = cls(anvil, kit)
        world.number = await anvil.rpc.block_number()
        world.now = await anvil.timestamp()
        return world

    # ------------------------------------------------------------------ the clock

    async def mine(self, timestamp: int, *, first: list[Call] | None = None) -> None:
        """A block of this time with all that waits; before that, `first` is said to the node."""
        await self.anvil.rpc.batch(
            [
                *(first or []),
                ("anvil_setNextBlockBaseFeePerGas", [hex(self.fee_wei)]),
                ("evm_setNextBlockTimestamp", [hex(timestamp)]),
                ("anvil_mine", ["0x1"]),
            ]
        )
        self.now, self.number = timestamp, self.number + 1

    async def rollback(self, depth: int) -> None:
        """The newest `depth` blocks and their transactions are gone. The clock goes on all the same."""
        await self.anvil.rollback(depth)
        self.number -= depth

    def trade(self, trader: str, market_id: int, side: int, amount_units: int) -> Call:
        """A trader's purchase in the running epoch, for the next block."""
        data = self.kit.hub.encode_call("buy", market_id, side, amount_units, 0, 0, 2**64)
        fields = {
            "from": trader,
            "to": self.kit.hub.address,
            "data": "0x" + data.hex(),
            "gas": hex(500_000),
            "maxFeePerGas": hex(10**12),
            "maxPriorityFeePerGas": hex(10**6),
        }
        return ("eth_sendTransaction", [fields])

    # ------------------------------------------------------------------ the manifest

    async def write_manifest(self, path: Path) -> None:
        """What keepers and index learn the addresses from."""
        kit, rpc = self.kit, self.anvil.rpc
        contracts = (kit.collateral, kit.oracle, kit.adapter, kit.hub, kit.vault)
        names = ("CYM1", "BoundaryOracle", "SignedReportAdapter", "EpochHub", "PayoutVault")
        genesis = await rpc.call("eth_getBlockByNumber", ["0x0", False])
        nothing = "0x" + "00" * 32
        manifest = Manifest(
            chain_id=await rpc.chain_id(),
            genesis_hash=genesis["hash"],
            settings_hash=nothing,
            collateral=TokenRecord(checksum_address(kit.collateral.address), "CYM1", 18),
            payout_token=TokenRecord(checksum_address(kit.usdc.address), "USDC", 6),
            contracts={
                name: await self._contract(name, contract)
                for name, contract in zip(names, contracts, strict=True)
            },
            feeds={feed: self._feed(feed, nothing) for feed in FEEDS.values()},
            markets={
                symbol: await self._market(number, symbol, feed, nothing)
                for number, (symbol, feed) in enumerate(FEEDS.items(), 1)
            },
        )
        manifest.save(path)

    async def _contract(self, name: str, contract: Contract) -> ContractRecord:
        code = await self.anvil.rpc.call("eth_getCode", [contract.address, "latest"])
        digest = keccak256(bytes.fromhex(code[2:])).hex()
        return ContractRecord(name, contract.address, "0x" + digest, 1, (), "0x" + digest)

    def _feed(self, feed: str, transaction: str) -> FeedRecord:
        adapter = self.kit.adapter.address
        identity = "0x" + feed_id(feed).hex()
        return FeedRecord(feed, identity, adapter, DEADLINE, (adapter,), (DEADLINE,), transaction, 1)

    async def _market(self, market_id: int, symbol: str, feed: str, transaction: str) -> MarketRecord:
        facade: Any = await self.kit.ask(self.kit.hub, "facadeOf", market_id)
        liquidity, closing_bps, fee_bps, closing_fee_bps, _ = house_terms()
        return MarketRecord(
            symbol=symbol,
            market_id=market_id,
            facade=facade,
            feed=feed,
            genesis=GENESIS,
            liquidity=liquidity,
            closing_liquidity_bps=closing_bps,
            fee_bps=fee_bps,
            closing_fee_bps=closing_fee_bps,
            transaction=transaction,
            block=1,
        )
