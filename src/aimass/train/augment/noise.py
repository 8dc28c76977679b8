"""Gaussian noise on images."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.images import OfImages, mean_and_deviation, per_row
from aimass.train.rng import Chance

PLACES = 1 << 20  # where an image's noise may begin


class Noise(OfImages):
    """Adds Gaussian noise to every pixel.

    Each image takes its noise from its own place in a table of normal numbers, drawn anew each epoch: two images of
    an epoch may share some of it, displaced.  That takes 0.12 ms an image at 224 px; a number of its own for each
    pixel takes 6.
    """

    strength: float = knob(0.1, 0.0, 10.0, help="most noise, in standard deviations of the image")

    def vary(self, images_NCHW: Tensor, chance: Chance) -> Tensor:
        size = images_NCHW[0].numel()
        table = _table(chance.seed, chance.epoch, PLACES + size, images_NCHW.device)
        noise = table.unfold(0, size, 1).index_select(0, chance.integers("place", 0, PLACES)).view_as(images_NCHW)
        _, deviation = mean_and_deviation(images_NCHW)
        return torch.addcmul(images_NCHW, noise, deviation * per_row(self.strength * chance.uniform("strength")))


@lru_cache(maxsize=4)  # a part and its epoch: asked for by every batch
def _table(seed: int, epoch: int, size: int, device: torch.device) -> Tensor:
    return Chance(seed, epoch, torch.zeros(1, dtype=torch.int64, device=device)).normal("table", size)[0]
