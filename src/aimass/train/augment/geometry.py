"""Geometry of images: each part says where the pixels come from, so that a run of parts costs one sampling.

Places are counted in pixels from the middle of the image, x to the right and y down.  What lies outside an image
looks like its nearest edge.  N = rows, C = channels, H x W = pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from aimass.train.augment.images import OfImages
from aimass.train.rng import Chance


class Geometry(OfImages):
    """Moves pixels by a linear map a row."""

    whole: ClassVar[bool] = False  # it moves them by whole pixels, so none is interpolated

    def source(self, chance: Chance, height: int, width: int) -> Tensor:
        """float32 [N, 2, 3]: (x, y, 1) in the result -> (x, y) in the image."""
        raise NotImplementedError

    def vary(self, images_NCHW: Tensor, chance: Chance) -> Tensor:
        return sampled(images_NCHW, self.source(chance, *images_NCHW.shape[2:]), whole=self.whole)


def sampled(images_NCHW: Tensor, source_N23: Tensor, *, whole: bool) -> Tensor:
    """The images, each pixel from where SOURCE says: the nearest one if WHOLE, else mixed of the four around."""
    height, width = images_NCHW.shape[2:]
    x_W, y_H = _from_middle(width, images_NCHW), _from_middle(height, images_NCHW)
    half = [max(side - 1, 1) / 2 for side in (width, height)]
    axes = [source_N23[:, axis] / half[axis] for axis in (0, 1)]  # grid_sample counts from -1 to 1
    column_N2W = torch.stack([axis[:, :1] * x_W + axis[:, 2:] for axis in axes], dim=1)
    row_N2H = torch.stack([axis[:, 1:2] * y_H for axis in axes], dim=1)
    grid_N2HW = column_N2W[:, :, None, :] + row_N2H[:, :, :, None]
    mode = "nearest" if whole else "bilinear"
    return F.grid_sample(images_NCHW, grid_N2HW.permute(0, 2, 3, 1), mode, "border", align_corners=True)


def chained(sources: Sequence[Tensor]) -> Tensor:
    """One map for parts that follow each other, the first one first.  [N, 2, 3] each -> [N, 2, 3]

    By products and sums, not by matmul: that may be computed in TF32, whose eleven bits miss a pixel of many.
    """
    whole = sources[0]
    for then in sources[1:]:
        moved = (whole[:, :, :2, None] * then[:, None]).sum(2)
        whole = torch.cat([moved[:, :, :2], moved[:, :, 2:] + whole[:, :, 2:]], dim=2)
    return whole


def linear(a: Tensor, b: Tensor, c: Tensor, d: Tensor, x: Tensor | None = None, y: Tensor | None = None) -> Tensor:
    """(a b; c d) and the move (x, y), all [N] -> float32 [N, 2, 3]"""
    still = torch.zeros_like(a)
    return torch.stack([a, b, still if x is None else x, c, d, still if y is None else y], dim=1).view(-1, 2, 3)


def _from_middle(size: int, like: Tensor) -> Tensor:
    return torch.arange(size, device=like.device, dtype=torch.float32) - (size - 1) / 2
