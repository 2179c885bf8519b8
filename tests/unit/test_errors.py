from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

from chain_kit import errors
from chain_kit.errors import ChainKitError

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, ChainKitError) and kind.__module__ == errors.__name__
]
FAMILY_EXIT_CODES = {
    errors.UsageError: 2,
    errors.RevertedError: 3,
    errors.SignerError: 4,
    errors.PendingError: 8,
}
TREE_LINE = re.compile(r"^\s*([│ ]*(?:[├└]── )?)(\w+Error)\s+(\d)?")


def drawn_tree() -> dict[str, tuple[str | None, int | None]]:
    """The tree of the module's docstring: name -> (parent, exit code if one is written there)."""
    tree: dict[str, tuple[str | None, int | None]] = {}
    path: list[str] = []
    for line in inspect.getdoc(errors).splitlines():  # type: ignore[union-attr]
        if match := TREE_LINE.match(line):
            depth = len(match[1].lstrip(" ") if match[1].strip() else "") // 4
            path[depth:] = [match[2]]
            tree[match[2]] = (path[depth - 1] if depth else None, int(match[3]) if match[3] else None)
    return tree


def test_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    """Every error is drawn under its parent, and nothing is drawn that does not exist."""
    parents = {kind.__name__: kind.__mro__[1].__name__ for kind in CLASSES}
    parents["ChainKitError"] = None  # type: ignore[assignment]

    assert parents == {name: parent for name, (parent, _) in drawn_tree().items()}


def test_exit_codes_in_the_docstring_are_those_of_the_classes() -> None:
    """Where the tree writes an exit code it is the one that a command returns."""
    written = {name: code for name, (_, code) in drawn_tree().items() if code is not None}

    assert written == {name: getattr(errors, name).exit_code for name in written}
    assert {"ChainKitError", "UsageError", "RevertedError", "SignerError", "PendingError"} <= written.keys()


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_exit_code_is_that_of_the_family(kind: type[ChainKitError]) -> None:
    """A member of a family returns the family's code; whatever is in none returns 1."""
    expected = next((code for family, code in FAMILY_EXIT_CODES.items() if issubclass(kind, family)), 1)

    assert expected == kind.exit_code


@pytest.mark.parametrize(
    "kind", [kind for kind in CLASSES if not kind.__subclasses__()], ids=lambda kind: kind.__name__
)
def test_every_concrete_error_says_what_to_do(kind: type[ChainKitError]) -> None:
    """An error that is raised has a hint: its class's, or one that its constructor makes."""
    required = [
        parameter
        for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]
        if parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    values: list[Any] = [7 if parameter.annotation == "int" else "word" for parameter in required]

    assert kind(*values).hint


def test_message_and_hint_are_kept() -> None:
    """The message is the exception's text; the hint stands beside it and is not part of it."""
    error = errors.StoreLockedError("chain-kit.db is locked", hint="wait")

    assert ("chain-kit.db is locked", "chain-kit.db is locked", "wait") == (
        str(error),
        error.message,
        error.hint,
    )


def test_class_hint_is_the_default() -> None:
    """Without a hint of its own, an error has its class's."""
    assert errors.StoreLockedError.default_hint == errors.StoreLockedError("locked").hint


def test_hint_is_inherited_by_children() -> None:
    """A class that names no hint hands on its parent's."""

    class Child(errors.StoreLockedError):
        """For this test."""

    assert errors.StoreLockedError.default_hint == Child("locked").hint


def test_messages_name_the_value_that_failed() -> None:
    """A message shows the values that it was given, as they were given."""
    cases = {
        "0x12": errors.BadAddressError("0x12"),
        "1,5": errors.BadAmountError("1,5"),
        "DOGE": errors.UnknownMarketError("DOGE", ["BTC"]),
        "mainnet": errors.UnknownNetworkError("mainnet", ["base"]),
        "prices.csv, line 4": errors.PriceFileError("prices.csv", "close is negative", line=4),
        "block 99 is in the future: the head is block 7": errors.FutureBlockError(99, 7),
        "chain 1, expected chain 8453": errors.ChainMismatchError(8453, 1),
        "port 8545": errors.PortInUseError(8545),
        "chain 8453": errors.ManifestChainError(8453, 1),
    }

    assert [] == [text for text, error in cases.items() if text not in error.message]


def test_unknown_market_lists_the_markets_there_are() -> None:
    """The hint names the markets of the deployment, sorted, or says that there is none."""
    assert errors.UnknownMarketError("X", ["ETH", "BTC"]).hint == "markets here: BTC, ETH"
    assert errors.UnknownMarketError("X").hint == "markets here: none"
