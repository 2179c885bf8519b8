from __future__ import annotations

import re
from pathlib import Path

import pytest
from eth_abi.abi import encode

from chain_kit.library_errors import LIBRARY_ERRORS
from chain_kit.reverts import _errors, decode_revert
from chain_kit.toolchain import root
from chain_kit.units import keccak256

_IMPORT = re.compile(r'import [^;]*?"([^"]+)"|import "([^"]+)"', re.DOTALL)
_ERROR = re.compile(r"^\s*error\s+(\w+)\s*\(([^)]*)\)\s*;", re.MULTILINE)
_ELEMENTARY = re.compile(r"u?int\d*|bytes\d*|address|bool|string")


def selector(signature: str) -> bytes:
    """The four bytes of an error."""
    return keccak256(signature.encode())[:4]


def imported(file: Path, name: str) -> Path:
    """The file that `file` imports as `name`."""
    if name.startswith("."):
        return (file.parent / name).resolve()
    package, _, inside = name.partition("/")
    return (root() / "node_modules" / package / ("src" if package == "solady" else "") / inside).resolve()


def sources() -> set[Path]:
    """Every Solidity file of the kit, and every one that these import, from whatever library."""
    found: set[Path] = set()
    waiting = list((root() / "contracts").rglob("*.sol"))
    while waiting:
        file = waiting.pop().resolve()
        if file not in found:
            found.add(file)
            names = (one or other for one, other in _IMPORT.findall(file.read_text()))
            waiting += [imported(file, name) for name in names]
    return found


def declared(file: Path) -> list[str]:
    """The signatures of the errors that a file declares, those of elementary values."""
    signatures = []
    for name, values in _ERROR.findall(file.read_text()):
        types = [value.split()[0] for value in values.split(",") if value.strip()]
        if all(_ELEMENTARY.fullmatch(kind) for kind in types):
            signatures.append(f"{name}({','.join(types)})")
    return signatures


def test_every_error_that_any_source_declares_is_known() -> None:
    """Ours, and those of the libraries that ours import, to the last."""
    known = _errors()
    files = sources()
    missing = {s for file in files for s in declared(file) if selector(s) not in known}

    assert missing == set()
    assert any("openzeppelin" in str(file) for file in files)
    assert any("solady" in str(file) for file in files)
    assert sum(len(declared(file)) for file in files) > 150


def test_each_library_error_is_named_once() -> None:
    """Its signature says what the sentence will."""
    assert len(set(LIBRARY_ERRORS)) == len(LIBRARY_ERRORS)
    for signature in LIBRARY_ERRORS:
        assert re.fullmatch(r"\w+\((?:\w+ \w+(?:, \w+ \w+)*)?\)", signature), signature


@pytest.mark.parametrize(
    ("signature", "values", "sentence"),
    [
        ("ETHTransferFailed()", (), "eth transfer failed"),
        ("InsufficientFee()", (), "insufficient fee"),
        (
            "ERC20InsufficientBalance(address,uint256,uint256)",
            ("0x" + "22" * 20, 5, 7),
            f"erc20 insufficient balance (sender 0x{'22' * 20}, balance 5, needed 7)",
        ),
        (
            "SafeCastOverflowedUintDowncast(uint8,uint256)",
            (8, 300),
            "safe cast overflowed uint downcast (bits 8, value 300)",
        ),
    ],
)
def test_they_become_sentences(signature: str, values: tuple[object, ...], sentence: str) -> None:
    """With the values that they carry."""
    types = [kind for kind in signature.partition("(")[2].removesuffix(")").split(",") if kind]

    assert decode_revert(selector(signature) + encode(types, values)).sentence == sentence
