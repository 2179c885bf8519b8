"""Signed orders off chain: what they say, whether they cross, and how they are settled. No ape, no web3.

orders       a limit order: what it may be, its wire form, the contract's struct
signing      its EIP-712 digest and signature, on one contract of one chain
matching     how two orders meet, and what a fill costs: the contract's arithmetic
settlement   a match as `matchOrders` takes it, and what that would do or refuse
"""

from chain_kit.clob.matching import Fill, MatchKind, amount_of, crosses, fee_most, fill_of, size_most
from chain_kit.clob.orders import PRICE_TICK_E18, SIZE_LOT_UNITS, Order, Side, SignedOrder
from chain_kit.clob.settlement import ChainView, MakerPart, Match, OrderState, Settled, settled
from chain_kit.clob.signing import HUB_NAME, RACE_NAME, OrderDomain

__all__ = [
    "HUB_NAME",
    "PRICE_TICK_E18",
    "RACE_NAME",
    "SIZE_LOT_UNITS",
    "ChainView",
    "Fill",
    "MakerPart",
    "Match",
    "MatchKind",
    "Order",
    "OrderDomain",
    "OrderState",
    "Settled",
    "Side",
    "SignedOrder",
    "amount_of",
    "crosses",
    "fee_most",
    "fill_of",
    "settled",
    "size_most",
]
