"""The choice: pure functions from measured rows and budgets to a pick, and a sentence for everyone else.

Feasible means the unsafe bound keeps every budget.  Among the feasible, `prefer = "quality"` takes the lowest p99
of those whose quality is not significantly below the best; ties go to the simpler recipe.  "latency" asks for the
lowest p99 and "size" for the fewest bytes, whatever the quality above the floor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from aimass.search.candidate import Row, figure_text, size_text
from aimass.search.goal import Budget

GAIN = 0.98  # an acceleration pays when even the upper bound of its engine ratio is below this


def pick(rows: Sequence[Row], limits: Sequence[Budget], better: str, prefer: str) -> Row | None:
    """The row to publish, or None when none keeps every limit."""
    fit = feasible(rows, limits)
    if not fit:
        return None
    if prefer == "size":
        return min(fit, key=lambda row: (row["size_bytes"], row["passes"], row["p99_ms"]["value"], row["candidate"]))
    if prefer == "quality":
        best = best_of(fit, better)
        fit = [row for row in fit if not significantly_below(row, best, better)]
    return simplest(level_with_fastest(fit))


def feasible(rows: Sequence[Row], limits: Sequence[Budget]) -> list[Row]:
    """The rows that keep every limit."""
    return [row for row in rows if all(limit.excess(row) == 0 for limit in limits)]


def best_of(rows: Sequence[Row], better: str) -> Row:
    """The row of the best quality."""
    sign = 1 if better == "higher" else -1
    return max(rows, key=lambda row: sign * row["quality"]["value"])


def significantly_below(row: Row, best: Row, better: str) -> bool:
    """Whether ROW's quality is worse than BEST's beyond doubt.

    By the paired interval where one was measured against the other; else by whether the gap is larger than both
    half intervals together (as of independent samples: on the same rows this errs towards "not significant").
    """
    if row is best:
        return False
    sign = 1.0 if better == "higher" else -1.0
    if row["baseline"] == best["model"] and row["difference"]:
        return bool(max(sign * row["difference"]["low"], sign * row["difference"]["high"]) < 0)
    if best["baseline"] == row["model"] and best["difference"]:
        return bool(min(sign * best["difference"]["low"], sign * best["difference"]["high"]) > 0)
    mine, theirs = row["quality"], best["quality"]
    towards, back = ("high", "low") if better == "higher" else ("low", "high")
    doubt = math.hypot(mine[towards] - mine["value"], theirs["value"] - theirs[back])
    return bool(sign * (theirs["value"] - mine["value"]) > doubt)


def level_with_fastest(rows: Sequence[Row]) -> list[Row]:
    """The rows whose p99 cannot be told from the lowest, less those an engine ratio does tell apart: an
    acceleration that does not pay, and a baseline whose acceleration does."""
    fastest = min(rows, key=lambda row: row["p99_ms"]["value"])
    level = [row for row in rows if row is fastest or _overlap(row["p99_ms"], fastest["p99_ms"])]
    models = {row["model"] for row in level}
    accelerated = {row["baseline"] for row in level if pays(row)}
    return [
        row
        for row in level
        if row["model"] not in accelerated and (pays(row) or row["baseline"] not in models)
    ]  # fmt: skip


def pays(row: Row) -> bool:
    """Whether ROW is an acceleration that made the engine call faster beyond doubt."""
    return bool(row["engine_ratio"]) and row["engine_ratio"]["high"] < GAIN


def simplest(rows: Sequence[Row]) -> Row:
    """Fewest passes, then fewest bytes, then lowest p99."""
    return min(rows, key=lambda row: (row["passes"], row["size_bytes"], row["p99_ms"]["value"], row["candidate"]))


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two intervals share a value; a bound that is missing is as far out as can be."""
    lows = [-math.inf if f["low"] is None else f["low"] for f in (one, other)]
    highs = [math.inf if f["high"] is None else f["high"] for f in (one, other)]
    return bool(max(lows) <= min(highs))


def reason_against(row: Row, chosen: Row, fit: Sequence[Row], better: str, prefer: str) -> str:
    """Why a feasible ROW was not taken, with figures."""
    if prefer == "size":
        return f"size {size_text(row)} against {size_text(chosen)} of {chosen['candidate']}"
    best = best_of(fit, better)
    if prefer == "quality" and significantly_below(row, best, better):
        return f"{figure_text(row['quality'], row['quality']['metric'])} is significantly below {_of(best, 'quality')}"
    base = next((other for other in fit if other["model"] == row["baseline"]), None)
    if base and not pays(row):
        return no_gain(row)
    if chosen["baseline"] == row["model"] and pays(chosen):
        return f"{chosen['candidate']} answers in {figure_text(chosen['engine_ratio'])} of the time"
    if not _overlap(row["p99_ms"], chosen["p99_ms"]):
        return f"p99 {figure_text(row['p99_ms'])} ms against {_of(chosen, 'p99_ms')}"
    simpler = "which takes fewer passes" if chosen["passes"] < row["passes"] else "which is smaller"
    return f"p99 {figure_text(row['p99_ms'])} ms is not distinguishable from {_of(chosen, 'p99_ms')}, {simpler}"


def no_gain(row: Row) -> str:
    """'no gain: engine ratio 1.04 [1.01, 1.07], size 0.61x, roc_auc -0.004'."""
    change = f", {row['quality']['metric']} {row['difference']['value']:+.4f}" if row["difference"] else ""
    return f"no gain: engine ratio {figure_text(row['engine_ratio'])}, size {row['size_ratio']:.2f}x{change}"


def reason_for(row: Row, limits: Sequence[Budget], prefer: str) -> str:
    """Why ROW was taken."""
    metric = row["quality"]["metric"]
    why = {
        "quality": f"lowest p99 among those whose {metric} is not significantly below the best",
        "latency": "lowest p99",
        "size": "smallest",
    }[prefer]
    return why + (f" and keep {'every budget' if len(limits) > 1 else 'the budget'}" if limits else "")


def _of(row: Row, key: str) -> str:
    return f"{figure_text(row[key])}{' ms' if key == 'p99_ms' else ''} of {row['candidate']}"
