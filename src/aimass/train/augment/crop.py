"""A part of each image, in the size of the whole."""

from __future__ import annotations

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.geometry import Geometry, linear
from aimass.train.rng import Chance


class Crop(Geometry):
    """Cuts out a random part and stretches it to the size of the image (Szegedy et al. 2014, arXiv 1409.4842)."""

    smallest: float = knob(0.35, 0.01, 1.0, help="least share of the area that is left; the paper has 0.08")
    stretch: float = knob(4 / 3, 1.0, 10.0, help="most that width over height changes, either way")

    def source(self, chance: Chance, height: int, width: int) -> Tensor:
        area, stretch, either, across, down = chance.uniform("crop", 5).unbind(1)
        area_N = self.smallest + (1 - self.smallest) * area
        wider_N = 1 + (self.stretch - 1) * stretch
        ratio_N = torch.where(either < 0.5, wider_N, 1 / wider_N)
        across_N, down_N = (area_N * ratio_N).sqrt().clamp(max=1), (area_N / ratio_N).sqrt().clamp(max=1)
        x_N, y_N = (across - 0.5) * (1 - across_N) * width, (down - 0.5) * (1 - down_N) * height
        still = torch.zeros_like(x_N)
        return linear(across_N, still, still, down_N, x_N, y_N)
