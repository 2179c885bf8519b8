from __future__ import annotations

import re
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.abi_codec import load_abi
from chain_kit.units import checksum_address
from indexer.blocks import Log
from indexer.decode import Decoder, LogDecodeError
from indexer.events import Bought, FillTransfer, OrderFilled, ShareTransfer
from indexer.registry import EVENTS
from tests.index_support.chain import DEPLOYMENT, Raw, address_of, encode_event, raw_event

CONTRACTS = (
    *("EpochHub", "BoundaryOracle", "PayoutVault", "RaceMarket"),
    *("MrtCurve", "MrtToken", "LiquidityLock", "LpStaking", "TestToken"),
)
ABI_EVENTS = [
    (contract, entry) for contract in CONTRACTS for entry in load_abi(contract) if entry["type"] == "event"
]
ORDERS_AND_MODES = [
    *("OrderRegistered", "OrderCancelled", "NonceFloorRaised", "MatchOperatorSet"),
    *("TradingModeEntered", "TradingModeLeft", "ReleaseRequested", "ReleaseSpent"),
]
DECODER = Decoder(DEPLOYMENT)
# What the database cannot hold is replaced, which a test of its own shows.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


def _value(kind: str) -> st.SearchStrategy[Any]:
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(lambda raw: checksum_address("0x" + raw.hex()))
    if kind == "bool":
        return st.booleans()
    if kind == "bytes32":
        return st.binary(min_size=32, max_size=32)
    if kind == "bytes32[]":
        return st.lists(_value("bytes32"), max_size=16)
    if kind == "string":
        return TEXT
    assert kind.startswith("uint")
    return st.integers(0, 2 ** int(kind.removeprefix("uint")) - 1)


def _as_read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_as_read, value))
    return "0x" + value.hex() if isinstance(value, bytes) else value


def _log(raw: Raw) -> Log:
    return Log(7, "0x" + "aa" * 32, 3, "0x" + "bb" * 32, raw.address, raw.topics, raw.data)


@given(st.data())
@pytest.mark.parametrize(
    ("contract", "entry"), ABI_EVENTS, ids=lambda v: v if isinstance(v, str) else v["name"]
)
def test_every_event_comes_back_as_eth_abi_encoded_it(
    contract: str, entry: dict[str, Any], data: st.DataObject
) -> None:
    """For random values, the decoded fields are the encoded ones, by name and in order."""
    values = [data.draw(_value(item["type"])) for item in entry["inputs"]]
    event = DECODER.decode(_log(raw_event(contract, entry["name"], *values)))
    expected = [_as_read(value) for value in values]
    assert event.name == entry["name"]
    assert list(event.args) == [item["name"] for item in entry["inputs"]]
    assert list(event.args.values()) == expected
    if event.data is not None:
        assert list(event.data) == expected
        assert type(event.data) is EVENTS[contract, entry["name"]]


@pytest.mark.parametrize(("contract", "name"), EVENTS, ids=lambda v: v)
def test_typed_events_have_the_fields_of_the_abi(contract: str, name: str) -> None:
    """Each class names its contract's event's fields in the order of the declaration."""
    entry = next(e for e in load_abi(contract) if e["type"] == "event" and e["name"] == name)
    wanted = [re.sub(r"([A-Z])", r"_\1", item["name"]).lower() for item in entry["inputs"]]
    # A tuple has a method called `index`; ERC-20 calls its fields as its implementations like.
    aliases = {"index": "feed_index", "from": "sender", "to": "receiver", "value": "amount"}
    assert list(EVENTS[contract, name]._fields) == [aliases.get(field, field) for field in wanted]


@pytest.mark.parametrize(
    "not_in_sums",
    ["GuardianSet", "Approval", "OperatorSet", "OwnershipTransferred", *ORDERS_AND_MODES],
)
def test_events_that_move_nothing_are_named_all_the_same(not_in_sums: str) -> None:
    """Powers and approvals are decoded for the record, without a type of their own."""
    entry = next(e for c, e in ABI_EVENTS if c == "EpochHub" and e["name"] == not_in_sums)
    plain = {"address": address_of("x"), "bool": True, "uint256": 1, "bytes32": b"x" * 32}
    event = DECODER.decode(
        _log(raw_event("EpochHub", not_in_sums, *(plain[i["type"]] for i in entry["inputs"])))
    )
    assert (event.name, event.data) == (not_in_sums, None)


