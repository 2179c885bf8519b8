"""What an OP-stack chain charges for putting a transaction's data on its parent chain.

Base takes this fee from the sender's balance beside gas. The GasPriceOracle predeploy tells an upper bound by
the size of the unsigned transaction (OP-stack specifications, "Fjord L1 cost fee changes"); a chain without
that predeploy has no such fee.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_utils.abi import function_signature_to_4byte_selector

from chain_kit.errors import RpcUnreachableError
from chain_kit.jsonrpc import Call, JsonRpc

__all__ = [
    "GAS_PRICE_ORACLE",
    "l1_fee_from_answer",
    "l1_fee_request",
    "l1_fee_upper_bound_wei",
    "unsigned_size",
]

GAS_PRICE_ORACLE = "0x420000000000000000000000000000000000000F"
_SELECTOR = function_signature_to_4byte_selector("getL1FeeUpperBound(uint256)").hex()
_TYPE_2_PREFIX = 1


def unsigned_size(fields: Mapping[str, Any]) -> int:
    """The bytes of an EIP-1559 transaction before it is signed, its fields named as in JSON-RPC."""
    listed = [
        fields["chainId"], fields["nonce"], fields["maxPriorityFeePerGas"], fields["maxFeePerGas"],
        fields["gas"], bytes.fromhex(fields["to"].removeprefix("0x")), fields["value"], fields["data"], [],
    ]  # fmt: skip
    return _TYPE_2_PREFIX + len(rlp.encode(listed))


def l1_fee_request(size: int) -> Call:
    """The eth_call whose answer `l1_fee_from_answer` reads."""
    call = {"to": GAS_PRICE_ORACLE, "data": f"0x{_SELECTOR}{size:064x}"}
    return "eth_call", [call, "latest"]


def l1_fee_from_answer(rpc: JsonRpc, answer: Any) -> int:
    """The most that the data can cost, in wei; 0 where nobody is asked.

    Raises RpcUnreachableError if the answer is no number.
    """
    if answer == "0x":
        return 0
    try:
        return int(answer, 16)
    except (TypeError, ValueError):
        raise RpcUnreachableError(rpc.public_url, "the L1 fee is not a number") from None


async def l1_fee_upper_bound_wei(rpc: JsonRpc, tx_size: int) -> int:
    """The most that the data of an unsigned transaction of `tx_size` bytes can cost, in wei.

    0 on a chain without the predeploy. Raises an RpcError.
    """
    return l1_fee_from_answer(rpc, await rpc.call(*l1_fee_request(tx_size)))
