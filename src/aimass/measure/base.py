"""The contract of a metric: a figure with its interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from aimass.core.errors import InputError
from aimass.core.part import Part
from aimass.core.signature import Signature


@dataclass(frozen=True)
class Figure:
    """A measured value with a 95 % interval and the number of samples behind it.

    A bound that so few samples cannot give is None (JSON null), and `reason` says so.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "reason" or value}


class Metric(Part):
    """Scores answers against the truth."""

    family: ClassVar[str] = "metric"
    tasks: ClassVar[tuple[str, ...]] = ()  # the tasks it can score
    better: ClassVar[str] = "higher"  # or "lower"

    def value(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> float:
        """The value alone, dozens of times for a paired difference: overridden where the interval is costly."""
        return self.score(truth, answer, signature).value

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        """TRUTH: class index [N] or value [N].  ANSWER: outputs of the model by name.  Raises InputError
        when the figure does not exist (one class only)."""
        raise NotImplementedError


DEFAULTS = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmse"}


def default_metric(task: str) -> str:
    """The name of the metric that judges TASK when the user names none."""
    return DEFAULTS[task]


def check_task(metric: Metric, task: str) -> None:
    """Raises InputError when METRIC cannot score TASK."""
    if task not in metric.tasks:
        raise InputError(
            f"{metric.settings()['use']} cannot score a {task} task",
            expected=f"a task that is {' or '.join(metric.tasks)}",
            todo=f'use metric = "{default_metric(task)}", or see: aimass parts metric',
            key="metric",
        )
