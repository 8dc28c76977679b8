"""`aimass curves`: the figures of a run, also of one that is still running, as small charts on one screen."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import pairwise

import click

from aimass.cli.looks import WANT_JSON
from aimass.cli.place import anywhere, emit
from aimass.store.curves import Sample
from aimass.store.figures import of_machine

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a Braille letter: rows from above, two columns
BLANK = 0x2800
TALLEST = 8  # letters
NAME, NUMBER = 24, 10  # letters


@click.command()
@click.argument("run")
@click.option("--points", default=500, show_default=True, help="of each curve at most; peaks and valleys are kept")
@click.option("--machine", is_flag=True, help="what its processes and their machine did, instead of what it reported")
@WANT_JSON
@click.pass_context
def curves(ctx: click.Context, run: str, points: int, machine: bool, json_wanted: bool) -> None:
    """Draw the live figures of RUN (see: aimass ls runs).   Example: aimass curves 7"""
    place = anywhere(ctx)
    row, told = place.run_row(run), place.curves(run, points)
    found = {name: curve for name, curve in told.items() if of_machine(name) == machine}
    head = f"run {run}  {row['step']} {row['label']}  {row['state']}"
    if found:
        head += f"  {max(curve[-1][2] for curve in found.values()):.1f} s"
    emit(found, json_wanted=json_wanted, text="\n".join([head, *draw(found, *shutil.get_terminal_size())]))


def draw(found: dict[str, list[Sample]], width: int, lines: int) -> list[str]:
    """A chart for each curve of FOUND, all of them on a screen of so many letters and LINES."""
    if not found:
        return ["(no figures yet)"]
    each = min((lines - 2) // len(found), TALLEST + 1)
    if each < 2:  # too many: a line each
        return [f"{name[:NAME]:{NAME}} {strip}  {curve[-1][1]:.4g}" for name, curve in found.items()
                for strip in chart(curve, max(8, width - NAME - NUMBER - 3), 1)]  # fmt: skip
    return [line for name, curve in found.items() for line in _titled(name, curve, width, each - 1)]


def _titled(name: str, curve: Sequence[Sample], width: int, height: int) -> list[str]:
    """The chart of CURVE under a line that says what a chart cannot: numbers."""
    values = [value for _, value, _ in curve]
    low, high = min(values), max(values)
    title = f"{name}  {values[0]:.4g} to {values[-1]:.4g}"
    for word, value in (("lowest", low), ("highest", high)):
        at = curve[values.index(value)][0]
        title += f"  {word} {value:.4g}" + ("" if at is None else f" at {at:.4g}")
    rows = chart(curve, max(8, width - NUMBER - 2), height)
    beside = [f"{high:.4g}", *[""] * (height - 2), f"{low:.4g}"] if height > 1 else [""]
    return [title[:width], *(f"{mark:>{NUMBER}} {row}" for mark, row in zip(beside, rows, strict=True))]


def chart(curve: Sequence[Sample], width: int, height: int) -> list[str]:
    """CURVE as HEIGHT rows of WIDTH Braille letters, 2 x 4 dots each; from its first to its last position."""
    places = [at for at, _, _ in curve if at is not None]
    if len(places) < len(curve) or places != sorted(places):
        places = [float(index) for index in range(len(curve))]
    across = _scaled(places, 2 * width - 1)
    up = _scaled([value for _, value, _ in curve], 4 * height - 1)
    cells = [[BLANK] * width for _ in range(height)]
    dots = list(zip(across, up, strict=True))
    for (x0, y0), (x1, y1) in pairwise([dots[0], *dots]):
        length = max(abs(x1 - x0), abs(y1 - y0), 1)
        for part in range(length + 1):
            x, y = x0 + round((x1 - x0) * part / length), 4 * height - 1 - y0 - round((y1 - y0) * part / length)
            cells[y // 4][x // 2] |= DOTS[y % 4][x % 2]
    return ["".join(map(chr, row)) for row in cells]


def _scaled(values: Sequence[float], most: int) -> list[int]:
    """VALUES as whole numbers from 0 to MOST; in the middle when all are the same."""
    low, high = min(values), max(values)
    return [round((value - low) / (high - low) * most) if high > low else most // 2 for value in values]
