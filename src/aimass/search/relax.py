"""When nothing keeps every budget: which budget binds, by how far, and what is nearest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from aimass.search.candidate import Row, figure_text, size_text
from aimass.search.goal import Budget

NEAREST = 3


def binding(rows: Sequence[Row], limits: Sequence[Budget]) -> dict[str, Any] | None:
    """The budget that, moved alone and by the smallest share, would admit a row.

    Where every row misses several, the furthest missed one of the nearest row, with the others named.
    """
    if not rows:
        return None
    alone = []
    for row in rows:
        missed = [limit for limit in limits if limit.excess(row) > 0]
        if len(missed) == 1 and missed[0].bound(row) is not None:
            alone.append((missed[0].excess(row), row, missed[0]))
    if alone:
        move, row, limit = min(alone, key=lambda found: (found[0], found[1]["candidate"]))
        return _move(row, limit, move, "")
    row = min(rows, key=lambda row: _distance(row, limits))
    missed = sorted((limit for limit in limits if limit.excess(row) > 0), key=lambda limit: -limit.excess(row))
    others = ", ".join(limit.name for limit in missed[1:])
    return _move(row, missed[0], missed[0].excess(row), f" together with {others}" if others else "")


def _move(row: Row, limit: Budget, move: float, besides: str) -> dict[str, Any]:
    """LIMIT as the binding one, and how far it would have to move for ROW."""
    needed = _needed(row, limit)
    facts = {"budget": limit.name, "asked": limit.asked, "needed": needed, "candidate": row["candidate"]}
    if needed is None:
        return {**facts, "move": None, "summary": f"{limit.name}: {limit.complaint(row)}"}
    share = f"{'+' if limit.at_most else '-'}{100 * move:.3g} %"
    summary = f"{limit.name} = {limit.asked:g}; {needed:g} ({share}){besides} would admit {row['candidate']}"
    summary += _load(row) if limit.name == "p99_ms" else ""
    return {**facts, "move": move, "summary": summary}


def _load(row: Row) -> str:
    """Whether the machine may be to blame, and what to do then: figures are remembered."""
    load = row["load_average"]
    return "" if load is None else f" (measured at load average {load:g}; raise [measure] repeat to measure again)"


def nearest(rows: Sequence[Row], limits: Sequence[Budget]) -> list[dict[str, Any]]:
    """The three rows that miss by the smallest shares, each with the budgets that would admit it."""
    found = []
    for row in sorted(rows, key=lambda row: (_distance(row, limits), row["candidate"]))[:NEAREST]:
        changes = {limit.name: _needed(row, limit) for limit in limits if limit.excess(row) > 0}
        ask = ", ".join(f"{name} = {'more samples' if v is None else f'{v:g}'}" for name, v in changes.items())
        quality = figure_text(row["quality"], row["quality"]["metric"])
        kept = f"{quality}, p99 {figure_text(row['p99_ms'])} ms, {size_text(row)}"
        summary = f"{ask} admits {row['candidate']} ({kept})"
        found.append({"candidate": row["candidate"], "model": row["model"], "changes": changes, "summary": summary})
    return found


def _distance(row: Row, limits: Sequence[Budget]) -> float:
    return sum(limit.excess(row) for limit in limits)


def _needed(row: Row, limit: Budget) -> float | None:
    """The bound rounded to three digits, away from the figure, so that asking for it is granted."""
    bound = limit.bound(row)
    if not bound:
        return bound
    step = 10.0 ** (math.floor(math.log10(abs(bound))) - 2)
    whole = math.ceil(bound / step) if limit.at_most else math.floor(bound / step)
    return float(f"{whole * step:.12g}")
