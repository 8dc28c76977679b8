"""What the user wants: a target, budgets, and what to prefer among all that keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimass.core.part import Settings, knob
from aimass.measure.base import Metric, check_task, default_metric

MB = 1_000_000  # bytes


class Goal(Settings):
    """The [goal] table of a project file.  A budget that is left out binds nobody."""

    target: str  # the column to predict
    metric: str | dict[str, Any] = knob("", help="how quality is scored, by name or as a table; empty: as is usual")
    floor: float | None = knob(None, help="the metric must reach this with its bound on the safe side")
    p99_ms: float | None = knob(None, 0.001, help="upper bound of the 99th percentile at the HTTP endpoint")
    clients: int = knob(4, 1, 1024, help="requests under way at once while p99 is measured")
    size_mb: float | None = knob(None, 0.000001, help="the served file, in millions of bytes")
    prefer: str = knob("quality", choices=("quality", "latency", "size"), help="what decides among those that fit")

    def metric_for(self, task: str) -> Metric:
        """The metric that judges TASK.  Raises InputError when the named one cannot."""
        metric = Metric.from_settings(self.metric or default_metric(task))
        check_task(metric, task)
        return metric


@dataclass(frozen=True)
class Budget:
    """One limit, and how a candidate's figure is held against it: by the bound on the unsafe side."""

    name: str  # floor, p99_ms, size_mb
    asked: float
    at_most: bool
    what: str  # in sentences: "p99"
    unit: str = ""

    def figure(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The measured figure of a candidate's ROW, in the unit of the budget."""
        if self.name == "size_mb":
            size = row["size_bytes"] / MB
            return {"value": size, "low": size, "high": size}
        figure: dict[str, Any] = row["quality" if self.name == "floor" else self.name]
        return figure

    def bound(self, row: Mapping[str, Any]) -> float | None:
        """The bound that counts; None when too few samples gave none."""
        bound: float | None = self.figure(row)["high" if self.at_most else "low"]
        return bound

    def excess(self, row: Mapping[str, Any]) -> float:
        """How far the budget would have to move to admit ROW, as a share of what was asked; 0 when it is met."""
        bound = self.bound(row)
        if bound is None:
            return float("inf")
        over = bound - self.asked if self.at_most else self.asked - bound
        return max(0.0, over) / (abs(self.asked) or abs(bound) or 1.0)

    def complaint(self, row: Mapping[str, Any]) -> str:
        """'p99 upper bound 6.1 ms > 5 ms'."""
        bound, unit = self.bound(row), f" {self.unit}" if self.unit else ""
        side = "upper" if self.at_most else "lower"
        if bound is None:
            return f"{self.what} has no {side} bound: {self.figure(row).get('reason', 'too few samples')}"
        exact = "" if self.name == "size_mb" else f" {side} bound"
        return f"{self.what}{exact} {short(bound)}{unit} {'>' if self.at_most else '<'} {self.asked:g}{unit}"

    def held_against(self, row: Mapping[str, Any] | None) -> dict[str, Any]:
        """A line of the ledger's `goal`: asked, measured, interval, met."""
        line = {"budget": self.name, "what": self.what, "asked": self.asked, "unit": self.unit}
        if row is None:
            return {**line, "measured": None, "interval": None, "met": False}
        figure = self.figure(row)
        interval = [figure["low"], figure["high"]]
        return {**line, "measured": figure["value"], "interval": interval, "met": self.excess(row) == 0}


def budgets(goal: Goal, metric: str, better: str) -> list[Budget]:
    """The limits GOAL sets, METRIC being scored and its BETTER side "higher" or "lower"."""
    found = [
        Budget("floor", goal.floor, better == "lower", metric) if goal.floor is not None else None,
        Budget("p99_ms", goal.p99_ms, True, "p99", "ms") if goal.p99_ms is not None else None,
        Budget("size_mb", goal.size_mb, True, "size", "MB") if goal.size_mb is not None else None,
    ]
    return [budget for budget in found if budget is not None]


def short(value: float) -> str:
    """VALUE with as many digits as a reader can use."""
    return f"{value:.4g}"
