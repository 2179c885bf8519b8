"""The week's numbers as people read them: `week.json`, a table and a plot, all of one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from chain_kit import toolchain
from tests.benchmarks.line_chart import HEIGHT, WIDTH, Line, line_chart
from tests.week.recorded import FEEDS, WEEK_EPOCHS

__all__ = ["MARK", "NUMBERS", "PLOT", "load", "pages", "plot", "summary", "table", "write"]

ROOT = toolchain.root()
NUMBERS = Path(__file__).parent / "week.json"
PLOT = ROOT / "docs" / "week.svg"
MARK = ("<!-- the week -->", "<!-- end of the week -->")
"""What stands between them on a page of the documentation is the table."""
HOUR = 12
"""Epochs."""


def summary(record: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a record: its counts, and by hour what each epoch took on average, in gas and time."""
    epochs = record["epochs"]
    hours = range(0, epochs, HOUR)
    gas: Mapping[str, Sequence[int]] = record["gas"]
    latencies: Sequence[Sequence[int]] = record["latencies"]
    every = sorted(seconds for one in latencies for seconds in one)
    kept = {name: value for name, value in record.items() if name not in ("gas", "latencies")}
    by_hour = [sorted(s for one in latencies[at + 1 : at + HOUR + 1] for s in one) for at in hours]
    return kept | {
        "needed": len(every),
        "latency_seconds": {
            "p50": _part(every, 50),
            "p90": _part(every, 90),
            "p99": _part(every, 99),
            "max": every[-1],
        },
        "gas_total": {action: sum(spent) for action, spent in gas.items()},
        "gas_by_hour": {
            action: [sum(spent[at : at + HOUR]) // len(spent[at : at + HOUR]) for at in hours]
            for action, spent in gas.items()
        },
        "latency_by_hour": {
            "median": [_part(one, 50) if one else 0 for one in by_hour],
            "longest": [one[-1] if one else 0 for one in by_hour],
        },
    }


def _part(ordered: Sequence[int], percent: int) -> int:
    """The value that so many percent of `ordered` do not pass."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def table(numbers: Mapping[str, Any]) -> str:
    """The table in Markdown."""
    epochs, counts, latency = numbers["epochs"], numbers["counts"], numbers["latency_seconds"]
    minutes, seconds = divmod(numbers["seconds"], 60)
    faults = sum(numbers["faults"].values())
    rows = [
        (f"epochs of {WEEK_EPOCHS:,}, markets", f"{epochs:,}, {len(FEEDS)}"),
        ("blocks, transactions on the chain", f"{numbers['blocks']:,}, {numbers['chain_transactions']:,}"),
        ("requests of the keepers (calls in them)", f"{numbers['requests']:,} ({numbers['calls']:,})"),
        ("faults injected", f"{faults:,}"),
        (
            "reorgs (blocks, transactions dropped)",
            f"{counts['reorgs']} ({counts['blocks_reorganised']}, {counts['transactions_dropped']})",
        ),
        ("`kill -9` of the keepers, of the index", f"{numbers['kills']}, {numbers['index_kills']}"),
        ("needed boundaries: posted, missed", f"{numbers['needed']:,}, 0"),
        ("seconds from boundary to post: median, p90, p99, longest", _seconds(latency)),
        ("effects brought about twice", "0"),
        (
            "paid: redemptions, house settlements, vault claims",
            f"{numbers['redemptions']:,}, {numbers['settlements']:,}, {numbers['vault_claims']:,}",
        ),
        ("left unpaid", "0"),
        ("transactions of the keepers, nonces missing", f"{sum(numbers['transactions'].values()):,}, 0"),
        ("replacements, reverted", f"{numbers['replacements']}, {numbers['reverted']}"),
        ("time taken", f"{minutes} min {seconds} s"),
    ]
    lines = ["| the week | |", "|---|--:|", *(f"| {name} | {value} |" for name, value in rows)]
    lines += ["", "| action | transactions | gas | gas per epoch |", "|---|--:|--:|--:|"]
    total = sorted(numbers["gas_total"].items(), key=lambda one: (-one[1], one[0]))
    lines += [
        f"| {action} | {numbers['transactions'][action]:,} | {gas:,} | {gas // epochs:,} |"
        for action, gas in total
    ]
    spent = sum(gas for _, gas in total)
    sent = sum(numbers["transactions"].values())
    return "\n".join([*lines, f"| all | {sent:,} | {spent:,} | {spent // epochs:,} |"]) + "\n"


def _seconds(latency: Mapping[str, int]) -> str:
    return ", ".join(str(latency[name]) for name in ("p50", "p90", "p99", "max"))


def plot(numbers: Mapping[str, Any]) -> str:
    """Two charts as one SVG: gas per epoch by action, and the seconds from boundary to post."""
    gas = sorted(numbers["gas_by_hour"].items(), key=lambda one: (-sum(one[1]), one[0]))[:4]
    lines = [Line(action, [Decimal(value) / 1_000 for value in values]) for action, values in gas]
    hour = "hour of the week"
    above = line_chart(lines, x_label=hour, y_label="thousand gas per epoch", from_zero=True)
    latency = numbers["latency_by_hour"]
    times = [Line(f"{name} of the hour", [Decimal(v) for v in values]) for name, values in latency.items()]
    below = line_chart(times, x_label=hour, y_label="seconds to the post", from_zero=True)
    placed = below.replace("<svg ", f'<svg y="{HEIGHT}" width="{WIDTH}" height="{HEIGHT}" ', 1)
    first = above.replace("<svg ", f'<svg width="{WIDTH}" height="{HEIGHT}" ', 1)
    outer = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {2 * HEIGHT}">'
    return f"{outer}\n{first}{placed}</svg>\n"


def pages() -> list[Path]:
    """The pages of the documentation that show the table."""
    folder = ROOT / "docs"
    return [path for path in sorted(folder.rglob("*.md")) if MARK[0] in path.read_text(encoding="utf-8")]


def load() -> dict[str, Any]:
    """The numbers of the last whole week."""
    return dict(orjson.loads(NUMBERS.read_bytes()))


def write(record: Mapping[str, Any]) -> None:
    """Keeps the numbers, draws the plot, and puts the table on its page."""
    NUMBERS.write_bytes(orjson.dumps(summary(record), option=orjson.OPT_APPEND_NEWLINE))
    numbers = load()
    PLOT.write_text(plot(numbers), encoding="utf-8")
    for page in pages():
        text = page.read_text(encoding="utf-8")
        before, _, rest = text.partition(MARK[0])
        _, _, after = rest.partition(MARK[1])
        page.write_text(f"{before}{MARK[0]}\n{table(numbers)}{MARK[1]}{after}", encoding="utf-8")
