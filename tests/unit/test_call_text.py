from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.abi_codec import AbiEntry, abi_names, load_abi
from chain_kit.call_text import contract_names, describe_call
from chain_kit.contracts import Contract
from chain_kit.manifest import ContractRecord, TokenRecord
from tests.keeper_support.configs import manifest

HUB = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
FEED = b"BTC/USD".ljust(32, b"\0")


def call(name: str, function: str, *args: object) -> bytes:
    """Call data of one of the kit's contracts."""
    return Contract(name, HUB).encode_call(function, *args)


class TestWords:
    """Calls of the kit's contracts."""

    def test_names_contract_function_and_arguments(self) -> None:
        """Addresses with their checksum, numbers as they are."""
        data = call("EpochHub", "redeemFor", ACCOUNT.lower(), 1, [12, 13])

        text = describe_call("EpochHub", HUB, data)

        assert text == f"EpochHub.redeemFor(account {ACCOUNT}, marketId 1, epochs [12, 13])"
        assert describe_call("EpochHub", HUB.lower(), "0x" + data.hex()) == text

    def test_finds_the_contract_by_a_function_that_only_one_has(self) -> None:
        """So that a caller without a manifest reads the same."""
        data = call("BoundaryOracle", "voidBoundary", FEED, 1_700_000_100)

        assert describe_call(None, HUB, data).startswith("BoundaryOracle.voidBoundary(")

    def test_gives_the_address_where_several_have_the_function(self) -> None:
        """Which token it is cannot be told."""
        data = call("TestToken", "approve", ACCOUNT, 5)

        assert describe_call(None, HUB, data) == f"{HUB}.approve(spender {ACCOUNT}, amount 5)"
        assert describe_call("MrtToken", HUB, data) == f"MrtToken.approve(spender {ACCOUNT}, amount 5)"

    def test_feeds_read_as_text_and_hashes_as_hex(self) -> None:
        """Bytes that are a name are shown as one."""
        text = describe_call(
            "BoundaryOracle", HUB, call("BoundaryOracle", "voidBoundary", FEED, 1_700_000_100)
        )

        assert "BTC/USD" in text
        assert "1700000100" in text

    def test_long_lists_and_bytes_are_cut_unless_all_is_wanted(self) -> None:
        """A line stays a line; nothing is lost where all of it is asked for."""
        epochs = list(range(1000, 1100))
        data = call("EpochHub", "redeemFor", ACCOUNT, 1, epochs)

        assert "1011, … 88 more]" in describe_call("EpochHub", HUB, data)
        assert str(epochs) in describe_call("EpochHub", HUB, data, whole=True)


def test_names_of_a_deployments_contracts() -> None:
    """Those in the manifest that have an ABI, facades and pools' parts, and the tokens."""
    parts = {
        name: f"0x{number:040d}" for number, name in enumerate(("hub", "facade", "lock", "staking", "usd"))
    }
    hub = ContractRecord("EpochHub", parts["hub"], None, 1, (), "0x")
    other = ContractRecord("Library", "0x" + "9" * 40, None, 1, (), "0x")
    plain = next(iter(manifest().markets.values()))
    market = replace(plain, facade=parts["facade"], lock=parts["lock"], staking=parts["staking"])
    token = TokenRecord(parts["usd"], "USDC", 6)
    made = replace(
        manifest(), collateral=token, contracts={"EpochHub": hub, "Library": other}, markets={"BTC": market}
    )

    assert contract_names(made) == {
        parts["hub"]: "EpochHub",
        parts["facade"]: "MarketFacade",
        parts["lock"]: "LiquidityLock",
        parts["staking"]: "LpStaking",
        parts["usd"]: "TestToken",
        made.payout_token.address: "TestToken",
    }


class TestWhatNobodyKnows:
    """Data that is no call of ours."""

    @pytest.mark.parametrize("name", [None, "EpochHub"])
    def test_an_unknown_function_is_said_to_be_one(self, name: str | None) -> None:
        """With its selector, its size and the address."""
        text = describe_call(name, HUB, b"\xde\xad\xbe\xef" + bytes(64))

        assert "none of the kit's (0xdeadbeef, 68 bytes)" in text
        assert HUB in text

    def test_a_function_of_another_contract_is_unknown_to_this_one(self) -> None:
        """The hub has no `approve`: whatever that call does, it is not what the words would say."""
        assert "none of the kit's" in describe_call("EpochHub", HUB, call("TestToken", "approve", ACCOUNT, 5))

    def test_arguments_that_do_not_fit(self) -> None:
        """Half a call is not guessed at."""
        data = call("EpochHub", "redeemFor", ACCOUNT, 1, [12, 13])

        assert "arguments that it does not take" in describe_call("EpochHub", HUB, data[:-40])

    def test_bytes_behind_the_arguments_are_mentioned(self) -> None:
        """They are part of what is signed."""
        data = call("TestToken", "approve", ACCOUNT, 5)

        assert describe_call("TestToken", HUB, data + b"xyz").endswith("and 3 bytes that it does not read")

    def test_no_data_is_no_call(self) -> None:
        """As in an empty transaction that frees a nonce."""
        assert describe_call(None, HUB, b"") == f"nothing is called at {HUB}"

    @given(st.sampled_from(abi_names()), st.data())
    def test_any_bytes_give_one_printable_line(self, name: str, drawn: st.DataObject) -> None:
        """Whatever is in a journal, reading it neither fails nor writes to the terminal's controls."""
        selectors = [AbiEntry.of(item).selector for item in load_abi(name) if item["type"] == "function"]
        data = drawn.draw(st.sampled_from([*selectors, b"\1\2\3\4", b"\1"])) + drawn.draw(
            st.binary(max_size=200)
        )

        for known in (name, None):
            for whole in (False, True):
                assert describe_call(known, HUB, data, whole=whole).isprintable()

    def test_strings_cannot_write_to_the_terminal(self) -> None:
        """Names of markets are anybody's words."""
        data = call("PayoutVault", "proposeRoot", bytes(32), 5, "\x1b[31m\n\u202eevil")

        text = describe_call("PayoutVault", HUB, data)

        assert text.isprintable()
        assert "\\u001b[31m\\n\\u202eevil" in text

    def test_text_that_is_none_is_not_guessed_at(self) -> None:
        """Bytes that are no UTF-8 where a string has to be."""
        data = call("PayoutVault", "proposeRoot", bytes(32), 5, "abc").replace(b"abc", b"\xff\xfea")

        assert "arguments that it does not take" in describe_call("PayoutVault", HUB, data)
