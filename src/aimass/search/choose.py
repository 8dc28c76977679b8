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
from aimass.search.paired import Paired, unpaired

GAIN = 0.98  # an acceleration pays when even the upper bound of its engine ratio is below this


def pick(
    rows: Sequence[Row], limits: Sequence[Budget], better: str, prefer: str, paired: Paired = unpaired
) -> Row | None:
    """The row to publish, or None when none keeps every limit."""
    fit = feasible(rows, limits)
    if not fit:
        return None
    if prefer == "size":
        return min(fit, key=lambda row: (row["size_bytes"], *_effort(row)))
    return simplest(level_with_fastest(contenders(fit, better, prefer, paired)))


def feasible(rows: Sequence[Row], limits: Sequence[Budget]) -> list[Row]:
    """The rows that keep every limit."""
    return [row for row in rows if all(limit.excess(row) == 0 for limit in limits)]


def contenders(fit: Sequence[Row], better: str, prefer: str, paired: Paired) -> list[Row]:
    """The rows of FIT among which p99 decides: for "quality", those not significantly below the best."""
    if prefer != "quality":
        return list(fit)
    best = best_of(fit, better)
    return [row for row in fit if not significantly_below(row, best, better, paired)]


def best_of(rows: Sequence[Row], better: str) -> Row:
    """The row of the best quality."""
    sign = 1 if better == "higher" else -1
    return max(rows, key=lambda row: sign * row["quality"]["value"])


def significantly_below(row: Row, best: Row, better: str, paired: Paired = unpaired) -> bool:
    """Whether ROW's quality is worse than BEST's beyond doubt.

    By the paired interval where both answered the same rows; else by whether the gap is larger than both half
    intervals together (as of independent samples).
    """
    if row is best:
        return False
    sign = 1.0 if better == "higher" else -1.0
    gap = gap_to(row, best, paired)
    if gap:
        hopeful = gap["high" if better == "higher" else "low"]
        return hopeful is not None and bool(sign * hopeful < 0)
    mine, theirs = row["quality"], best["quality"]
    towards, back = ("high", "low") if better == "higher" else ("low", "high")
    doubt = math.hypot(mine[towards] - mine["value"], theirs["value"] - theirs[back])
    return bool(sign * (theirs["value"] - mine["value"]) > doubt)


def gap_to(row: Row, best: Row, paired: Paired) -> Mapping[str, Any] | None:
    """ROW's quality less BEST's, row by row of the test split; None where they did not answer the same rows."""
    if row["baseline"] == best["key"] and row["difference"]:
        found: Mapping[str, Any] = row["difference"]
        return found
    if best["baseline"] == row["key"] and best["difference"]:
        gap = best["difference"]
        low, high = (None if gap[side] is None else -gap[side] for side in ("high", "low"))
        return {**gap, "value": -gap["value"], "low": low, "high": high}
    return paired(row["report"], best["report"])


def level_with_fastest(rows: Sequence[Row]) -> list[Row]:
    """The rows whose p99 cannot be told from the lowest, less those an engine ratio does tell apart: an
    acceleration that does not pay, and a baseline whose acceleration does."""
    fastest = min(rows, key=lambda row: row["p99_ms"]["value"])
    level = [row for row in rows if row is fastest or _overlap(row["p99_ms"], fastest["p99_ms"])]
    keys = {row["key"] for row in level}
    accelerated = {row["baseline"] for row in level if pays(row)}
    return [
        row
        for row in level
        if row["key"] not in accelerated and (pays(row) or row["baseline"] not in keys)
    ]  # fmt: skip


def pays(row: Row) -> bool:
    """Whether ROW is an acceleration that made the engine call faster beyond doubt."""
    high = row["engine_ratio"] and row["engine_ratio"]["high"]  # no bound from one process: it does not pay
    return high is not None and bool(high < GAIN)


