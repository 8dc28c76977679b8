"""Images mirrored."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.geometry import Geometry, linear
from aimass.train.rng import Chance


class Flip(Geometry):
    """Mirrors images left to right, or top to bottom."""

    whole: ClassVar[bool] = True

    horizontal: float = knob(0.5, 0.0, 1.0, help="share of the images mirrored left to right")
    vertical: float = knob(0.0, 0.0, 1.0, help="share of the images mirrored top to bottom")

    def source(self, chance: Chance, height: int, width: int) -> Tensor:
        luck_across, luck_down = chance.uniform("flip", 2).unbind(1)
        across = 1 - 2 * (luck_across < self.horizontal).float()
        down = 1 - 2 * (luck_down < self.vertical).float()
        still = torch.zeros_like(across)
        return linear(across, still, still, down)
