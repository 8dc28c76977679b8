"""Does the import answer as the original does?  Figures for every output, and a verdict.

A number agrees when it is nearer than TOLERANCE, or than TOLERANCE times its own size where that is above 1.  A label
agrees when it is the same; where probabilities tie within the tolerance, either is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.core.errors import InputError
from aimass.engines.base import Predictor, Tensors

BATCHES = (1, 3, 64)  # rows of a call; then all rows
SINGLE = 16  # rows that are asked one by one
SUMS = 1e-3  # how far probabilities may be from adding up to 1


def compared(ours: Predictor, rows: Tensors, expected: Tensors, tolerance: float, classes: int = 0) -> dict[str, Any]:
    """The report on what OURS answers to ROWS where EXPECTED is right, whatever the number of rows in a call.

    With CLASSES, `probabilities` and `label` are what the words say.
    """
    count = len(next(iter(rows.values())))
    if classes and "probabilities" in expected:
        check_probabilities(np.asarray(expected["probabilities"], np.float64), classes)
    sizes = sorted({size for size in (*BATCHES, count) if size <= count})
    parts = [slice(i, i + 1) for i in range(min(SINGLE, count))] + [slice(0, size) for size in sizes]
    outputs: dict[str, dict[str, Any]] = {}
    for part in parts:
        got = ours({name: array[part] for name, array in rows.items()})
        want = {name: array[part] for name, array in expected.items()}
        for name, values in want.items():
            found = _apart(name, np.asarray(got[name]), values, tolerance)
            tied = _tied(want, tolerance) if classes and name == "label" else np.zeros(len(values), bool)
            outputs[name] = _worse(outputs.get(name), _figures(found, ~tied, part.start))
    return {
        "rows": count,
        "rows_in_a_call": sizes,
        "tolerance": tolerance,
        "outputs": outputs,
        "passed": all(output["beyond"] == 0 for output in outputs.values()),
    }


@dataclass(frozen=True)
class Apart:
    """How far two answers are apart: rows that differ [N], and figures over all of them."""

    wrong: np.ndarray
    figures: dict[str, float]


def _apart(name: str, got: np.ndarray, want: np.ndarray, tolerance: float) -> Apart:
    """GOT against WANT.  Raises InputError where their shapes differ."""
    if got.shape != want.shape:
        raise InputError(f"the import gives {name} as {list(got.shape)} where the original gives {list(want.shape)}",
                         expected="the same shape for any number of rows in a call",
                         todo="look for a batch size that was fixed while it was exported")  # fmt: skip
    if want.dtype.kind in "OUSb":
        same = np.array([str(a) == str(b) for a, b in zip(got.ravel(), want.ravel(), strict=True)], bool)
        return Apart(np.asarray(~same.reshape(len(want), -1).all(axis=1)), {"agreement": float(same.mean())})
    first, second = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        apart = np.abs(first - second)
    apart[(first == second) | (np.isnan(first) & np.isnan(second))] = 0.0
    apart[np.isnan(apart)] = np.inf
    size = np.where(np.isfinite(second), np.abs(second), 0.0)
    ratio = np.divide(apart, size, out=np.zeros_like(apart), where=size > tolerance)
    distance = apart / np.maximum(1.0, size)
    wrong = ~(distance <= tolerance)
    figures = {
        "largest_absolute": float(apart.max(initial=0)),
        "largest_relative": float(ratio.max(initial=0)),
        "distance": float(distance.max(initial=0)),  # what the tolerance is held against
    }
    return Apart(np.asarray(wrong.reshape(len(want), -1).any(axis=1)), figures)


def _figures(found: Apart, counts: np.ndarray, start: int) -> dict[str, Any]:
    wrong = found.wrong & counts
    return {**found.figures, "beyond": int(wrong.sum()), "first": start + int(wrong.argmax()) if wrong.any() else None}


def _tied(want: Tensors, tolerance: float) -> np.ndarray:
    """Rows [N] whose two likeliest classes are equally likely, within TOLERANCE."""
    if "probabilities" not in want:
        return np.zeros(len(want["label"]), bool)
    ordered = np.sort(np.asarray(want["probabilities"], np.float64), axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2] <= 2 * tolerance)


def _worse(before: dict[str, Any] | None, found: dict[str, Any]) -> dict[str, Any]:
    """The worse of two figures of one output; labels agree as they do in FOUND, the larger call."""
    if before is None:
        return found
    firsts = [figures["first"] for figures in (before, found) if figures["first"] is not None]
    worst = {key: max(before[key], found[key]) for key in found if key not in ("first", "agreement")}
    return {**found, **worst, "first": min(firsts, default=None)}


def check_probabilities(values: np.ndarray, classes: int) -> None:
    """Raises InputError unless VALUES [N, CLASSES] are between 0 and 1, and 1 together."""
    if values.ndim != 2 or values.shape[1] != classes:
        raise _no_probabilities(f"are {list(values.shape)} for {classes} classes")
    if not (np.isfinite(values).all() and values.min() >= -SUMS and values.max() <= 1 + SUMS):
        raise _no_probabilities("are not between 0 and 1")
    if np.abs(values.sum(axis=1) - 1).max() > SUMS:
        raise _no_probabilities("do not add up to 1")


def _no_probabilities(what: str) -> InputError:
    return InputError(f"the model's probabilities {what}", expected="one number a class, 1 together", key="answers",
                      todo="before softmax: answers = { scores = \"NAME\" }; labels that are not exclusive: "
                      "task = \"other\"")  # fmt: skip


def refusal(report: dict[str, Any]) -> InputError:
    """What is said of a REPORT that did not pass."""
    name, worst = max(report["outputs"].items(), key=lambda item: item[1]["beyond"])
    if "agreement" in worst:
        what = f"{name} is another in {worst['beyond']} of {report['rows']} rows, row {worst['first']} first"
    else:
        what = (f"{name} is up to {worst['largest_absolute']:.3g} apart, beyond the tolerance in {worst['beyond']} of "
                f"{report['rows']} rows, row {worst['first']} first")  # fmt: skip
    return InputError(f"the import does not answer as the original: {what}",
                      expected=f"answers within {report['tolerance']:g}, whatever the number of rows in a call",
                      todo="look for steps fixed while it was exported (a batch size, a branch, chance), or for 64-bit "
                      "numbers near a threshold; a larger tolerance is yours to give", key="tolerance")  # fmt: skip
