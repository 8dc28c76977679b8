"""The contract of an importer: a model from elsewhere becomes an ONNX network and a way to ask the original."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from aimass.core.part import Part

if TYPE_CHECKING:
    import numpy as np
    import onnx

    from aimass.engines.base import Predictor, Tensors

    Draw = Callable[[int, np.random.Generator], Tensors]  # so many rows, the network's inputs by name


@dataclass(frozen=True)
class Original:
    """A model from elsewhere.

    network  under the names it came with; rows are the first dimension of all it takes and gives
    answer   the original's own answers to tensors of the network, by the names of its outputs
    source   what it came from, in words: "XGBoost 3.2.0"
    answers  what comes back: our names (label, probabilities, scores, value, or any other) -> the network's outputs
    rows     what the user said it should be asked, as tensors of the network
    draw     rows that such a model could be asked, where it knows better than chance
    """

    network: onnx.ModelProto
    answer: Predictor
    source: str
    task: str = ""
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()  # the names of the values of its only input
    answers: Mapping[str, str] = field(default_factory=dict)
    rows: Tensors | None = None
    draw: Draw | None = None


class Importer(Part):
    """Reads models of one kind."""

    family: ClassVar[str] = "importer"

    def read(self, model: Any, rows: Any = None) -> Original:
        """The original that MODEL is: the Path of a file, or an object; with ROWS as its framework takes them.

        Raises InputError for a file that cannot be read or could run code, and for a model ONNX cannot express.
        """
        raise NotImplementedError