def test_an_event_says_whose_it_is() -> None:
    """The hub by its name, a curve with its market, any token as one."""
    deposited = raw_event("EpochHub", "Deposited", address_of("a"), address_of("b"), 1)
    curve = raw_event("MrtCurve", "FeesClaimed", address_of("a"), 1)
    usdc = raw_event(
        "TestToken", "Transfer", address_of("a"), address_of("b"), 1, address=DEPLOYMENT.payout_token.address
    )
    events = DECODER.decode_all(map(_log, [deposited, curve, usdc]))
    assert [event.contract for event in events] == ["EpochHub", "MrtCurve:BTC", "token"]
    assert events[2].address == DEPLOYMENT.payout_token.address


FILL = (b"h" * 32, address_of("a"), 1, 2, 0, True, 1_000, 400, 3)
GIVEN = (address_of("operator"), address_of("b"), address_of("a"), 1 << 64 | 2 << 8, 1_000)


def _hub_logs(*events: tuple[str, tuple[Any, ...]], first: int = 3, step: int = 1) -> list[Log]:
    raws = [raw_event("EpochHub", name, *values) for name, values in events]
    return [_log(raw)._replace(log_index=first + step * n) for n, raw in enumerate(raws)]


def test_the_transfer_that_announces_a_fill_is_told_from_others() -> None:
    """Only the one right before the fill, although the operator may make both."""
    logs = _hub_logs(("Transfer", GIVEN), ("Transfer", GIVEN), ("OrderFilled", FILL), ("Transfer", GIVEN))
    kinds = [type(event.data) for event in DECODER.decode_all(logs)]
    assert kinds == [ShareTransfer, FillTransfer, OrderFilled, ShareTransfer]
    assert DECODER.decode_all(logs)[1].data == FillTransfer(*GIVEN)


def test_a_transfer_is_no_announcement_across_a_gap_or_a_block() -> None:
    """What stands between, or is in the next block, parts the two."""
    events = (("Transfer", GIVEN), ("OrderFilled", FILL))
    apart = _hub_logs(*events, step=2)
    last, filled = _hub_logs(*events)
    later = [last, filled._replace(block_number=last.block_number + 1)]
    for logs in (apart, later):
        assert isinstance(DECODER.decode_all(logs)[0].data, ShareTransfer)


def test_a_known_topic_of_another_contract_is_unknown() -> None:
    """The vault's OperatorSet is not ERC-6909's: each contract has its own events."""
    topics, data = encode_event("PayoutVault", "OperatorSet", [address_of("x")])
    event = DECODER.decode(_log(Raw(DEPLOYMENT.hub.lower(), topics, data)))
    assert (event.name, event.args, event.data) == (None, {}, None)


def _bought() -> Raw:
    return raw_event("EpochHub", "Bought", 1, 2, address_of("a"), 1, 10, 1, 12, True)


def test_a_typed_event_has_its_fields_by_name() -> None:
    """Numbers are ints, flags are booleans."""
    event = DECODER.decode(_log(_bought()))
    assert event.data == Bought(1, 2, address_of("a"), 1, 10, 1, 12, True)


@pytest.mark.parametrize("damage", ["short data", "no data", "fewer topics", "short topic", "no hex"])
def test_a_log_that_is_not_of_its_events_form_is_refused(damage: str) -> None:
    """A known topic over other data is an error that says where, not a wrong number."""
    raw = _bought()
    damaged = {
        "short data": Raw(raw.address, raw.topics, raw.data[:-2]),
        "no data": Raw(raw.address, raw.topics, "0x"),
        "fewer topics": Raw(raw.address, raw.topics[:-1], raw.data),
        "short topic": Raw(raw.address, (*raw.topics[:-1], "0x01"), raw.data),
        "no hex": Raw(raw.address, raw.topics, "0x" + "zz" * 160),
    }
    with pytest.raises(LogDecodeError, match="log 3 of block 7 is not a Bought event"):
        DECODER.decode(_log(damaged[damage]))


@pytest.mark.parametrize("offset", [64, 2**255])
@pytest.mark.parametrize("size", [33, 2**255])
def test_a_string_that_points_outside_is_refused(offset: int, size: int) -> None:
    """Neither a far offset nor a huge length reads or allocates beyond the log."""
    topics, _ = encode_event("PayoutVault", "RootProposed", [b"r" * 32, 1, 2, "uri"])
    data = "0x" + encode(["uint256", "uint256", "uint256", "uint256"], [1, 2, offset, size]).hex()
    with pytest.raises(LogDecodeError):
        DECODER.decode(_log(Raw(DEPLOYMENT.vault.lower(), topics, data)))


def test_a_log_of_another_address_is_refused() -> None:
    """The node must not slip in what was not asked for."""
    with pytest.raises(LogDecodeError):
        DECODER.decode(_log(Raw(address_of("stranger").lower(), ("0x" + "11" * 32,), "0x")))
