"""The ledger: one row a candidate, as JSON, as a table, and one sentence a refusal.  Refusals are a feature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from aimass.train.advisor.ratio import Ratio
from aimass.train.plan import Plan

HEAD = ("candidate", "share", "ratio", "numerics", "memory", "break-even", "decision", "reason")
TRIED = ("adopted", "refused", "proposed")


@dataclass(frozen=True)
class Row:
    """What was found about one candidate.

    share       of a step that it can touch; BOUND is what that allows at most
    ratio       of the incumbent's time to its own; the confirmed figure is the advice's, not a row's
    memory      share of the device's memory at its peak; None: unknown
    break_even  steps after which its set-up has paid back; 0: none needed
    decision    adopted | refused | skipped | not reached | proposed
    """

    candidate: str
    kind: str
    changes: Mapping[str, Any]
    share: float = 0.0
    bound: float = 1.0
    ratio: Ratio | None = None
    numerics: str = ""
    memory: float | None = None
    break_even: float = 0.0
    decision: str = "not reached"
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        steps = self.break_even if isfinite(self.break_even) else None  # null: never
        told = {**self.__dict__, "changes": dict(self.changes), "share": round(self.share, 4), "break_even": steps}
        return {**told, "bound": round(self.bound, 3), "ratio": self.ratio and self.ratio.as_json()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Row:
        steps = inf if told["break_even"] is None else told["break_even"]
        ratio = Ratio.from_json(told["ratio"]) if told["ratio"] else None
        return cls(**{**told, "ratio": ratio, "break_even": steps})


@dataclass(frozen=True)
class Advice:
    """The PLAN to train by, and everything that argues for it.

    verdict  "adopted" (PLAN is faster, confirmed) | "kept" (the baseline is as good as it gets, as far as looked) |
             "too noisy" | "too short" (nothing could be measured)
    ratio    of the whole plan to the baseline, from the confirmation's own pairs; HOW they were taken
    changes  what PLAN has other than the baseline
    seconds  it took, of a BUDGET; REUSED: found before and confirmed now
    floor    the baseline against itself
    shares   of a step, by its parts; STEP in seconds
    """

    plan: Plan
    rows: tuple[Row, ...]
    verdict: str
    reason: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    ratio: Ratio | None = None
    how: str = ""
    seconds: float = 0.0
    floor: Ratio | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    step: float = 0.0
    budget: float = 0.0
    reused: bool = False

    def as_json(self) -> dict[str, Any]:
        """The record that is kept; `from_json` gives it back on a plan."""
        told = {**self.__dict__, "plan": self.plan.as_json(), "rows": [row.as_json() for row in self.rows]}
        told |= {"changes": dict(self.changes), "shares": {k: round(v, 4) for k, v in self.shares.items()}}
        return {**told, **{name: r.as_json() if (r := told[name]) else None for name in ("ratio", "floor")}}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Advice:
        ratios = {name: Ratio.from_json(told[name]) if told[name] else None for name in ("ratio", "floor")}
        rows = tuple(Row.from_json(row) for row in told["rows"])
        return cls(**{**told, **ratios, "rows": rows, "plan": Plan.from_json(told["plan"])})


def table(advice: Advice) -> str:
    """One row a candidate: adopted first, then what was measured, then what was not."""
    order = ("adopted", "proposed", "refused", "not reached", "skipped")
    rows = [HEAD, *(_cells(row) for row in sorted(advice.rows, key=lambda row: order.index(row.decision)))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD) - 1)]
    lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.candidate,
        f"{row.share:.0%}" if row.share else "-",
        str(row.ratio) if row.ratio else "-",
        row.numerics or "-",
        "-" if row.memory is None else f"{row.memory:.0%}",
        "never" if row.break_even == inf else f"{row.break_even:,.0f} steps" if row.break_even else "-",
        row.decision,
        row.reason,
    )


def sentences(advice: Advice) -> list[str]:
    """The verdict, then a sentence for every candidate that is not adopted."""
    head = {
        "adopted": f"{names(advice.changes)}: {advice.ratio} by {advice.how}",
        "kept": f"the plan stays as it is: {advice.reason}",
        "too noisy": f"the machine is too noisy to measure on, nothing was changed: {advice.reason}",
    }
    refusals = [f"{row.candidate} {row.decision}: {row.reason}" for row in advice.rows if row.decision != "adopted"]
    return [head.get(advice.verdict, advice.reason), *refusals]


def names(changes: Mapping[str, Any]) -> str:
    """ "precision bf16, layout channels-last"."""
    return ", ".join(f"{name} {value}" for name, value in changes.items())