def simplest(rows: Sequence[Row]) -> Row:
    """Fewest passes, the usual engine before another, then fewest bytes, then lowest p99."""
    return min(rows, key=_effort)


def _effort(row: Row) -> tuple[Any, ...]:
    return (row["passes"], bool(row["engine"]), row["size_bytes"], row["p99_ms"]["value"], row["candidate"])


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two intervals share a value; a bound that is missing is as far out as can be."""
    lows = [-math.inf if f["low"] is None else f["low"] for f in (one, other)]
    highs = [math.inf if f["high"] is None else f["high"] for f in (one, other)]
    return bool(max(lows) <= min(highs))


def reason_against(
    row: Row, chosen: Row, fit: Sequence[Row], better: str, prefer: str, paired: Paired = unpaired
) -> str:
    """Why a feasible ROW was not taken, with figures."""
    if prefer == "size" and row["size_bytes"] != chosen["size_bytes"]:
        return f"size {size_text(row)} against {size_text(chosen)} of {chosen['candidate']}"
    best = best_of(fit, better)
    if prefer == "quality" and significantly_below(row, best, better, paired):
        gap = gap_to(row, best, paired)
        by = f": {figure_text(gap)} on the same rows" if gap else ""
        figure = figure_text(row["quality"], row["quality"]["metric"])
        return f"{figure} is significantly below {_of(best, 'quality')}{by}"
    base = next((other for other in fit if other["key"] == row["baseline"]), None)
    if base and not pays(row):
        return no_gain(row)
    if chosen["baseline"] == row["key"] and pays(chosen):
        return f"{chosen['candidate']} answers in {figure_text(chosen['engine_ratio'])} of the time"
    if not _overlap(row["p99_ms"], chosen["p99_ms"]):
        return f"p99 {figure_text(row['p99_ms'])} ms against {_of(chosen, 'p99_ms')}"
    simpler = "which takes fewer passes" if chosen["passes"] < row["passes"] else "which is smaller"
    if row["engine"] and not chosen["engine"] and chosen["passes"] == row["passes"]:
        simpler = "which the usual engine runs"
    return f"p99 {figure_text(row['p99_ms'])} ms is not distinguishable from {_of(chosen, 'p99_ms')}, {simpler}"


def no_gain(row: Row) -> str:
    """'no gain: engine ratio 1.04 [1.01, 1.07], size 0.61x, roc_auc -0.004'."""
    change = f", {row['quality']['metric']} {row['difference']['value']:+.4f}" if row["difference"] else ""
    return f"no gain: engine ratio {figure_text(row['engine_ratio'])}, size {row['size_ratio']:.2f}x{change}"


def reason_for(
    row: Row, fit: Sequence[Row], limits: Sequence[Budget], better: str, prefer: str, paired: Paired = unpaired
) -> str:
    """Why ROW of FIT was taken."""
    clauses = [f"whose {row['quality']['metric']} is not significantly below the best"] if prefer == "quality" else []
    if limits:
        clauses.append(f"that keep {'every budget' if len(limits) > 1 else 'the budget'}")
    why = "smallest" if prefer == "size" else _fastest_or_level(row, contenders(fit, better, prefer, paired))
    comma = "," if " p99 cannot" in f" {why}" else ""
    return f"{why}{comma} among those {' and '.join(clauses)}" if clauses else why


def _fastest_or_level(row: Row, rivals: Sequence[Row]) -> str:
    """What p99 had to do with ROW being taken out of RIVALS."""
    if row["p99_ms"]["value"] == min(rival["p99_ms"]["value"] for rival in rivals):
        return "lowest p99"
    if pays(row):
        return f"p99 cannot be told from the lowest, engine call {figure_text(row['engine_ratio'])} of its model's"
    return "simplest of those whose p99 cannot be told from the lowest"


def _of(row: Row, key: str) -> str:
    return f"{figure_text(row[key])}{' ms' if key == 'p99_ms' else ''} of {row['candidate']}"
