from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from eth_abi.exceptions import EncodingError
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.abi_codec import CODEC, AbiEntry, abi_names, functions_of, load_abi
from chain_kit.contracts import Contract, block_tag, call_many, decode_revert
from chain_kit.errors import ContractMissingError, RevertedError, RpcResponseError
from chain_kit.jsonrpc import Call, JsonRpc
from chain_kit.reverts import revert_of, reverted
from chain_kit.units import keccak256

ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
HUB, FACADE, ORACLE = (Contract(name, ADDRESS) for name in ("EpochHub", "MarketFacade", "BoundaryOracle"))
FEED = b"BTC/USD".ljust(32, b"\0")
UINT = st.integers(0, 2**256 - 1)


def selector(signature: str) -> bytes:
    """The first four bytes of the hash."""
    return keccak256(signature.encode())[:4]


def error_data(signature: str, *values: Any) -> bytes:
    """What a contract reverts with."""
    types = signature[signature.index("(") + 1 : -1]
    return selector(signature) + CODEC.encode(types.split(",") if types else [], values)


class FakeRpc(JsonRpc):
    """Answers eth_call from a list; keeps what it was asked."""

    def __init__(self, *answers: str | RpcResponseError) -> None:
        super().__init__("http://127.0.0.1:1")
        self.answers = list(answers)
        self.batches: list[Sequence[Call]] = []

    async def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        """One answer."""
        (answer,) = await self.batch_settled([(method, params)])
        if isinstance(answer, RpcResponseError):
            raise answer
        return answer

    async def batch_settled(self, calls: Sequence[Call]) -> list[Any]:
        """One answer for each."""
        self.batches.append(calls)
        return [self.answers.pop(0) for _ in calls]


