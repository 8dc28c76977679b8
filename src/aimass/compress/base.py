"""The contract of a pass: a network file in, a network file out."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from aimass.core.artifact import Examples, Model
from aimass.core.part import Part


class Pass(Part):
    """Makes a network smaller or faster."""

    family: ClassVar[str] = "pass"

    def applies(self, model: Model) -> str:
        """'' when the pass can be applied to MODEL, else the reason why not."""
        raise NotImplementedError

    def apply(self, network: Path, examples: Examples, out: Path) -> None:
        """Read the ONNX NETWORK (tensors -> scores), write the changed one to OUT; EXAMPLES' training tensors
        may calibrate."""
        raise NotImplementedError
