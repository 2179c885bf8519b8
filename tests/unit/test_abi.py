from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_abi", ROOT / "tools" / "write_abi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


write_abi = _load_tool()
FUNCTION: dict[str, Any] = {
    "type": "function",
    "name": "b",
    "inputs": [{"name": "m", "type": "uint256", "internalType": "MarketId"}],
    "outputs": [],
    "stateMutability": "view",
}
EVENT: dict[str, Any] = {"type": "event", "name": "E", "inputs": [], "anonymous": False}


@pytest.mark.slow
@pytest.mark.usefixtures("built_contracts")
@pytest.mark.parametrize("contract", write_abi.CONTRACTS)
def test_committed_abi_is_that_of_the_compiler(contract: str) -> None:
    """`make abi` would change nothing: the files are what the sources say."""
    compiled = json.loads(write_abi.artifact(contract).read_text())["abi"]

    assert write_abi.render(compiled) == (ROOT / "chain_kit" / "abi" / f"{contract}.json").read_text()


def test_there_is_no_file_without_a_contract() -> None:
    """Every ABI file belongs to a contract that is written and tested here."""
    assert {f"{name}.json" for name in write_abi.CONTRACTS} == {
        file.name for file in (ROOT / "chain_kit" / "abi").iterdir()
    }


def test_render_is_json_of_the_abi() -> None:
    """The file holds a list of entries, and only what a codec needs of them."""
    rendered = json.loads(write_abi.render([FUNCTION, EVENT]))

    assert rendered == [
        {"type": "event", "name": "E", "inputs": []},
        {
            "type": "function",
            "name": "b",
            "inputs": [{"name": "m", "type": "uint256"}],
            "outputs": [],
            "stateMutability": "view",
        },
    ]


def test_render_does_not_depend_on_the_order() -> None:
    """Overloads included, the same entries give the same text, one line each."""
    overload = {**FUNCTION, "inputs": []}
    text = write_abi.render([FUNCTION, EVENT, overload])

    assert text == write_abi.render([overload, FUNCTION, EVENT])
    assert len(text.splitlines()) == 5


def test_anonymous_events_stay_anonymous() -> None:
    """What is not so by default is kept."""
    assert json.loads(write_abi.render([{**EVENT, "anonymous": True}]))[0]["anonymous"] is True