class TestCalls:
    """Encoding calls and decoding their results."""

    def test_encodes_selector_and_arguments(self) -> None:
        """As Solidity would: four bytes of the signature's hash, then the words."""
        data = HUB.encode_call("split", 1, 2, 3)

        assert data == selector("split(uint256,uint256,uint256)") + b"".join(
            n.to_bytes(32, "big") for n in (1, 2, 3)
        )

    def test_encodes_dynamic_arguments(self) -> None:
        """A list of epochs goes behind an offset."""
        data = HUB.encode_call("redeemFor", ADDRESS, 1, [7, 8])

        assert CODEC.decode(["address", "uint256", "uint256[]"], data[4:]) == (ADDRESS, 1, (7, 8))

    @pytest.mark.parametrize(
        ("signature", "args"),
        [("buyYes(uint256)", (5,)), ("buyYes(uint256,uint256,uint256,uint256)", (5, 1, 2, 3))],
    )
    def test_tells_overloads_apart_by_signature(self, signature: str, args: tuple[int, ...]) -> None:
        """Each form of buyYes has its own selector."""
        assert FACADE.encode_call(signature, *args)[:4] == selector(signature)

    def test_does_not_choose_between_overloads(self) -> None:
        """The bare name of an overloaded function is an error that lists its forms."""
        with pytest.raises(KeyError, match=r"buyYes\(uint256\).*buyYes\(uint256,uint256,uint256,uint256\)"):
            FACADE.encode_call("buyYes", 5)

    def test_knows_no_function_that_the_contract_lacks(self) -> None:
        """A misspelt name is a programming error, and says so."""
        with pytest.raises(KeyError, match="EpochHub has no function 'spilt'"):
            HUB.encode_call("spilt", 1, 2, 3)

    @pytest.mark.parametrize("args", [(1, 2), (1, 2, -3), (1, 2, 2**256), (1, 2, "3")])
    def test_refuses_arguments_that_do_not_fit(self, args: tuple[Any, ...]) -> None:
        """Too few, negative, too large, of another type."""
        with pytest.raises((EncodingError, ValueError)):
            HUB.encode_call("split", *args)

    @given(UINT, UINT, UINT, st.booleans())
    def test_names_the_values_of_a_result(self, sets: int, yes: int, no: int, settled: bool) -> None:
        """What the ABI names can be read by name, and unpacked."""
        data = CODEC.encode(["uint256", "uint256", "uint256", "bool"], (sets, yes, no, settled))

        state = HUB.decode_result("epochState", data)

        assert (state.sets, state.houseYes, state.houseNo, state.settled) == (sets, yes, no, settled)
        assert tuple(state) == (sets, yes, no, settled)

    def test_names_the_fields_of_a_struct(self) -> None:
        """A struct within a result is a named tuple too, its addresses checksummed."""
        struct = f"(address,address,bytes32,string{8 * ',uint256'})"
        values = (ADDRESS.lower(), ADDRESS, FEED, "BTC", 300, 10**20, 100, 5, 10_000, 100, 10**20, 0)

        (market,) = HUB.decode_result("market", CODEC.encode([struct], [values]))

        assert (market.facade, market.feed, market.symbol, market.genesis) == (ADDRESS, FEED, "BTC", 300)

    def test_decodes_hex_as_well_as_bytes(self) -> None:
        """Nodes answer in hex."""
        assert HUB.decode_result("marketCount", "0x" + "00" * 31 + "07") == (7,)

    @pytest.mark.parametrize("data", ["0x", "0x1234"])
    def test_says_when_another_contract_is_there(self, data: str) -> None:
        """No code, or other code: the address is wrong for this chain."""
        with pytest.raises(ContractMissingError, match=r"no EpochHub at 0xf39F.*does not answer marketCount"):
            HUB.decode_result("marketCount", data)

    async def test_asks_at_a_block_and_from_an_account(self) -> None:
        """A number becomes hex; the sender is optional."""
        rpc = FakeRpc("0x" + "00" * 32)

        await HUB.call(rpc, "marketCount", block=17, sender=ADDRESS)

        data = "0x" + selector("marketCount()").hex()
        assert rpc.batches == [[("eth_call", [{"to": ADDRESS, "data": data, "from": ADDRESS}, "0x11"])]]

    async def test_turns_a_refusal_into_the_contract_s_words(self) -> None:
        """RevertedError with the error's name and data, exit code 3."""
        data = "0x" + error_data("UnknownMarket(uint256)", 9).hex()
        rpc = FakeRpc(RpcResponseError("eth_call", 3, "execution reverted", data))

        with pytest.raises(
            RevertedError, match=r"EpochHub at 0xf39F.* refused: unknown market \(market id 9\)"
        ) as e:
            await HUB.call(rpc, "market", 9)

        assert (e.value.error_name, e.value.data, e.value.exit_code) == ("UnknownMarket", data, 3)

    async def test_leaves_other_node_errors_as_they_are(self) -> None:
        """A rate limit is no revert."""
        error = RpcResponseError("eth_call", -32005, "too many requests")

        with pytest.raises(RpcResponseError) as caught:
            await HUB.call(FakeRpc(error), "marketCount")

        assert caught.value is error

    async def test_asks_many_questions_in_batches_of_a_hundred(self) -> None:
        """The answers come in the order of the questions."""
        rpc = FakeRpc(*(f"0x{n:064x}" for n in range(250)))

        answers = await call_many(rpc, [(HUB, "collateralOf", (ADDRESS,))] * 250)

        assert [value for (value,) in answers] == list(range(250))
        assert [len(batch) for batch in rpc.batches] == [100, 100, 50]

    async def test_one_refused_question_of_many_is_raised(self) -> None:
        """There is no answer with holes."""
        data = "0x" + error_data("UnknownMarket(uint256)", 2).hex()
        rpc = FakeRpc("0x" + "00" * 32, RpcResponseError("eth_call", 3, "execution reverted", data))

        with pytest.raises(RevertedError, match="unknown market"):
            await call_many(rpc, [(HUB, "collateralOf", (ADDRESS,))] * 2)

    @pytest.mark.parametrize(("block", "tag"), [(0, "0x0"), (255, "0xff"), ("latest", "latest")])
    def test_writes_blocks_as_nodes_read_them(self, block: int | str, tag: str) -> None:
        """Numbers in hex, names as they are."""
        assert block_tag(block) == tag


class TestAbis:
    """The ABI files."""

    def test_every_file_loads(self) -> None:
        """The contracts that the kit deploys all have one."""
        assert {"BoundaryOracle", "EpochHub", "PayoutVault", "SignedReportAdapter"} <= set(abi_names())
        assert all(load_abi(name) for name in abi_names())

    @pytest.mark.parametrize("name", abi_names())
    def test_no_two_functions_of_a_contract_share_a_selector(self, name: str) -> None:
        """Each call means one thing."""
        signatures = {entry.signature for entry in functions_of(name).values()}

        assert len({selector(signature) for signature in signatures}) == len(signatures)

    def test_structs_and_their_lists_have_canonical_types(self) -> None:
        """What the selector is made from."""
        part = {"name": "p", "type": "tuple[]", "components": [{"name": "a", "type": "bytes32"}]}

        assert AbiEntry("f", (part,)).signature == "f((bytes32)[])"


