from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import rlp  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import RpcUnreachableError
from chain_kit.jsonrpc import JsonRpc
from chain_kit.l1_fee import GAS_PRICE_ORACLE, l1_fee_upper_bound_wei, unsigned_size

SIGNATURE_FIELDS = 3


class FakeRpc(JsonRpc):
    """Gives one answer, and keeps the question."""

    def __init__(self, answer: Any) -> None:
        super().__init__("http://127.0.0.1:1")
        self.answer = answer
        self.asked: list[Any] = []

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """One answer."""
        self.asked.append((method, list(params)))
        return self.answer


@given(
    nonce=st.integers(0, 2**32),
    gas=st.integers(21_000, 2**32),
    fee=st.integers(0, 2**64),
    value=st.integers(0, 2**96),
    data=st.binary(max_size=600),
)
def test_the_size_is_that_of_the_transaction_without_its_signature(
    nonce: int, gas: int, fee: int, value: int, data: bytes
) -> None:
    """As the signer encodes it, whatever the numbers."""
    fields = {
        "type": 2,
        "chainId": 8453,
        "nonce": nonce,
        "maxPriorityFeePerGas": fee,
        "maxFeePerGas": fee,
        "gas": gas,
        "to": "0x" + "22" * 20,
        "value": value,
        "data": data,
    }
    signed = dev_signer(0).sign_transaction(fields).raw

    listed = rlp.decode(signed[1:])

    assert unsigned_size(fields) == 1 + len(rlp.encode(listed[:-SIGNATURE_FIELDS]))


async def test_the_predeploy_is_asked_for_the_bound() -> None:
    """getL1FeeUpperBound(uint256), with the size."""
    rpc = FakeRpc(f"0x{77:064x}")

    assert await l1_fee_upper_bound_wei(rpc, 300) == 77
    call = {"to": GAS_PRICE_ORACLE, "data": f"0xf1c7a58b{300:064x}"}
    assert rpc.asked == [("eth_call", [call, "latest"])]


async def test_a_chain_without_the_predeploy_has_no_such_fee() -> None:
    """Nobody answers there."""
    assert await l1_fee_upper_bound_wei(FakeRpc("0x"), 300) == 0


@pytest.mark.parametrize("answer", [None, "0xzz", {}])
async def test_says_when_the_answer_is_no_number(answer: Any) -> None:
    """A node that answers nonsense is an unreachable one."""
    with pytest.raises(RpcUnreachableError, match="L1 fee is not a number"):
        await l1_fee_upper_bound_wei(FakeRpc(answer), 300)
