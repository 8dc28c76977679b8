"""The answer a counterfactual is to have, and how far another answer is from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from aimass.core.errors import InputError, unknown
from aimass.core.signature import Signature
from aimass.engines.base import Tensors
from aimass.explain.asked import Asked
from aimass.explain.base import short


@dataclass(frozen=True)
class Goal:
    """The class NAME (number INDEX of CLASSES), or a value from LOW to HIGH."""

    name: str
    index: int
    classes: tuple[str, ...]
    low: float
    high: float

    def gaps(self, outputs: Tensors) -> np.ndarray:
        """How far each of OUTPUTS is from the goal: float64 [N], 0 or less where it is reached."""
        if self.index < 0:
            values = np.asarray(outputs["value"], np.float64).reshape(len(outputs["value"]), -1)[:, 0]
            return np.asarray(np.nan_to_num(np.maximum(self.low - values, values - self.high), nan=np.inf))
        reached = np.asarray(outputs["label"]).astype(str) == self.name
        if "probabilities" not in outputs:
            return np.asarray(np.where(reached, 0.0, 1.0))
        chances = np.nan_to_num(np.asarray(outputs["probabilities"], np.float64), nan=0.0)
        ahead = np.delete(chances, self.index, axis=1).max(axis=1) - chances[:, self.index]
        return np.asarray(np.where(reached, np.minimum(ahead, 0.0), np.maximum(ahead, 1e-12)))

    def answer(self, outputs: Tensors, row: int) -> dict[str, Any]:
        """The answer in ROW of OUTPUTS as an endpoint gives it."""
        told: dict[str, Any] = {}
        if "label" in outputs:
            told["label"] = str(outputs["label"][row])
        if "probabilities" in outputs:
            chances = np.asarray(outputs["probabilities"][row], np.float64).tolist()
            told["probabilities"] = {name: short(p) for name, p in zip(self.classes, chances, strict=True)}
        if "value" in outputs:
            told["value"] = short(float(np.asarray(outputs["value"]).reshape(len(outputs["value"]), -1)[row, 0]))
        return told


def goal_of(signature: Signature, asked: Asked, target: str, low: float | None, high: float | None) -> Goal:
    """What was asked for; of classes, the likeliest one that is not the answer already.  Raises InputError."""
    classes = signature.classes
    if not classes:
        return _range(signature, target, low, high)
    if low is not None or high is not None:
        raise InputError(
            "low and high were given, and the model answers classes",
            expected=f"a target: one of {', '.join(classes)}",
            todo="leave them out",
            key="low" if low is not None else "high",
        )
    if target and target not in classes:
        error = unknown("class", target, classes)
        error.key = "target"
        raise error
    name = target or _second(asked, classes)
    return Goal(name, classes.index(name), classes, -np.inf, np.inf)


def _second(asked: Asked, classes: tuple[str, ...]) -> str:
    others = [name for name in classes if name != asked.label] or list(classes)
    outputs = asked.outputs(asked.own)
    if "probabilities" not in outputs:
        return others[0]
    return max(others, key=lambda name: float(outputs["probabilities"][0][classes.index(name)]))


def _range(signature: Signature, target: str, low: float | None, high: float | None) -> Goal:
    if target not in ("", signature.target) or (low is None and high is None):
        raise InputError(
            f"no value of {signature.target!r} is asked for" if not target else f"target {target!r} is no value",
            expected="low, high or both: what the value is to be",
            todo='say for example {"low": 10}',
            key="low" if not target else "target",
        )
    least, most = -np.inf if low is None else low, np.inf if high is None else high
    if least > most:
        raise InputError(f"low {low} is above high {high}", expected="low <= high", key="low")
    bounds = [f">= {low:g}" if low is not None else "", f"<= {high:g}" if high is not None else ""]
    return Goal(f"{signature.target} {' and '.join(filter(None, bounds))}", -1, (), least, most)
