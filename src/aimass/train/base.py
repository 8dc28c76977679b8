"""The contract of a recipe: an architecture and examples in, network.onnx and its weights out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from aimass.core.artifact import Examples, Model
from aimass.core.part import Part
from aimass.core.step import Context
from aimass.models.base import Architecture


class Recipe(Part):
    """How an architecture is fitted."""

    family: ClassVar[str] = "recipe"
    fits: ClassVar[str] = ""  # the architectures it can fit: those whose `recipe` this is

    def fit(
        self, ctx: Context, architecture: Architecture, examples: Examples, out: Path, start: Model | None = None
    ) -> dict[str, Any]:
        """Fit ARCHITECTURE to the training rows of EXAMPLES; valid rows may stop it, test rows are never read.

        Writes OUT/network.onnx, and OUT/weights.safetensors or OUT/trees.json where there are such.  Returns facts
        for model.json: the same on every run of the same task, so no seconds.  Checkpoints go to `ctx.resume`.
        START is the model whose weights it begins with, for recipes that can.
        Raises InputError for data it cannot learn from, Stopped when asked to stop; the checkpoint then stays.
        """
        raise NotImplementedError
