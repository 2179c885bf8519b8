"""What an informed trader takes from the house on recorded prices, beside two makers of the same worst loss.

    python -m tests.benchmarks.house_simulation [--prices CSV] [--svg FILE] [--json]

At each minute of the trading window the trader knows the price, the epoch's start price and the volatility
of the file. It holds the end price to be log-normal around the present one, and buys the side that is too
cheap until it is not. In the second table somebody who knows nothing buys before it, a side that a coin has
chosen. The makers start each epoch anew with b·ln 2 at risk.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from chain_kit.cli.local.samples import SAMPLE_PRICES
from chain_kit.prices import PriceSeries
from tests.benchmarks.line_chart import Line, line_chart
from tests.benchmarks.makers import ClosingLmsr, ConstantProduct, Maker

EPOCH = 300
MINUTE = 60
WINDOW = 270
LIQUIDITY = Decimal(1000)
FEE = Decimal("0.01")
NOISE = LIQUIDITY / 100
"""What the one who knows nothing spends each minute."""

MAKERS: dict[str, Callable[[], Maker]] = {
    "house (b closes to 25 %, fee 1 to 3 %)": lambda: ClosingLmsr(
        LIQUIDITY, FEE, closing_share=Decimal("0.25"), closing_fee=Decimal("0.03")
    ),
    "constant-b LMSR, fee 1 %": lambda: ClosingLmsr(LIQUIDITY, FEE),
    "constant product, fee 1 %": lambda: ConstantProduct(LIQUIDITY * Decimal(2).ln(), FEE),
}


@dataclass(frozen=True)
class Epoch:
    """The recorded prices of one epoch: at its start, at each minute of the window, and at its end."""

    start: Decimal
    minutes: tuple[Decimal, ...]
    end: Decimal

    @property
    def yes_won(self) -> bool | None:
        """None where the end price is the start price."""
        return None if self.end == self.start else self.end > self.start


@dataclass(frozen=True)
class Result:
    """A maker's profit in each epoch, in units of collateral."""

    name: str
    profits: tuple[Decimal, ...]

    @property
    def mean(self) -> Decimal:
        """Over all epochs."""
        return sum(self.profits, Decimal(0)) / len(self.profits)

    @property
    def worst(self) -> Decimal:
        """The one epoch that cost most."""
        return min(self.profits)


def read_epochs(prices: Path) -> tuple[list[Epoch], float]:
    """All whole epochs of a file of one-minute closes, and the deviation of a minute's log return."""
    series = PriceSeries.from_csv(prices)
    at = {instant: Decimal(price) / 10**18 for instant, price in series.prices_e18.items()}
    epochs = []
    for start in sorted(instant for instant in at if instant % EPOCH == 0):
        instants = [start, *range(start + MINUTE, start + WINDOW, MINUTE), start + EPOCH]
        if all(instant in at for instant in instants):
            first, *between, last = (at[instant] for instant in instants)
            epochs.append(Epoch(first, tuple(between), last))
    pairs = [(at[t], at[t + MINUTE]) for t in at if t + MINUTE in at]
    return epochs, statistics.pstdev(float((after / before).ln()) for before, after in pairs)


def simulate(
    epochs: Sequence[Epoch], minute_deviation: float, *, noise: Decimal, seed: int = 1
) -> list[Result]:
    """Every maker through every epoch, with the same coins."""
    results = []
    for name, make in MAKERS.items():
        coins = random.Random(seed)
        profits = tuple(_epoch_profit(make(), epoch, minute_deviation, noise, coins) for epoch in epochs)
        results.append(Result(name, profits))
    return results


def _epoch_profit(
    maker: Maker, epoch: Epoch, minute_deviation: float, noise: Decimal, coins: random.Random
) -> Decimal:
    for number, price in enumerate(epoch.minutes, start=1):
        elapsed = number * MINUTE
        maker.advance(elapsed)
        if noise:
            maker.spend(coins.choice(("yes", "no")), noise)
        worth = _chance_of_yes(price / epoch.start, minute_deviation, (EPOCH - elapsed) / MINUTE)
        maker.buy_until("yes", worth)
        maker.buy_until("no", 1 - worth)
    return maker.profit(epoch.yes_won)


def _chance_of_yes(ratio: Decimal, minute_deviation: float, minutes_left: float) -> Decimal:
    """A belief, not a price: binary floats do for it."""
    spread = minute_deviation * minutes_left**0.5
    return Decimal(statistics.NormalDist().cdf(float(ratio.ln()) / spread))


def table(title: str, results: Sequence[Result]) -> str:
    """Mean and worst profit per epoch of each maker, and each mean beside the first's."""
    rows = [f"| {title} | mean per epoch | worst epoch |", "|---|---|---|"]
    rows += [f"| {each.name} | {each.mean:+.2f} | {each.worst:+.2f} |" for each in results]
    return "\n".join(rows)


def chart(results: Sequence[Result]) -> str:
    """The makers' sums of profit over the epochs, as SVG."""
    lines = []
    for each in results:
        total, sums = Decimal(0), [Decimal(0)]
        for profit in each.profits:
            total += profit
            sums.append(total)
        lines.append(Line(each.name, sums))
    return line_chart(lines, x_label="epochs", y_label="profit of the maker (b = 1000)")


def main(argv: Sequence[str]) -> int:
    """Prints the tables; writes the plot where it is asked for."""
    parser = argparse.ArgumentParser(
        prog="house_simulation", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--prices", type=Path, default=SAMPLE_PRICES)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    epochs, deviation = read_epochs(options.prices)
    informed = simulate(epochs, deviation, noise=Decimal(0))
    mixed = simulate(epochs, deviation, noise=NOISE)
    if options.json:
        named = {"informed": informed, "mixed": mixed}
        figures = {
            kind: {each.name: {"mean": f"{each.mean:.6f}", "worst": f"{each.worst:.6f}"} for each in results}
            for kind, results in named.items()
        }
        text = json.dumps({"epochs": len(epochs), **figures}, indent=2)
    else:
        title = f"{len(epochs)} epochs of {options.prices.name}, b = {LIQUIDITY}"
        tables = (table("informed trader alone", informed), table("with uninformed trades", mixed))
        text = "\n\n".join((title, *tables))
    sys.stdout.write(text + "\n")
    if options.svg is not None:
        options.svg.write_text(chart(informed))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
