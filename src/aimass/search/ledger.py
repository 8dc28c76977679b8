"""The ledger: every candidate with its figures, its status and the reason for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass.core.errors import InputError
from aimass.search.candidate import Row, row_of
from aimass.search.choose import feasible, pick, reason_against, reason_for
from aimass.search.goal import Budget, Goal, budgets
from aimass.search.paired import Paired, unpaired
from aimass.search.relax import binding, nearest

STATUSES = ("adopted", "rejected", "infeasible", "not applicable", "failed", "not tried")


def ledger_of(
    measured: Sequence[tuple[str, Mapping[str, Any]]],
    goal: Goal,
    failures: Sequence[Mapping[str, Any]],
    paired: Paired = unpaired,
) -> dict[str, Any]:
    """The ledger of MEASURED (digest and content of each report) and of the candidates that have no report.  PAIRED
    compares two reports row by row.

    Raises InputError when a report does not fit GOAL: another metric, another number of clients.
    """
    task = measured[0][1]["task"]
    metric = goal.metric_for(task)
    name = str(metric.settings()["use"])
    for digest, report in measured:
        _check_clients(digest, report, goal)
    rows = [row_of(report, digest, name) for digest, report in measured]
    limits = budgets(goal, name, metric.better)
    chosen = pick(rows, limits, metric.better, goal.prefer, paired)
    close = [] if chosen else nearest(rows, limits)
    shown = chosen or next(row for row in rows if row["candidate"] == close[0]["candidate"])
    return {
        "task": task,
        "metric": name,
        "asked": goal.settings(),
        "goal": [limit.held_against(shown) for limit in limits],
        "pick": {name: chosen[name] for name in ("candidate", "model", "engine")} if chosen else None,
        "binding": None if chosen else binding(rows, limits),
        "nearest": close,
        "candidates": [*judged(rows, chosen, limits, metric.better, goal.prefer, paired), *map(dict, failures)],
        "machine": measured[0][1]["machine"],
    }


def judged(
    rows: Sequence[Row], chosen: Row | None, limits: Sequence[Budget], better: str, prefer: str, paired: Paired
) -> list[Row]:
    """ROWS with `status` and `reason`."""
    fit = feasible(rows, limits)
    found = []
    for row in rows:
        complaints = [limit.complaint(row) for limit in limits if limit.excess(row) > 0]
        if row is chosen:
            verdict = ("adopted", reason_for(row, fit, limits, better, prefer, paired))
        elif complaints or chosen is None:
            verdict = ("infeasible", "; ".join(complaints))
        else:
            verdict = ("rejected", reason_against(row, chosen, fit, better, prefer, paired))
        found.append({"candidate": row["candidate"], "status": verdict[0], "reason": verdict[1], **row})
    return found


def _check_clients(digest: str, report: Mapping[str, Any], goal: Goal) -> None:
    clients = report["endpoint"]["clients"]
    if goal.p99_ms is not None and clients != goal.clients:
        raise InputError(
            f"report {digest[:12]} was measured with {clients} clients, the goal asks for {goal.clients}",
            expected=f"a report with {goal.clients} clients",
            todo=f"measure again with --clients {goal.clients}",
            key="goal",
        )
