"""Models with known answers: functions of raw columns, as a predictor has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from aimass.core.signature import Field, Signature

CLASSES = ("no", "yes")
OUTPUTS = (Field("label", "string", values=CLASSES), Field("probabilities", "float32", (2,)))
Columns = dict[str, np.ndarray]


def numbers(count: int) -> Signature:
    """COUNT number columns x0, x1, ...; the model answers a value."""
    rows = tuple(Field(f"x{i}", "float64", kind="number", sent="number") for i in range(count))
    return Signature("regression", "y", rows, (), (Field("value", "float32"),))


def columns(values: np.ndarray) -> Columns:
    """[N, D] as columns x0, x1, ..."""
    return {f"x{i}": values[:, i] for i in range(values.shape[1])}


def valued(formula: Callable[[np.ndarray], np.ndarray]) -> Callable[[Columns], Columns]:
    """A predictor of the value FORMULA([N, D])."""

    def predict(tensors: Columns) -> Columns:
        return {"value": np.asarray(formula(np.stack(list(tensors.values()), axis=1)))}

    return predict


def chance(formula: Callable[[Columns], Any]) -> Callable[[Columns], Columns]:
    """A predictor that says "yes" with probability sigmoid(FORMULA(columns))."""

    def predict(tensors: Columns) -> Columns:
        yes = 1 / (1 + np.exp(-np.asarray(formula(tensors), np.float64)))
        both = np.stack([1 - yes, yes], axis=1)
        return {"label": np.array(CLASSES, object)[both.argmax(axis=1)], "probabilities": both}

    return predict


def by_definition(predict: Any, row: Columns, background: Columns, output: str = "value") -> np.ndarray:
    """Shapley values as the mean over all orders of all columns, written plainly."""
    names, rows = list(row), len(next(iter(background.values())))
    total, orders = np.zeros(len(names)), list(permutations(range(len(names))))

    def answer(shown: set[int]) -> float:
        mixed = {
            name: np.repeat(row[name], rows, axis=0) if i in shown else background[name] for i, name in enumerate(names)
        }
        values = predict(mixed)[output]
        return float((values[:, 1] if values.ndim == 2 else values).mean())

    known = {frozenset(): answer(set())}
    for order in orders:
        shown: frozenset[int] = frozenset()
        for player in order:
            more = shown | {player}
            if more not in known:
                known[more] = answer(set(more))
            total[player] += known[more] - known[shown]
            shown = more
    return total / len(orders)


def shares(explanation: Any) -> np.ndarray:
    return np.array([share.attribution for share in explanation.attributions])


class Clock:
    """A clock that only the model's own work moves: SECONDS a row."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.calls = 0.0, seconds, []

    def __call__(self) -> float:
        return self.now

    def around(self, predict: Any) -> Any:
        def timed(tensors: Columns) -> Columns:
            rows = len(next(iter(tensors.values())))
            self.now += self.seconds * rows
            self.calls.append(rows)
            return predict(tensors)

        return timed


IMAGE = Signature("binary", "y", (Field("photo", "uint8", (28, 28, 1), kind="image", sent="image"),), (), OUTPUTS)
TEXT = Signature("binary", "y", (Field("body", "string", kind="text", sent="string"),), (), OUTPUTS)
WEIGHTS = {"great": 2.0, "awful": -3.0, "not": -0.5}


def brightness(tensors: Columns) -> np.ndarray:
    """Whether a square of 5 x 5 pixels near the upper left corner is bright."""
    return 8 * (tensors["photo"][:, 3:8, 4:9, 0].mean(axis=(1, 2)) / 255 - 0.5)


def opinion(tensors: Columns) -> np.ndarray:
    return np.array([sum(WEIGHTS.get(w.lower(), 0) for w in re.findall(r"\w+", v)) for v in tensors["body"]])


@pytest.fixture
def photos() -> Columns:
    """Sixteen dark images."""
    return {"photo": np.random.default_rng(0).integers(0, 60, size=(16, 28, 28, 1)).astype(np.uint8)}


@pytest.fixture
def bright(photos: Columns) -> Columns:
    """One of them, its square bright."""
    image = photos["photo"][:1].copy()
    image[0, 3:8, 4:9] = 230
    return {"photo": image}
