"""The lines of run.py as a table: medians, ratios within a round with their intervals, and what they must reach.

python benchmarks/training/table.py LINES.jsonl
"""

from __future__ import annotations

import json
import statistics
import sys
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

from contestants import ACCURACY, ADVICE, BY_HAND, CONTESTANTS, FASTEST, FIRST_STEP_OVER_RAW_S, GOALS, TO_ACCURACY, Goal

Line = dict[str, Any]
VOID_BELOW = 0.01  # probability of a difference in accuracy this large by chance


def steady(line: Line) -> float:
    """Rows a second over whole epochs, the first apart."""
    return line["rows"] * (len(line["epoch_seconds"]) - 1) / sum(line["epoch_seconds"][1:])


def beyond(line: Line) -> float:
    """Seconds of the training that are no steady epoch: what is chosen, measured, warmed up and kept."""
    return line["fit_s"] - line["epochs"] * line["rows"] / steady(line)


def interval(values: list[float], share: float = 0.95) -> dict[str, float]:
    """Median, and the narrowest pair of order statistics that holds the true one with a probability of SHARE.

    With five values or fewer not even the extremes do: then they are given, with the probability they have.
    """
    ordered, n = sorted(values), len(values)
    beyond = [sum(comb(n, i) for i in range(k + 1)) / 2**n for k in range((n + 1) // 2)]
    k = max((k for k, tail in enumerate(beyond) if 1 - 2 * tail >= share), default=0)
    return {"median": digits(statistics.median(ordered)), "low": digits(ordered[k]), "high": digits(ordered[-1 - k]),
            "confidence": digits(max(0.0, 1 - 2 * beyond[k]), 3), "rounds": n}  # fmt: skip


def digits(value: float, count: int = 4) -> float:
    return float(f"{value:.{count}g}")


def chance(one: list[float], other: list[float]) -> float:
    """Probability of a difference of means at least this large if both were one population (exact permutation)."""
    both, total, size = one + other, sum(one + other), len(one)

    def apart(part: tuple[float, ...]) -> float:
        return abs(sum(part) / size - (total - sum(part)) / len(other))

    seen = apart(tuple(one)) - 1e-12
    splits = [apart(part) >= seen for part in combinations(both, size)]
    return sum(splits) / len(splits)


def by_name(lines: list[Line], task: str, first: bool = False) -> dict[str, dict[int, Line]]:
    """{contestant: {round: line}}"""
    found: dict[str, dict[int, Line]] = {}
    for line in lines:
        if line["task"] == task and line["first"] == first:
            found.setdefault(line["name"], {})[line["round"]] = line
    return {name: found[name] for name in CONTESTANTS if name in found}


def column(runs: dict[int, Line], first: dict[int, Line]) -> dict[str, Any]:
    """What one contestant reached."""
    accuracies = [line["accuracy"] for line in runs.values()]
    return {
        "rows_per_s": interval([steady(line) for line in runs.values()]),
        "trained_s": interval([line["trained_s"] for line in runs.values()]),
        "first_step_s": interval([line["trained_s"] for line in first.values()]) if first else None,
        "beyond_steady_s": interval([beyond(line) for line in runs.values()]),
        "accuracy": {"mean": digits(statistics.mean(accuracies)), "lowest": min(accuracies),
                     "sd": digits(statistics.pstdev(accuracies), 2)},
        "foreign_cores": max(line["foreign_cores"] for line in runs.values()),
        "load": [line["load"] for line in runs.values()],
        "versions": next(iter(runs.values()))["versions"],
    }  # fmt: skip


def fastest(runs: dict[str, dict[int, Line]]) -> str:
    """The loop written by hand with the highest median."""
    hands = [name for name in BY_HAND if name in runs]
    return max(hands, key=lambda name: statistics.median(steady(line) for line in runs[name].values()))


def compare(goal: Goal, runs: dict[str, dict[int, Line]]) -> dict[str, Any]:
    """One row: the ratio of steady rates and of the seconds to a trained model, the verdict."""
    peer = fastest(runs) if goal.peer == FASTEST else goal.peer
    ours, theirs = runs[goal.ours], runs[peer]
    rounds = sorted(ours.keys() & theirs.keys())
    ratio = interval([steady(ours[r]) / steady(theirs[r]) for r in rounds])
    accuracies = [[side[r]["accuracy"] for r in rounds] for side in (ours, theirs)]
    probability = chance(*accuracies)
    verdict = "told"
    if goal.must is not None:
        verdict = "met" if ratio["low"] >= goal.must else "median only" if ratio["median"] >= goal.must else "missed"
    return {
        "row": f"{goal.task}: {goal.ours} / {goal.peer}" + (f" ({peer})" if peer != goal.peer else ""),
        "rows_per_s": ratio, "must": goal.must, "verdict": "void" if probability < VOID_BELOW else verdict,
        "seconds_to_trained": interval([theirs[r]["trained_s"] / ours[r]["trained_s"] for r in rounds]),
        "accuracy_points": digits(100 * (statistics.mean(accuracies[0]) - statistics.mean(accuracies[1])), 2),
        "accuracy_chance": digits(probability, 2),
    }  # fmt: skip


def first_steps(runs: dict[str, dict[int, Line]], task: str) -> dict[str, Any]:
    """Seconds that our import and first step take beyond those of the raw loop."""
    rounds = sorted(runs["aimass"].keys() & runs["raw"].keys())
    more = interval([runs["aimass"][r]["trained_s"] - runs["raw"][r]["trained_s"] for r in rounds])
    return {"row": f"{task}: first step, aimass - raw (s)", "seconds": more, "must": FIRST_STEP_OVER_RAW_S,
            "verdict": "met" if more["high"] <= FIRST_STEP_OVER_RAW_S else "missed"}  # fmt: skip


def to_accuracy(runs: dict[str, dict[int, Line]], task: str) -> list[dict[str, Any]]:
    """Our seconds from process start to a network of ACCURACY, over those of the fastest loop written by hand.

    Void where a seed of either ends below it: more epochs would have been needed.
    """
    best = fastest(runs)
    rounds = sorted(runs["aimass"].keys() & runs[best].keys())
    ratio = interval([runs["aimass"][r]["trained_s"] / runs[best][r]["trained_s"] for r in rounds])
    verdict = "met" if ratio["high"] <= TO_ACCURACY else "missed"
    if min(runs[name][r]["accuracy"] for name in ("aimass", best) for r in rounds) < ACCURACY:
        verdict = "void"
    return [{"row": f"{task}: seconds to {ACCURACY:.0%}, aimass / {best}", "seconds": ratio, "must": TO_ACCURACY,
             "verdict": verdict}]  # fmt: skip


def advice(runs: dict[str, dict[int, Line]], task: str) -> list[dict[str, Any]]:
    """Seconds that advice took, and their share of what the run would have taken without it; told where it was asked.

    The share is of the seconds at the speed before: those of the epochs after the first, times the measured gain.
    """
    lines = [line for line in runs["aimass"].values() if (line.get("advice") or {}).get("seconds")]
    if not lines:
        return []
    shares = []
    for line in lines:
        origins = line["plan"]["origins"].values()
        gain = max((origin.get("ratio") or 1.0 for origin in origins if origin["kind"] == "measured"), default=1.0)
        steady = statistics.median(line["epoch_seconds"][1:])
        shares.append(line["advice"]["seconds"] / (gain * steady * line["epochs"]))
    verdicts = [line["advice"]["verdict"] for line in lines]
    return [{"row": f"{task}: advice, share of the planned seconds", "share": interval(shares), "must": ADVICE,
             "seconds": interval([line["advice"]["seconds"] for line in lines]), "verdicts": verdicts,
             "verdict": "met" if max(shares) <= ADVICE else "missed"}]  # fmt: skip


def figures(lines: list[Line]) -> dict[str, Any]:
    """Columns and rows of every task that ran."""
    columns: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    for task in dict.fromkeys(line["task"] for line in lines):
        runs, first = by_name(lines, task), by_name(lines, task, first=True)
        any_line = next(iter(next(iter(runs.values())).values()))
        columns[task] = {"rows": any_line["rows"], "epochs": any_line["epochs"]}
        columns[task] |= {name: column(found, first.get(name, {})) for name, found in runs.items()}
        known = runs.keys() | ({FASTEST} if runs.keys() & BY_HAND.keys() else set())
        rows += [compare(g, runs) for g in GOALS if g.task == task and {g.ours, g.peer} <= known]
        if "aimass" in runs and FASTEST in known:
            rows += to_accuracy(runs, task)
        rows += advice(runs, task) if "aimass" in runs else []
        if {"aimass", "raw"} <= first.keys():
            rows.append(first_steps(first, task))
    return {"columns": columns, "rows": rows}


def show(found: dict[str, Any]) -> None:
    """Print FIGURES for people."""
    for task, columns in found["columns"].items():
        print(f"\n{task}: {columns['rows']} rows, {columns['epochs']} epochs")
        print(f"{'':24}{'rows/s':>10}{'trained s':>11}{'first step s':>14}{'accuracy':>10}{'sd':>8}{'foreign':>9}")
        for name, one in columns.items():
            if isinstance(one, dict):
                first = f"{one['first_step_s']['median']:.2f}" if one["first_step_s"] else ""
                print(
                    f"{name:24}{one['rows_per_s']['median']:>10,.0f}{one['trained_s']['median']:>11.1f}{first:>14}"
                    f"{one['accuracy']['mean']:>10.4f}{one['accuracy']['sd']:>8.4f}{one['foreign_cores']:>9.2f}"
                )
    print(f"\n{'':58}{'ratio':>7}  {'interval':17}{'must':>6}  verdict")
    for row in found["rows"]:
        ratio = row.get("rows_per_s") or row.get("share") or row["seconds"]
        must, between = row["must"] or "", f"{ratio['low']:.3f} .. {ratio['high']:.3f}"
        print(f"{row['row']:58}{ratio['median']:>7.3f}  {between:17}{must:>6}  {row['verdict']}")


if __name__ == "__main__":
    show(figures([json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]))
