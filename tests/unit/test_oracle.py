from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.abi_codec import CODEC
from chain_kit.dev_accounts import dev_signer
from chain_kit.errors import UsageError
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.oracle import (
    BoundaryPrice,
    decode_report,
    encode_report,
    feed_id,
    feed_name,
    report_typed_data,
    sign_report,
)
from chain_kit.signers import typed_data_digest
from chain_kit.units import keccak256

ADAPTER = ANVIL_ADDRESSES[9]
PRICES = [BoundaryPrice("BTC/USD", 1_700_000_100, 5 * 10**18), BoundaryPrice("ETH/USD", 1_700_000_400, 7)]


def word(value: int) -> bytes:
    """A uint256."""
    return value.to_bytes(32, "big")


class TestFeeds:
    """Feed names and their bytes32."""

    def test_an_id_is_the_padded_name(self) -> None:
        """As the contracts have it."""
        assert feed_id("BTC/USD") == b"BTC/USD" + bytes(25)

    @given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=32))
    def test_a_name_comes_back(self, name: str) -> None:
        """Any printable ASCII of up to 32 characters."""
        assert feed_name(feed_id(name)) == name

    @pytest.mark.parametrize("name", ["", "x" * 33, "BTC/€", "a\nb", "a\0"])
    def test_refuses_what_is_no_name(self, name: str) -> None:
        """Too long for 32 bytes, or not printable ASCII."""
        with pytest.raises(UsageError, match="is not a feed's name"):
            feed_id(name)

    @pytest.mark.parametrize("feed", [b"\xff" * 32, bytes(32), b"\x01".ljust(32, b"\0")])
    def test_shows_an_id_without_a_name_as_hex(self, feed: bytes) -> None:
        """Nothing is dropped."""
        assert feed_name(feed) == "0x" + feed.hex()


class TestReport:
    """Signed price reports."""

    def test_the_digest_is_what_the_contract_computes(self) -> None:
        """By hand from EIP-712: domain separator, struct hash, list of struct hashes."""
        price_type = b"BoundaryPrice(bytes32 feed,uint256 boundary,uint256 price)"
        report_type = b"PriceReport(uint256 chainId,BoundaryPrice[] prices)" + price_type
        domain_type = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
        rows = b"".join(
            keccak256(keccak256(price_type) + feed_id(p.feed) + word(p.boundary) + word(p.price_e18))
            for p in PRICES
        )
        report = keccak256(keccak256(report_type) + word(31337) + keccak256(rows))
        domain = keccak256(
            keccak256(domain_type)
            + keccak256(b"chain-kit SignedReportAdapter")
            + keccak256(b"1")
            + word(31337)
            + word(int(ADAPTER, 16))
        )

        digest = typed_data_digest(report_typed_data(31337, ADAPTER, PRICES))

        assert digest == keccak256(b"\x19\x01" + domain + report)

    @pytest.mark.parametrize(
        ("chain_id", "adapter", "prices"),
        [
            (1, ADAPTER, PRICES),
            (31337, ANVIL_ADDRESSES[8], PRICES),
            (31337, ADAPTER, PRICES[:1]),
            (31337, ADAPTER, PRICES[::-1]),
            (31337, ADAPTER, [PRICES[0], BoundaryPrice("ETH/USD", 1_700_000_400, 8)]),
        ],
    )
    def test_the_digest_binds_chain_contract_and_every_price(
        self, chain_id: int, adapter: str, prices: list[BoundaryPrice]
    ) -> None:
        """Change one of them and the signatures are worth nothing."""
        base = typed_data_digest(report_typed_data(31337, ADAPTER, PRICES))

        assert typed_data_digest(report_typed_data(chain_id, adapter, prices)) != base

    def test_signatures_stand_in_ascending_order_of_their_signers(self) -> None:
        """Whatever order the keys come in: the contract wants it so."""
        signers = [dev_signer(index) for index in (7, 5, 6)]

        report = sign_report(31337, ADAPTER, PRICES, signers)

        _, _, signatures = CODEC.decode(["uint256", "(bytes32,uint256,uint256)[]", "bytes"], report)
        message = report_typed_data(31337, ADAPTER, PRICES)
        ascending = sorted(signers, key=lambda signer: int(signer.address, 16))
        assert signatures == b"".join(signer.sign_typed_data(message) for signer in ascending)
        assert report == sign_report(31337, ADAPTER, PRICES, signers[::-1])

    def test_is_encoded_as_the_adapter_decodes_it(self) -> None:
        """Chain id, prices, signatures."""
        report = encode_report(31337, PRICES, b"sig")

        assert CODEC.decode(["uint256", "(bytes32,uint256,uint256)[]", "bytes"], report) == (
            31337,
            tuple((feed_id(p.feed), p.boundary, p.price_e18) for p in PRICES),
            b"sig",
        )


def test_a_report_says_its_prices() -> None:
    """What was signed can be read again."""
    assert decode_report(sign_report(31337, ADAPTER, PRICES, [dev_signer(5)])) == PRICES
