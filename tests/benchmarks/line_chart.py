"""A plain line chart as SVG: a title for each line, two labelled axes, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

__all__ = ["Line", "line_chart"]

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 80, 20, 20, 50
COLOURS = ("#1b6ca8", "#c8553d", "#6a994e", "#7b4b94")
DASHES = ("none", "7 4", "2 3", "9 3 2 3")
TICKS = 5


@dataclass(frozen=True)
class Line:
    """A named series; its values stand at 0, 1, 2 and so on."""

    name: str
    values: Sequence[Decimal]


def line_chart(lines: Sequence[Line], *, x_label: str, y_label: str, from_zero: bool = False) -> str:
    """The SVG's text. Lines differ in dash as well as in colour. `from_zero`: the values' axis begins there.

    Raises ValueError if there is no line, or one without two values.
    """
    if not lines or any(len(line.values) < 2 for line in lines):
        raise ValueError("a chart needs lines of two values at least")
    longest = max(len(line.values) for line in lines) - 1
    lowest = Decimal(0) if from_zero else min(min(line.values) for line in lines)
    highest = max(max(line.values) for line in lines)
    span = (highest - lowest) or Decimal(1)

    def x_of(index: Decimal | int) -> str:
        return f"{LEFT + (WIDTH - LEFT - RIGHT) * Decimal(index) / longest:.1f}"

    def y_of(value: Decimal) -> str:
        return f"{TOP + (HEIGHT - TOP - BOTTOM) * (highest - value) / span:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for tick in range(TICKS + 1):
        value = lowest + span * tick / TICKS
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y_of(value)}" y2="{y_of(value)}" stroke="#ddd"/>'
        )
        parts.append(f'<text x="{LEFT - 8}" y="{y_of(value)}" text-anchor="end" dy="4">{value:.0f}</text>')
        index = Decimal(longest) * tick / TICKS
        parts.append(
            f'<text x="{x_of(index)}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{index:.0f}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) // 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(
        f'<text transform="translate(16 {HEIGHT // 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text>"
    )
    for number, line in enumerate(lines):
        colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
        points = " ".join(f"{x_of(index)},{y_of(value)}" for index, value in enumerate(line.values))
        style = f'stroke="{colour}" stroke-dasharray="{dash}" stroke-width="1.8"'
        parts.append(f'<polyline fill="none" {style} points="{points}"/>')
        y = HEIGHT - BOTTOM - 14 - 18 * (len(lines) - 1 - number)
        parts.append(f'<line x1="{LEFT + 12}" x2="{LEFT + 46}" y1="{y}" y2="{y}" {style}/>')
        parts.append(f'<text x="{LEFT + 54}" y="{y}" dy="4">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
