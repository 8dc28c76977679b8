"""Metrics of classes, in plain numpy.   N = rows, K = classes

Every interval is for the rows at hand as a random sample of rows to come.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from aimass.core.errors import InputError, unknown
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.measure.base import Figure, Metric
from aimass.measure.intervals import CONFIDENCE, Z, logit_interval, wilson

CLASSES = ("binary", "multiclass")
FEW = 10  # rows of a class: DeLong's variance is not to be trusted below
TAILS = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]


def predicted(answer: dict[str, Any], signature: Signature) -> np.ndarray:
    """The index of the class each row was labelled with, as a caller reads it: `label` [N] -> [N]."""
    index = {name: i for i, name in enumerate(signature.classes)}
    return np.array([index[str(name)] for name in answer["label"]], dtype=np.int64)


class Accuracy(Metric):
    """Share of rows with the right label (Wilson interval)."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES

    def value(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> float:
        _some(truth, self)
        return float(np.mean(predicted(answer, signature) == truth))

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        right = self.value(truth, answer, signature)
        return Figure(right, *wilson(right, len(truth)), len(truth))


class RocAuc(Metric):
    """Chance that a row of a class is ranked above a row of another (DeLong interval); mean over classes."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES

    def value(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> float:
        """Two classes: by the probability of the last.  More: mean of one against the rest, over the classes that
        occur in TRUTH."""
        _some(truth, self)
        scores = np.asarray(answer["probabilities"])
        return float(np.mean([_area(truth == k, scores[:, k]) for k in _present(truth, signature)]))

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        """DeLong's interval; where a class has few rows, at least as wide as Var(AUC) <= AUC (1 - AUC) / min(m, n)
        allows: a handful of rows, or a perfect rank, shows too little variance."""
        value, present = self.value(truth, answer, signature), _present(truth, signature)
        scores = np.asarray(answer["probabilities"])
        parts = [_auc(truth == k, scores[:, k]) for k in present]
        error = float(np.sqrt(np.square(np.mean([pull for _, pull in parts], axis=0)).sum()))
        rarest = min(min((truth == k).sum(), (truth != k).sum()) for k in present)
        if error == 0:
            return Figure(value, *wilson(value, rarest), len(truth))
        low, high = logit_interval(value, error)
        if rarest < FEW:
            least, most = _cautious(truth, present, [area for area, _ in parts])
            low, high = min(low, least), max(high, most)
        return Figure(value, low, high, len(truth))


def _present(truth: np.ndarray, signature: Signature) -> list[int]:
    """The classes a mean of areas is over.  Raises InputError when TRUTH holds one class only."""
    found: list[int] = np.unique(truth).tolist()
    if len(found) < 2:
        raise InputError(
            "roc_auc does not exist: the test rows are all of one class",
            expected="rows of at least two classes",
            todo="give the test split more rows, or split by stratum",
        )
    return [1] if len(signature.classes) == 2 else found


def _cautious(truth: np.ndarray, present: list[int], areas: list[float]) -> tuple[float, float]:
    """Bounds of the mean of AREAS from each area's own Wilson bounds (MOVER: Zou & Donner 2008)."""
    sizes = [min(int((truth == k).sum()), int((truth != k).sum())) for k in present]
    bounds = np.array([wilson(area, size) for area, size in zip(areas, sizes, strict=True)])
    down, up = np.sqrt(np.square(bounds - np.array(areas)[:, None]).sum(axis=0)) / len(areas)
    middle = np.mean(areas)
    return max(0.0, float(middle - down)), min(1.0, float(middle + up))


def _area(positive: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve: share of pairs in which the positive is above, ties counting half."""
    ours, theirs = np.sort(score[positive]), np.sort(score[~positive])
    below = np.searchsorted(theirs, ours, "left") + np.searchsorted(theirs, ours, "right")
    return float(below.mean() / (2 * len(theirs)))


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
    """2 TP / (2 TP + FP + FN) of the class `positive` (of two, the last by name if none is said); else the mean."""

    tasks: ClassVar[tuple[str, ...]] = CLASSES
    positive: str = knob("", help="the class that counts, against all others; empty: the last by name, or the mean")
    draws: int = knob(2000, 100, 100_000, help="bootstrap draws of the interval over more than two classes")

    def value(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> float:
        _some(truth, self)
        guess, chosen = predicted(answer, signature), self._chosen(signature)
        if chosen is not None:
            hits, claimed = self._claims(truth == chosen, guess == chosen, signature.classes[chosen])
            return _f(hits / claimed)
        cells, counts = _cells(truth, guess, len(signature.classes))
        return float(_macro_f1(cells, counts[None, :], len(signature.classes))[0])

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        """One class: F = 2 J / (1 + J), where J = TP / (TP + FP + FN) is a share of the rows that either side
        calls positive, so J's Wilson interval carries over.  The mean of several: see `_macro_interval`."""
        value, guess = self.value(truth, answer, signature), predicted(answer, signature)
        chosen, k = self._chosen(signature), len(signature.classes)
        if chosen is not None:
            hits, claimed = self._claims(truth == chosen, guess == chosen, signature.classes[chosen])
            low, high = wilson(hits / claimed, claimed)
            return Figure(value, _f(low), _f(high), len(truth))
        cells, counts = _cells(truth, guess, k)
        return Figure(value, *_macro_interval(cells, counts, k, value, self.draws), len(truth))

    def _chosen(self, signature: Signature) -> int | None:
        """The index of the class that counts; None for the mean.  Raises InputError when there is no such class."""
        if not self.positive:
            return 1 if len(signature.classes) == 2 else None
        if self.positive not in signature.classes:
            raise unknown("class", self.positive, signature.classes)
        return signature.classes.index(self.positive)

    @staticmethod
    def _claims(truth: np.ndarray, guess: np.ndarray, name: str) -> tuple[int, int]:
        """(rows both sides call positive, rows either does) of two masks [N]."""
        hits, claimed = int((truth & guess).sum()), int((truth | guess).sum())
        if claimed == 0:
            raise InputError(f"f1 does not exist: no row is, or is called, {name!r}")
        return hits, claimed


def _cells(truth: np.ndarray, guess: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(truth * K + guess of the cells that occur, rows in each) of the confusion table."""
    cells, counts = np.unique(truth * k + guess, return_counts=True)
    return cells, counts


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

    def value(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> float:
        return float(self._losses(truth, answer).mean())

    def _losses(self, truth: np.ndarray, answer: dict[str, Any]) -> np.ndarray:
        """Of each row [N]."""
        _some(truth, self)
        given = np.asarray(answer["probabilities"])
        floor = np.finfo(given.dtype).eps  # a probability of 0 would cost infinitely much
        chance = np.clip(given[np.arange(len(truth)), truth].astype(np.float64), floor, 1)
        return np.asarray(-np.log(chance))

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        loss = self._losses(truth, answer)
        value, half = float(loss.mean()), Z * float(loss.std(ddof=1)) / np.sqrt(len(loss))
        return Figure(value, max(0.0, value - half), value + half, len(truth))


def _some(truth: np.ndarray, metric: Metric) -> None:
    if len(truth) < 2:
        raise InputError(
            f"{metric.settings()['use']} needs at least 2 test rows, got {len(truth)}",
            expected="a test split with rows in it",
            todo="collect more rows or give the test split a larger share",
        )
