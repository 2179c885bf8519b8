"""Tells what of contracts/ the tests reach, from forge's lcov file, and fails below the floors.

    python tools/coverage.py FILE

The contracts for testing are left out. Lines are those with code; branches are both ways of every condition.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

LINES_FLOOR = 99
BRANCHES_FLOOR = 95
COUNTED, LEFT_OUT = "contracts/", "contracts/testing/"


@dataclass
class Reached:
    """A file: whether each of its lines, and each branch by line and number, was reached."""

    lines: dict[int, bool] = field(default_factory=dict)
    branches: dict[tuple[int, str], bool] = field(default_factory=dict)

    def missed(self) -> list[str]:
        """What was not reached, as a person looks it up."""
        lines = [f"line {line}" for line, hit in sorted(self.lines.items()) if not hit]
        return lines + [
            f"a branch of line {line}" for (line, _), hit in sorted(self.branches.items()) if not hit
        ]


def read(text: str) -> dict[str, Reached]:
    """The files of an lcov document that count, by path."""
    files: dict[str, Reached] = {}
    current = Reached()
    for row in text.splitlines():
        kind, _, rest = row.partition(":")
        if kind == "SF":
            current = Reached()
            if rest.startswith(COUNTED) and not rest.startswith(LEFT_OUT):
                current = files.setdefault(rest, current)
        elif kind == "DA":
            line, hits = rest.split(",")[:2]
            current.lines[int(line)] = current.lines.get(int(line), False) or int(hits) > 0
        elif kind == "BRDA":
            line, block, branch, hits = rest.split(",")
            place = (int(line), f"{block}.{branch}")
            current.branches[place] = current.branches.get(place, False) or hits not in ("-", "0")
    return files


def percent(hits: dict[int, bool] | dict[tuple[int, str], bool]) -> float:
    """The part that was reached; all of it where there is nothing to reach."""
    return 100 * sum(hits.values()) / len(hits) if hits else 100.0


def table(files: dict[str, Reached]) -> str:
    """A line for each file, and one for all."""
    rows = [f"{'':40} {'lines':>16} {'branches':>16}"]
    for path, reached in [*sorted(files.items()), ("all", together(files))]:
        cells = [
            f"{sum(hits.values())}/{len(hits)} {percent(hits):5.1f} %"
            for hits in (reached.lines, reached.branches)
        ]
        rows.append(f"{path:40} {cells[0]:>16} {cells[1]:>16}")
    return "\n".join(rows)


def together(files: dict[str, Reached]) -> Reached:
    """All files as one."""
    lines = [hit for one in files.values() for hit in one.lines.values()]
    branches = [hit for one in files.values() for hit in one.branches.values()]
    return Reached(dict(enumerate(lines)), {(place, ""): hit for place, hit in enumerate(branches)})


def main(arguments: list[str]) -> int:
    """Prints the table and what was missed; 1 below a floor, or if the file knows none of the contracts."""
    files = read(Path(arguments[0]).read_text(encoding="utf-8"))
    print(table(files))
    for path, reached in sorted(files.items()):
        for place in reached.missed():
            print(f"not reached: {path}, {place}")
    whole = together(files)
    lines, branches = percent(whole.lines), percent(whole.branches)
    if not files or lines < LINES_FLOOR or branches < BRANCHES_FLOOR:
        print(f"below the floor of {LINES_FLOOR} % of lines and {BRANCHES_FLOOR} % of branches")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
