"""The contract of a metric: a figure with its interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from aimass.core.part import Part
from aimass.core.signature import Signature


@dataclass(frozen=True)
class Figure:
    """A measured value with a 95 % interval and the number of samples behind it."""

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> dict[str, float]:
        return asdict(self)


class Metric(Part):
    """Scores answers against the truth."""

    family: ClassVar[str] = "metric"
    tasks: ClassVar[tuple[str, ...]] = ()  # the tasks it can score
    better: ClassVar[str] = "higher"  # or "lower"

    def score(self, truth: np.ndarray, answer: dict[str, Any], signature: Signature) -> Figure:
        """TRUTH: class index [N] or value [N].  ANSWER: outputs of the model by name.  Raises InputError
        when the figure does not exist (one class only)."""
        raise NotImplementedError
