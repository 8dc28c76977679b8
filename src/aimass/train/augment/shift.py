"""Images moved by a few pixels: the crop of a padded image."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.geometry import Geometry, linear
from aimass.train.rng import Chance


class Shift(Geometry):
    """Moves images by whole pixels, as a crop of the image padded with its edges does (He et al. 2015, section 4.2).

    arXiv 1512.03385, there padded with zeros.
    """

    whole: ClassVar[bool] = True

    pixels: int = knob(4, 0, 1000, help="most pixels, either way and in both directions")

    def source(self, chance: Chance, height: int, width: int) -> Tensor:
        move_N2 = chance.integers("move", -self.pixels, self.pixels + 1, 2).float()
        one = torch.ones_like(move_N2[:, 0])
        return linear(one, one * 0, one * 0, one, move_N2[:, 0], move_N2[:, 1])
