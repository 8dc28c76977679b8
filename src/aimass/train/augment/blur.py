"""Images out of focus."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from aimass.core.part import knob
from aimass.train.augment.images import OfImages
from aimass.train.rng import Chance

SHARP = 1e-3  # pixels: every weight but the middle one is exactly 0


class Blur(OfImages):
    """Blurs images by a Gaussian of random width, cut off at two deviations of the widest."""

    share: float = knob(0.5, 0.0, 1.0, help="of the images that are blurred")
    sigma: float = knob(1.0, 0.05, 5.0, help="widest deviation of the Gaussian, pixels; time grows with its square")

    def vary(self, images_NCHW: Tensor, chance: Chance) -> Tensor:
        """One convolution with a kernel a row: at five pixels a fifth quicker than one along each axis."""
        count, channels, height, width = images_NCHW.shape
        reach = math.ceil(2 * self.sigma)
        weights_NK = self._weights(chance, reach)
        kernel_NKK = weights_NK[:, :, None] * weights_NK[:, None, :]
        kernels = kernel_NKK[:, None].expand(-1, channels, -1, -1).reshape(count * channels, 1, *kernel_NKK.shape[1:])
        padded = F.pad(images_NCHW, (reach,) * 4, mode="replicate").flatten(0, 1)[None]
        return F.conv2d(padded, kernels, groups=count * channels).view(count, channels, height, width)

    def _weights(self, chance: Chance, reach: int) -> Tensor:
        """float32 [N, 2 * REACH + 1], of sum 1"""
        blurred = chance.uniform("share") < self.share
        sigma_N = torch.where(blurred, self.sigma * chance.uniform("sigma"), 0.0).clamp(min=SHARP)
        away_K = torch.arange(-reach, reach + 1, device=sigma_N.device) / sigma_N[:, None]
        weights_NK = (-0.5 * away_K.square()).exp()
        return weights_NK / weights_NK.sum(1, keepdim=True)
