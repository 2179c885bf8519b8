from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.dev_accounts import dev_signer
from chain_kit.testing.replacement import Pool, RawTransaction, decode
from tests.unit.testing.support import signed

WEI = st.integers(1, 10**12)


@pytest.mark.parametrize(
    ("kind", "fees"),
    [
        ({}, {"gasPrice": 7}),
        ({"type": 1, "accessList": []}, {"gasPrice": 7}),
        ({"type": 2}, {"maxFeePerGas": 9, "maxPriorityFeePerGas": 4}),
    ],
)
def test_every_type_is_read(kind: dict[str, Any], fees: dict[str, int]) -> None:
    """Nonce, both fees, hash and sender."""
    account = Account.from_key(b"\1" * 32)
    to = "0x" + "22" * 20
    fields = {"chainId": 31337, "nonce": 300, "to": to, "value": 0, "gas": 21_000, **kind, **fees}
    made = account.sign_transaction(fields)

    read = decode("0x" + bytes(made.raw_transaction).hex())

    assert read is not None
    assert (read.nonce, read.hash) == (300, "0x" + bytes(made.hash).hex())
    tip = fees.get("maxPriorityFeePerGas", 7)
    assert (read.max_fee_per_gas_wei, read.max_priority_fee_per_gas_wei) == (max(fees.values()), tip)
    assert read.sender == account.address.lower()


@pytest.mark.parametrize("raw", ["", "0x", "0x02", "0x02c0", "no hex", None, "0x02ff", 7])
def test_what_is_no_transaction(raw: object) -> None:
    """The node may say so."""
    assert decode(raw) is None


@given(old=st.tuples(WEI, WEI), new=st.tuples(WEI, WEI), percent=st.integers(0, 100))
def test_geths_rule(old: tuple[int, int], new: tuple[int, int], percent: int) -> None:
    """More in both fields, and at least the percentage more, rounded down."""
    before, after = (RawTransaction("0x", str(fees), 0, *fees) for fees in (old, new))
    least = [max(wei + 1, wei * (100 + percent) // 100) for wei in old]

    assert after.may_replace(before, percent) == (new[0] >= least[0] and new[1] >= least[1])


class TestPool:
    """What is pending, as far as it went through the proxy."""

    def setup_method(self) -> None:
        """A node that says what is put into `found`."""
        self.found: dict[str, Any] = {}
        self.pool = Pool(self._ask)

    async def _ask(self, method: str, params: list[Any]) -> Any:
        assert method == "eth_getTransactionByHash"
        return self.found.get(params[0])

    def _send(self, transaction: RawTransaction, block: str | None = None) -> None:
        """It is in the node, and perhaps in a block."""
        self.pool.sending(transaction)
        self.pool.sent(transaction)
        self.found[transaction.hash] = {"from": transaction.sender, "blockNumber": block}

    async def test_a_pending_one_is_defended(self) -> None:
        """Against less than it takes; the same bytes are no replacement."""
        first = signed(0, nonce=3, fee=100, tip=10)
        self._send(first)

        assert not await self.pool.allows(signed(0, nonce=3, fee=101, tip=11), 10)
        assert not await self.pool.allows(signed(0, nonce=3, fee=200, tip=10), 10)
        assert await self.pool.allows(signed(0, nonce=3, fee=110, tip=11), 10)
        assert await self.pool.allows(first, 10)

    async def test_others_are_not_in_its_way(self) -> None:
        """Another nonce, or another sender."""
        self._send(signed(0, nonce=3, fee=100, tip=10))

        assert await self.pool.allows(signed(0, nonce=4, fee=100, tip=10), 10)
        assert await self.pool.allows(signed(1, nonce=3, fee=100, tip=10), 10)

    @pytest.mark.parametrize("end", ["mined", "dropped"])
    async def test_what_is_no_longer_pending_is_not_defended(self, end: str) -> None:
        """The node is asked: a pool loses what it likes."""
        first = signed(0, nonce=3, fee=100, tip=10)
        self._send(first, block="0x1")
        if end == "dropped":
            del self.found[first.hash]

        assert await self.pool.allows(signed(0, nonce=3, fee=100, tip=10, value=2), 10)

    async def test_one_that_is_on_its_way_is_defended(self) -> None:
        """Though the node does not know it yet."""
        self.pool.sending(signed(0, nonce=3, fee=100, tip=10))

        assert not await self.pool.allows(signed(0, nonce=3, fee=101, tip=11), 10)

    async def test_the_oldest_are_forgotten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Weeks of traffic take no more room than a day's."""
        monkeypatch.setattr("chain_kit.testing.replacement._MOST", 2)
        for nonce in range(4):
            self._send(signed(0, nonce=nonce, fee=100, tip=10))

        assert [one.nonce for one in self.pool._known.values()] == [2, 3]
        assert sorted(self.pool._by_nonce) == [2, 3]


def test_signed_is_by_who_it_says() -> None:
    """The tests' own transactions are what they claim."""
    assert signed(1, nonce=0, fee=1, tip=1).sender == dev_signer(1).address.lower()
