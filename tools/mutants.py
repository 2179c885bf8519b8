"""Prints the mutants of contract files as JSON: what slither-mutate's mutators would change, one change each.

Runs in the environment of tools/mutation.lock; tools/mutate.py calls it.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from slither import Slither  # type: ignore[import-not-found]
from slither.exceptions import SlitherException  # type: ignore[import-not-found]
from slither.tools.mutator.mutators import all_mutators  # type: ignore[import-not-found]
from slither.tools.mutator.mutators.abstract_mutator import AbstractMutator  # type: ignore[import-not-found]

LEFT_OUT = ("RR",)
"""A revert in place of a statement tells what coverage tells."""


def mutants(files: list[str]) -> list[dict[str, object]]:
    """All of them, as file, mutator, line, offsets in bytes, and the text before and after."""
    slither = Slither(".", foundry_out_directory=".cache/forge/contracts")
    wanted = {str(Path(file).resolve()): file for file in files}
    kinds: list[Any] = [each for each in vars(all_mutators).values() if _is_mutator(each)]
    found: dict[tuple[object, ...], dict[str, object]] = {}
    for unit in slither.compilation_units:
        for contract in unit.contracts:
            if contract.source_mapping.filename.absolute not in wanted:
                continue
            for kind in kinds:
                mutator = kind(
                    unit, 0, "", "", contract, None, verbose=False, output_folder=Path(), dont_mutate_line=[]
                )
                for path, patches in _patches(mutator).items():
                    for patch in patches:
                        place = (wanted[path], patch["start"], patch["end"], patch["new_string"])
                        found.setdefault(place, _described(wanted[path], kind.NAME, patch))
    return [found[place] for place in sorted(found, key=str)]


def _patches(mutator: Any) -> dict[str, list[dict[str, object]]]:
    """What a mutator would change, by file; nothing where it breaks down, as LIR does at a bool."""
    try:
        found: dict[str, list[dict[str, object]]] = mutator._mutate().get("patches", {})  # noqa: SLF001
    except SlitherException:
        return {}
    return found


def _is_mutator(each: Any) -> bool:
    if not isinstance(each, type) or not issubclass(each, AbstractMutator) or each is AbstractMutator:
        return False
    return getattr(each, "NAME", "") not in LEFT_OUT


def _described(file: str, mutator: str, patch: dict[str, object]) -> dict[str, object]:
    return {
        "file": file,
        "mutator": mutator,
        "line": patch["line_number"],
        "start": patch["start"],
        "end": patch["end"],
        "before": patch["old_string"],
        "after": patch["new_string"],
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    json.dump(mutants(sys.argv[1:]), sys.stdout)
