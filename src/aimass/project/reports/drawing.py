"""Charts as SVG: curves, and marks with their intervals.  Colours are the page's, so both themes work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from aimass.project.reports.page import shown

WIDE, TALL = 1032, 260  # pixels
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 14, 40
COLOURS = 6
Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """From LOW to HIGH; logarithmic where values span decades."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Where VALUE stands: 0 at the low end, 1 at the high one."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def axis_of(values: Sequence[float], *, logs: bool = False) -> Axis:
    """An axis that holds the finite ones of VALUES with a little room."""
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if logs and low > 1e-200 and high / low > 10:
        room = (high / low) ** 0.06
        return Axis(low / room, high * room, True)
    least = max(abs(low), abs(high))
    span = high - low if high - low > 1e-9 * least else least  # all the same, as far as a reader can see
    room = 0.06 * span if span > 1e-200 else 1.0
    return Axis(low - room, high + room)


def ticks(axis: Axis) -> list[float]:
    """Some round numbers on AXIS."""
    if axis.log:
        decades = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
        found = [times * 10.0**ten for ten in decades for times in (1, 2, 5)]
        inside = [one for one in found if axis.low <= one <= axis.high]
        return inside if len(inside) <= 9 else inside[:: math.ceil(len(inside) / 9)]
    rough = (axis.high - axis.low) / 5
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(times * ten for times in (1, 2, 5, 10) if times * ten >= rough)
    first = math.ceil(axis.low / step)
    found = [float(f"{(first + i) * step:.12g}") for i in range(math.floor(axis.high / step) - first + 1)]
    return [one for one in found if axis.low <= one <= axis.high]


def curves(lines: dict[str, Sequence[Point]], x_title: str, y_title: str) -> str:
    """LINES (x, y) by name over one x axis; nothing where none has a point."""
    drawn = {name: [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
             for name, points in lines.items()}  # fmt: skip
    points = [point for line in drawn.values() for point in line]
    if not points:
        return ""
    across, up = axis_of([x for x, _ in points]), axis_of([y for _, y in points])
    parts = [_frame(across, up, x_title, y_title)]
    for at, (name, line) in enumerate(drawn.items()):
        colour = f"var(--s{at % COLOURS})"
        path = " ".join(f"{_x(x, across):.1f},{_y(y, up):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        if len(line) == 1:
            parts.append(
                f'<circle cx="{_x(line[0][0], across):.1f}" cy="{_y(line[0][1], up):.1f}" r="3" fill="{colour}"/>'
            )
        parts.append(f'<text x="{LEFT + 10 + 190 * at}" y="11" style="fill:{colour}">{escape(name[:28])}</text>')
    return _svg(f"{y_title} over {x_title}: {', '.join(drawn)}", parts)


@dataclass(frozen=True)
class Mark:
    """A point with an interval of y, and whether it is the one that was picked."""

    name: str
    x: float
    y: float
    low: float | None
    high: float | None
    picked: bool


def marks(found: Sequence[Mark], x_title: str, y_title: str) -> str:
    """FOUND as points with their intervals; x is logarithmic where it spans decades."""
    if not found:
        return ""
    bounds = [bound for one in found for bound in (one.low, one.high, one.y) if bound is not None]
    across, up = axis_of([one.x for one in found], logs=True), axis_of(bounds)
    parts = [_frame(across, up, x_title, y_title)]
    for one in found:
        x, y = _x(one.x, across), _y(one.y, up)
        colour = "var(--good)" if one.picked else "var(--edge)"
        if one.low is not None and one.high is not None:
            ends = f'y1="{_y(one.low, up):.1f}" y2="{_y(one.high, up):.1f}"'
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" {ends} stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{6 if one.picked else 4}" fill="{colour}"/>')
        side, anchor = (-9, "end") if x > WIDE - 160 else (9, "start")
        place = f'x="{x + side:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}"'
        parts.append(f'<text {place} style="fill:var(--text)">{escape(one.name[:40])}</text>')
    return _svg(f"{y_title} over {x_title}", parts)


def _x(value: float, axis: Axis) -> float:
    return LEFT + axis.share(value) * (WIDE - LEFT - RIGHT)


def _y(value: float, axis: Axis) -> float:
    return TALL - BOTTOM - axis.share(value) * (TALL - TOP - BOTTOM)


def _frame(across: Axis, up: Axis, x_title: str, y_title: str) -> str:
    left, right, under = LEFT - 8, WIDE - RIGHT, TALL - BOTTOM + 16
    grid = (f'<line x1="{LEFT}" x2="{right}" y1="{_y(at, up):.1f}" y2="{_y(at, up):.1f}" stroke="var(--line)"/>'
            for at in ticks(up))  # fmt: skip
    beside = (_text(left, _y(at, up) + 4, "end", shown(at)) for at in ticks(up))
    below = (_text(_x(at, across), under, "middle", shown(at)) for at in ticks(across))
    middle = f"translate(12 {TALL / 2}) rotate(-90)"
    titles = (_text((LEFT + right) / 2, TALL - 6, "middle", x_title),
              f'<text transform="{middle}" text-anchor="middle">{escape(y_title[:40])}</text>')  # fmt: skip
    return "".join([*grid, *beside, *below, *titles])


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(told: str, parts: Sequence[str]) -> str:
    return (f'<svg viewBox="0 0 {WIDE} {TALL}" width="{WIDE}" height="{TALL}" role="img" aria-label="{escape(told)}">'
            f"{''.join(parts)}</svg>")  # fmt: skip
