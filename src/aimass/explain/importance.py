"""What the model as a whole relies on: how much worse it answers when columns are mixed up between rows.

Columns that say the same are mixed up together (Strobl et al. 2008; scikit-learn/scikit-learn#18139 for what happens
otherwise), on rows nobody trained on, each figure with its interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.core.signature import Signature
from aimass.engines.base import Predictor, Tensors
from aimass.explain.asked import check_columns
from aimass.explain.clusters import clusters
from aimass.measure.base import Figure, Metric
from aimass.measure.intervals import student
from aimass.measure.quality import difference

ROWS = 5000  # held-back rows that are mixed up
CHUNK = 512  # rows of a call


@dataclass(frozen=True)
class Importance:
    """How much the metric loses without COLUMNS; positive where they help."""

    columns: tuple[str, ...]
    loss: Figure

    def as_json(self) -> dict[str, Any]:
        return {"columns": list(self.columns), **self.loss.as_json()}


def importance(
    predict: Predictor,
    columns: Tensors,
    truth: np.ndarray,
    signature: Signature,
    metric: Metric,
    *,
    repeats: int = 5,
    threshold: float = 0.7,
    seed: int = 0,
) -> list[Importance]:
    """The loss of METRIC for each cluster of columns, largest first: mean of REPEATS, 95 % interval.

    COLUMNS are raw rows [N, ...] by name, TRUTH the class index or value [N] of each.  The interval holds the chance of
    which rows were held back and of how they were mixed.  Raises InputError where the metric does.
    """
    count = check_columns(columns, signature.rows, "the rows", least=2)
    answer, random = _answers(predict, columns), np.random.default_rng(seed)
    found = []
    for names in clusters(columns, signature.rows, threshold):
        losses = []
        for _ in range(repeats):
            order = random.permutation(count)
            mixed = {name: np.asarray(v)[order] if name in names else v for name, v in columns.items()}
            change = difference(metric, truth, _answers(predict, mixed), answer, signature)
            losses.append(change if metric.better == "lower" else _turned(change))
        found.append(Importance(tuple(names), _mean(losses)))
    return sorted(found, key=lambda each: -each.loss.value)


def _answers(predict: Predictor, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    count = len(next(iter(columns.values())))
    parts = [predict({k: v[at : at + CHUNK] for k, v in columns.items()}) for at in range(0, count, CHUNK)]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def _turned(figure: Figure) -> Figure:
    low, high = (None if bound is None else -bound for bound in (figure.high, figure.low))
    return Figure(-figure.value, low, high, figure.n, figure.reason)


def _mean(losses: list[Figure]) -> Figure:
    """The mean of LOSSES; its interval adds what the order of mixing does to what the choice of rows does."""
    values = np.array([figure.value for figure in losses])
    value, first = float(values.mean()), losses[0]
    if any(figure.low is None or figure.high is None for figure in losses):
        return Figure(value, None, None, first.n, next(f.reason for f in losses if f.low is None))
    halves = np.array([(f.high or 0.0) - (f.low or 0.0) for f in losses]) / 2
    order = student(len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    half = float(np.hypot(np.sqrt(np.square(halves).mean()), order))
    return Figure(value, value - half, value + half, first.n)