class TestReverts:
    """Revert data in words."""

    def test_says_what_the_contract_says(self) -> None:
        """The error's name and its values, in words."""
        revert = decode_revert(error_data("BoundaryInFuture(uint256,uint256)", 1700, 1600))

        assert (revert.name, revert.args) == ("BoundaryInFuture", (1700, 1600))
        assert revert.sentence == "boundary in future (boundary 1700, now at 1600)"

    def test_shows_feeds_as_text_and_other_bytes_as_hex(self) -> None:
        """A feed's id is its name, padded."""
        assert (
            decode_revert(error_data("UnknownFeed(bytes32)", FEED)).sentence == "unknown feed (feed BTC/USD)"
        )
        assert decode_revert(error_data("UnknownFeed(bytes32)", b"\xff" * 32)).sentence.endswith(
            "0x" + "ff" * 32 + ")"
        )

    @pytest.mark.parametrize(
        ("data", "name", "sentence"),
        [
            (error_data("Error(string)", "not today"), "Error", "not today"),
            (error_data("Error(string)", ""), "Error", "it gave an empty reason"),
            (error_data("Panic(uint256)", 0x11), "Panic", "arithmetic over- or underflow"),
            (error_data("Panic(uint256)", 0x77), "Panic", "panic 0x77"),
            (error_data("TransferFromFailed()"), "TransferFromFailed", "transfer from failed"),
            (error_data("ZeroAmount()"), "ZeroAmount", "zero amount"),
            (b"", "", "it gave no reason"),
        ],
    )
    def test_knows_solidity_s_and_the_libraries_errors(self, data: bytes, name: str, sentence: str) -> None:
        """Require texts, panics, errors raised in assembly, and none at all."""
        revert = decode_revert(data)

        assert (revert.name, revert.sentence) == (name, sentence)

    def test_knows_every_error_of_every_contract(self) -> None:
        """One registry: whichever contract was called, the error of another one inside is decoded."""
        errors = [item for name in abi_names() for item in load_abi(name) if item["type"] == "error"]
        zeros = [(AbiEntry.of(item), bytes(32 * 64)) for item in errors]

        for entry, words in zeros:
            if all(
                not p["type"].endswith("]") and p["type"] not in ("string", "bytes") for p in entry.inputs
            ):
                assert decode_revert(entry.selector + words).name == entry.name
        assert len(zeros) > 50

    @given(st.binary(max_size=200))
    def test_never_fails_on_any_data(self, data: bytes) -> None:
        """What is none of the kit's errors is shown as it came."""
        revert = decode_revert(data)

        assert revert.sentence
        assert revert.data == "0x" + data.hex()

    def test_shows_a_truncated_error_as_unknown(self) -> None:
        """A known selector with half its values is not guessed at."""
        revert = decode_revert(error_data("UnknownMarket(uint256)", 9)[:20])

        assert (revert.name, revert.sentence[:30]) == ("", "an error that is none of the k")

    @pytest.mark.parametrize(
        ("error", "name"),
        [
            (RpcResponseError("m", 3, "execution reverted", "0x1f2a2005"), "ZeroAmount"),
            (RpcResponseError("m", -32000, "execution reverted", {"data": "0x1f2a2005"}), "ZeroAmount"),
            (RpcResponseError("m", -32000, "VM Exception: revert", None), ""),
            (RpcResponseError("m", 3, "execution reverted", "Reverted 0x"), ""),
        ],
    )
    def test_finds_the_data_where_nodes_put_it(self, error: RpcResponseError, name: str) -> None:
        """As a string, in an object, or not at all."""
        revert = revert_of(error)

        assert revert is not None
        assert revert.name == name

    def test_sees_what_is_no_revert(self) -> None:
        """Other errors stay what they are."""
        error = RpcResponseError("m", -32000, "header not found", "0x1f2a2005")

        assert revert_of(error) is None
        assert reverted(error, "the hub") is error
