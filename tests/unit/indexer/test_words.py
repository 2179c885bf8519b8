from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.abi_files import abi_names, load_abi
from chain_kit.units import checksum_address
from indexer.words import layout_of, topic_of

WORD = 32
EVENTS = [(name, e) for name in abi_names() for e in load_abi(name) if e["type"] == "event"]
BYTES = st.binary(min_size=WORD, max_size=WORD)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "address": st.binary(min_size=20, max_size=20).map(lambda raw: checksum_address("0x" + raw.hex())),
    "bool": st.booleans(),
    "bytes32": BYTES,
    "bytes": st.binary(max_size=70),
    "bytes32[]": st.lists(BYTES, max_size=4).map(tuple),
    "string": st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    **{f"uint{bits}": st.integers(0, 2**bits - 1) for bits in (8, 40, 64, 128, 256)},
    **{f"int{bits}": st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (24, 256)},
}


def _entry(*fields: tuple[str, bool]) -> dict[str, Any]:
    """An event of these (type, whether it is indexed)."""
    inputs = [{"name": f"f{n}", "type": kind, "indexed": indexed} for n, (kind, indexed) in enumerate(fields)]
    return {"name": "Happened", "inputs": inputs}


def _log(entry: dict[str, Any], values: list[Any]) -> bytes:
    """Topics and data of an event, by eth_abi."""
    pairs = [(item, value) for item, value in zip(entry["inputs"], values, strict=True)]
    topics = [encode([item["type"]], [value]) for item, value in pairs if item["indexed"]]
    plain = [(item["type"], value) for item, value in pairs if not item["indexed"]]
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    return b"".join([bytes.fromhex(topic_of(entry)[2:]), *topics, data])


def _seen(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_seen, value))
    return "0x" + value.hex() if isinstance(value, bytes) else value


@pytest.mark.parametrize(("contract", "entry"), EVENTS, ids=lambda v: v if isinstance(v, str) else v["name"])
def test_every_event_of_ours_can_be_read(contract: str, entry: dict[str, Any]) -> None:
    """No ABI file has an event with a type of field that is not read here."""
    layout = layout_of(entry)
    assert contract
    assert layout.fields == tuple(item["name"] for item in entry["inputs"])
    assert layout.size == WORD * (1 + len(layout.fields))


VARIABLE = ("string", "bytes", "bytes32[]")
FIELDS = st.lists(st.tuples(st.sampled_from(sorted(VALUES)), st.booleans()), max_size=7)


@given(FIELDS, st.data())
def test_what_eth_abi_encodes_is_read(fields: list[tuple[str, bool]], data: st.DataObject) -> None:
    """Any mixture of types, indexed or not, in any order; of indexed text and lists there is a hash only."""
    kept = [(kind, indexed and kind not in VARIABLE) for kind, indexed in fields]
    entry = _entry(*kept)
    values = [data.draw(VALUES[kind]) for kind, _ in kept]
    log = _log(entry, values)
    layout = layout_of(entry)
    assert layout.topic_count == 1 + sum(indexed for _, indexed in kept)
    assert list(layout.read(log)) == [_seen(value) for value in values]
    assert list(layout.read(log + b"more")) == [_seen(value) for value in values]


def test_indexed_text_is_its_hash() -> None:
    """The log has nothing else of it."""
    layout = layout_of(_entry(("string", True)))
    assert layout.read(bytes(WORD) + b"h" * WORD) == ("0x" + (b"h" * WORD).hex(),)


PADDED = ["address", "bool", "uint8", "uint40", "uint64", "uint128"]


@given(st.sampled_from(PADDED), st.booleans(), st.integers(0, 255))
def test_a_word_with_more_than_its_type_holds_is_refused(kind: str, indexed: bool, bit: int) -> None:
    """A bit above those of the type is no value of it: nothing is cut off silently."""
    bits = {"address": 160, "bool": 1}.get(kind) or int(kind.removeprefix("uint"))
    read = layout_of(_entry((kind, indexed))).read
    log = bytes(WORD) + (1 << bit).to_bytes(WORD, "big")
    if bit < bits:
        assert read(log)
    else:
        with pytest.raises(ValueError, match="padded"):
            read(log)


@pytest.mark.parametrize("kind", VARIABLE)
@pytest.mark.parametrize(("start", "size"), [(64, 1), (2**255, 0), (32, 33), (32, 2**255)])
def test_a_field_that_points_outside_is_refused(kind: str, start: int, size: int) -> None:
    """Neither a far place nor a huge size reads or allocates beyond the log."""
    read = layout_of(_entry((kind, False))).read
    with pytest.raises(ValueError, match="log"):
        read(bytes(WORD) + start.to_bytes(WORD, "big") + size.to_bytes(WORD, "big"))


@pytest.mark.parametrize("kind", ["bytes4", "uint256[]", "tuple", "address[2]"])
def test_a_type_that_none_of_ours_has_is_refused(kind: str) -> None:
    """Rather than read as something else."""
    with pytest.raises(ValueError, match="is not read here"):
        layout_of(_entry((kind, False)))
