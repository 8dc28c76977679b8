"""Images: regions are hidden and shown; what each adds to the answer lies as a grid over the raw pixels."""

from __future__ import annotations

from typing import Literal

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.explain.attribute import Attributing, How


class Occlusion(Attributing):
    """Shapley values of regions of the images, the weightiest ones in ever smaller regions."""

    grid: int = knob(4, 1, 16, help="regions along a side at first")
    fallback: Literal["auto", "blur", "mean", "black"] = knob(
        "auto", help="seen where a region is hidden; auto: whichever answers most like the background"
    )
    precision: float = knob(0.02, 0.0, 1.0, help="share of the largest attribution at which errors are small enough")
    background: int = knob(16, 1, 10_000, log=True, help="rows of the background that stand in for other columns")

    def how(self, signature: Signature) -> How:
        images = [field.name for field in signature.rows if field.dtype == "uint8"]
        if not images:
            raise InputError(
                "occlusion explains images, and the model takes none",
                expected="an image among the columns",
                todo='use method "auto" or "shapley"',
                key="method",
            )
        return How("occlusion", images, self.background, 10, self.precision, grid=self.grid, fallback=self.fallback)
