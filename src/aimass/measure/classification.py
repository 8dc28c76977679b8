"""Metrics of classes, in plain numpy.   N = rows, K = classes

Every interval is for the rows at hand as a random sample of rows to come.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.measure.base import Figure, Metric
from aimass.measure.intervals import CONFIDENCE, Z, logit_interval, wilson

CLASSES = ("binary", "multiclass")
TAILS = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]


def predicted(answer: dict[str, Any], signature: Signature) -> np.ndarray:
    """The index of the class each row was labelled with, as a caller reads it: `label` [N] -> [N]."""
    index = {name: i for i, name in enumerate(signature.classes)}
    return np.array([index[str(name)] for name in answer["label"]], dtype=np.int64)


class Accuracy(Metric):
    """Share of rows with the right label (Wilson interval)."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        _some(truth, self)
        right = float(np.mean(predicted(answer, signature) == truth))
        return Figure(right, *wilson(right, len(truth)), len(truth))


class RocAuc(Metric):
    """Chance that a row of a class is ranked above a row of another (DeLong interval); mean over classes."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        """Two classes: by the probability of the last.  More: mean of one against the rest, over the classes that
        occur in TRUTH."""
        _some(truth, self)
        present = [1] if len(signature.classes) == 2 else np.unique(truth).tolist()
        if len(np.unique(truth)) < 2:
            raise InputError(
                "roc_auc does not exist: the test rows are all of one class",
                expected="rows of at least two classes",
                todo="give the test split more rows, or split by stratum",
            )
        scores = np.asarray(answer["probabilities"])
        parts = [_auc(truth == k, scores[:, k]) for k in present]
        value = float(np.mean([area for area, _ in parts]))
        error = float(np.sqrt(np.square(np.mean([pull for _, pull in parts], axis=0)).sum()))
        if error == 0:  # perfectly ranked: no variance was seen, but Var(AUC) <= AUC (1 - AUC) / min(m, n)
            rarest = min(min((truth == k).sum(), (truth != k).sum()) for k in present)
            return Figure(value, *wilson(value, rarest), len(truth))
        return Figure(value, *logit_interval(value, error), len(truth))


def _auc(positive: np.ndarray, score: np.ndarray) -> tuple[float, np.ndarray]:
    """Area under the ROC curve, and each row's pull on it; the sum of squared pulls is DeLong's variance.

    DeLong, DeLong & Clarke-Pearson 1988, in O(N log N) by midranks (Sun & Xu 2014).  Pulls rather than two
    covariance matrices, because they add up over the classes of a macro mean.  positive_N bool, score_N
    """
    m, n = int(positive.sum()), int((~positive).sum())
    rank = _midranks(score)
    above = (rank[positive] - _midranks(score[positive])) / n  # share of negatives below each positive
    below = 1 - (rank[~positive] - _midranks(score[~positive])) / m  # share of positives above each negative
    area = float(above.mean())
    pull = np.empty(len(score))
    pull[positive] = (above - area) / np.sqrt(m * max(m - 1, 1))
    pull[~positive] = (below - area) / np.sqrt(n * max(n - 1, 1))
    return area, pull


def _midranks(x: np.ndarray) -> np.ndarray:
    """1-based ranks of X; equal values share the middle of their ranks."""
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: np.ndarray = last - (counts - 1) / 2
    return middle[inverse]


class F1(Metric):
    """2 TP / (2 TP + FP + FN) of the last of two classes, or the mean over more."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES
    draws: int = knob(2000, 100, 100_000, help="bootstrap draws of the interval over more than two classes")

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        """Two classes: F = 2 J / (1 + J), where J = TP / (TP + FP + FN) is a share of the rows that either side
        calls positive, so J's Wilson interval carries over.  More: see `_macro_interval`."""
        _some(truth, self)
        guess, k = predicted(answer, signature), len(signature.classes)
        if k == 2:
            hits = int(((truth == 1) & (guess == 1)).sum())
            claimed = int(((truth == 1) | (guess == 1)).sum())
            if claimed == 0:
                raise InputError(f"f1 does not exist: no row is, or is called, {signature.classes[1]!r}")
            low, high = wilson(hits / claimed, claimed)
            return Figure(_f(hits / claimed), _f(low), _f(high), len(truth))
        cells, counts = np.unique(truth * k + guess, return_counts=True)
        value = float(_macro_f1(cells, counts[None, :], k)[0])
        return Figure(value, *_macro_interval(cells, counts, k, value, self.draws), len(truth))


def _f(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)


def _macro_f1(cells: np.ndarray, counts: np.ndarray, k: int) -> np.ndarray:
    """Mean F1 of the classes that are in the truth or in the answers.  cells_C = truth * K + guess, counts_BC -> B"""
    of_truth = (cells[:, None] // k == np.arange(k)).astype(np.float64)
    of_guess = (cells[:, None] % k == np.arange(k)).astype(np.float64)
    hits = counts @ (of_truth * of_guess)
    sizes = counts @ (of_truth + of_guess)
    seen = sizes > 0
    return np.asarray((2 * hits / np.where(seen, sizes, 1)).sum(axis=1) / seen.sum(axis=1))


def _macro_interval(cells: np.ndarray, counts: np.ndarray, k: int, value: float, draws: int) -> tuple[float, float]:
    """The wider of two: a seeded bootstrap over the confusion counts, which knows that one wrong row hurts two
    classes, and the classes' own Wilson intervals combined (MOVER: Zou & Donner 2008), which stays open when no
    row is wrong."""
    n, random, values = int(counts.sum()), np.random.default_rng(0), []
    for begin in range(0, draws, 100):
        values.append(_macro_f1(cells, random.multinomial(n, counts / n, size=min(100, draws - begin)), k))
    low, high = np.quantile(np.concatenate(values), TAILS)
    down, up = 0.0, 0.0
    classes = np.unique(np.concatenate((cells // k, cells % k)))
    for c in classes:
        touching = (cells // k == c) | (cells % k == c)
        claimed = int(counts[touching].sum())
        share = int(counts[cells == c * k + c].sum()) / claimed
        bounds = wilson(share, claimed)
        down, up = down + (_f(share) - _f(bounds[0])) ** 2, up + (_f(bounds[1]) - _f(share)) ** 2
    least, most = value - np.sqrt(down) / len(classes), value + np.sqrt(up) / len(classes)
    return max(0.0, min(float(low), least, value)), min(1.0, max(float(high), most, value))


class LogLoss(Metric):
    """Mean of -log(probability of the truth), in nats (normal interval of the mean)."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES
    better: ClassVar[str] = "lower"

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        _some(truth, self)
        given = np.asarray(answer["probabilities"])
        floor = np.finfo(given.dtype).eps  # a probability of 0 would cost infinitely much
        chance = np.clip(given[np.arange(len(truth)), truth].astype(np.float64), floor, 1)
        loss = -np.log(chance)
        value, half = float(loss.mean()), Z * float(loss.std(ddof=1)) / np.sqrt(len(loss))
        return Figure(value, max(0.0, value - half), value + half, len(truth))


def _some(truth: np.ndarray, metric: Metric) -> None:
    if len(truth) < 2:
        raise InputError(
            f"{metric.settings()['use']} needs at least 2 test rows, got {len(truth)}",
            expected="a test split with rows in it",
            todo="collect more rows or give the test split a larger share",
        )
