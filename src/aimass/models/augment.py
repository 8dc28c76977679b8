"""Random changes of whole batches of images: a few tensor operations, no Python per image.

They run in training mode only, so the exported network holds none of them.  Chance comes from torch's own
generator, which the training loop sets anew at each step.  N = rows, C = channels, H x W = pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Augment(nn.Module):
    """Shift each image by up to CROP pixels either way and mirror half of them (FLIP).  [N, C, H, W] -> same"""

    def __init__(self, *, crop: int, flip: bool) -> None:
        super().__init__()
        self.crop, self.flip = crop, flip

    def forward(self, images_NCHW: Tensor) -> Tensor:
        if not self.training or not (self.crop or self.flip):
            return images_NCHW
        count, _, height, width = images_NCHW.shape
        shift_N2 = torch.randint(0, 2 * self.crop + 1, (count, 2))
        row_NH = torch.arange(height) + shift_N2[:, :1]
        column_NW = torch.arange(width).expand(count, width)
        if self.flip:
            column_NW = torch.where(torch.rand(count, 1) < 0.5, column_NW.flip(1), column_NW)
        column_NW = column_NW + shift_N2[:, 1:]
        padded = F.pad(images_NCHW, (self.crop,) * 4, mode="replicate") if self.crop else images_NCHW
        image_N11 = torch.arange(count)[:, None, None]
        picked_NHWC = padded.permute(0, 2, 3, 1)[image_N11, row_NH[:, :, None], column_NW[:, None, :]]
        return picked_NHWC.permute(0, 3, 1, 2)  # channels last in memory, as the convolutions want it
