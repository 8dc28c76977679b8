"""Brightness, contrast, saturation and hue of images as one map of the channels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.images import OfImages, mean_and_deviation, per_row
from aimass.train.rng import Chance


class Colour(OfImages):
    """Varies contrast and brightness, of images with three channels saturation and hue too.

    All relative to the image itself, since its values may be in any unit: brightness adds a share of the image's
    standard deviation, contrast scales about its mean.  Grey is the mean of the three channels; saturation scales
    what differs from it, and hue turns that round the axis of greys.
    """

    brightness: float = knob(0.2, 0.0, 5.0, help="most that is added, either way, in deviations of the image")
    contrast: float = knob(0.2, 0.0, 1.0, help="most that the contrast changes, either way: 0.2 is 0.8..1.2 times")
    saturation: float = knob(0.2, 0.0, 1.0, help="most that the saturation changes, either way")
    hue: float = knob(10.0, 0.0, 180.0, help="most degrees that colours turn, either way")

    def vary(self, images_NCHW: Tensor, chance: Chance) -> Tensor:
        mean, deviation = mean_and_deviation(images_NCHW)
        brightness, contrast, saturation, hue = (2 * chance.uniform("colour", 4) - 1).unbind(1)
        contrast_N = 1 + self.contrast * contrast
        offset = mean * (1 - per_row(contrast_N)) + deviation * per_row(self.brightness * brightness)
        if images_NCHW.shape[1] != 3:
            return torch.addcmul(offset, images_NCHW, per_row(contrast_N))
        turned_N33 = contrast_N[:, None, None] * turned(1 + self.saturation * saturation, math.radians(self.hue) * hue)
        return torch.baddbmm(offset[:, 0], turned_N33, images_NCHW.flatten(2)).view_as(images_NCHW)


def turned(saturation_N: Tensor, angle_N: Tensor) -> Tensor:
    """The map of three channels that keeps greys: [N, 3, 3].  Each line of it is the one above, moved by one."""
    along, aside = saturation_N * angle_N.cos(), saturation_N * angle_N.sin() / math.sqrt(3)
    own = (1 + 2 * along) / 3
    before, after = (1 - along) / 3 - aside, (1 - along) / 3 + aside
    return torch.stack([own, before, after, after, own, before, before, after, own], dim=1).view(-1, 3, 3)
