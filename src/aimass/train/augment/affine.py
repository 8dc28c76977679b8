"""Images turned, slanted, nearer or farther."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.geometry import Geometry, linear
from aimass.train.rng import Chance


class Affine(Geometry):
    """Turns images about their middle, slants and scales them."""

    degrees: float = knob(15.0, 0.0, 180.0, help="most it is turned, either way")
    zoom: float = knob(0.1, 0.0, 10.0, help="most it is scaled, either way: 0.1 is 1.1 times or 1 / 1.1")
    shear: float = knob(0.0, 0.0, 1.0, help="most that upright lines lean: pixels sideways a pixel down")

    def source(self, chance: Chance, height: int, width: int) -> Tensor:
        """Scale and turn after the slant: scale * (cos -sin; sin cos) (1 shear; 0 1)."""
        angle, zoom, either, shear = chance.uniform("affine", 4).unbind(1)
        angle_N = (2 * angle - 1) * math.radians(self.degrees)
        far_N = 1 + self.zoom * zoom
        scale_N = torch.where(either < 0.5, far_N, 1 / far_N)
        lean_N = (2 * shear - 1) * self.shear
        cos_N, sin_N = scale_N * angle_N.cos(), scale_N * angle_N.sin()
        return linear(cos_N, lean_N * cos_N - sin_N, sin_N, lean_N * sin_N + cos_N)
