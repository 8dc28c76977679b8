"""The contract of an engine, and the one shape of serving: named arrays in, named arrays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from aimass.core.errors import TaskFailed
from aimass.core.part import Part

Tensors = Mapping[str, np.ndarray]
Predictor = Callable[[Tensors], Tensors]


class Died(TaskFailed):
    """The process of a model ended while it was asked, or before; the model itself may be well again soon."""


class Engine(Part):
    """Executes a saved model."""

    family: ClassVar[str] = "engine"

    def files(self) -> tuple[str, ...]:
        """Names of the files of a model that this engine reads."""
        return ("model.onnx",)

    def load(self, model: Path) -> Predictor:
        """A predictor of the artifact folder MODEL: raw columns [N, ...] in, outputs of its signature out.

        What holds more than memory has `close`, called after its last answer, and `health`, facts worth saying.
        """
        raise NotImplementedError
