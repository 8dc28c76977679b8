"""The ledger drawn for people: rows of text, and a page for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aimass.search.candidate import figure_text, size_text

if TYPE_CHECKING:
    from rich.text import Text

MARKS = {"adopted": "✓", "failed": "✗", "rejected": "·", "infeasible": "·"}
STYLES = {"adopted": "bold green", "rejected": "", "infeasible": "yellow", "failed": "red"}


def ledger_rows(ledger: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row a candidate, all text: candidate, status, the metric, p99 ms, size, engine x, reason.

    Figures come as "value [low, high]", empty where a candidate was not measured.
    """
    return [_texts(row, ledger["metric"]) for row in ledger["candidates"]]


def _texts(row: Mapping[str, Any], metric: str) -> dict[str, str]:
    measured = "quality" in row
    return {
        "candidate": row["candidate"],
        "status": row["status"],
        metric: figure_text(row["quality"]) if measured else "",
        "p99 ms": figure_text(row["p99_ms"]) if measured else "",
        "size": size_text(row) if measured else "",
        "engine x": figure_text(row["engine_ratio"]) if measured and row["engine_ratio"] else "",
        "reason": row["reason"],
    }


def goal_lines(ledger: Mapping[str, Any]) -> list[str]:
    """One line a budget: 'met     p99 at most 20 ms: 1.83 [1.79, 1.95]'."""
    at_least = {"floor"}
    lines = []
    for line in ledger["goal"]:
        word = "at least" if line["budget"] in at_least and _higher(ledger) else "at most"
        unit = f" {line['unit']}" if line["unit"] else ""
        low, high = line["interval"] or (None, None)
        measured = figure_text({"value": line["measured"], "low": low, "high": high}) if line["interval"] else "-"
        verdict = "met   " if line["met"] else "missed"
        lines.append(f"{verdict}  {line['what']} {word} {line['asked']:g}{unit}: {measured}")
    return lines


def _higher(ledger: Mapping[str, Any]) -> bool:
    from aimass.core.part import resolve
    from aimass.measure.base import Metric

    found: type[Metric] = resolve("metric", ledger["metric"])  # type: ignore[assignment]
    return found.better == "higher"


def ledger_text(ledger: Mapping[str, Any]) -> Text:
    """The ledger for a terminal: a line of figures a candidate, its reason below it, the budgets at the end."""
    from rich.text import Text

    rows = [{k: v for k, v in row.items() if k != "engine x"} for row in ledger_rows(ledger)]
    shown = [{k: v for k, v in row.items() if k not in ("reason", "status")} for row in rows]
    names = list(shown[0]) if shown else []
    widths = {name: max(len(name), *(len(row[name]) for row in shown)) for name in names}
    text = Text(f"  {'  '.join(name.ljust(widths[name]) for name in names)}\n", style="bold")
    for row, cells in zip(rows, shown, strict=True):
        style, status = STYLES.get(row["status"], "dim"), row["status"]
        figures = "  ".join(cells[name].ljust(widths[name]) for name in names).rstrip()
        text.append(
            f"{MARKS.get(status, ' ')} {figures}\n", style=style if status == "adopted" else f"not bold {style}"
        )
        text.append(f"    {status}: {row['reason']}\n", style=f"not bold {style or 'dim'}")
    for line in goal_lines(ledger):
        text.append(f"{line}\n", style="not bold green" if line.startswith("met") else "not bold red")
    return text
