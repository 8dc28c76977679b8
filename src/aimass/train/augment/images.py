"""What all augmentations of images share: planes to work on, and what one image is made of.

Nothing here relies on a range of values: prepared images are centred and scaled a channel, a user's own tensors
may hold 0..1 or bytes.  N = rows, C = channels, H x W = pixels.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from aimass.train.augment.base import OneKind
from aimass.train.rng import Chance


class OfImages(OneKind):
    """Varies images: any float type or bytes, channels first or last in memory; both are kept."""

    kind: ClassVar[str] = "image"

    def change(self, tensor: Tensor, chance: Chance) -> Tensor:
        return as_given(self.vary(planes(tensor), chance), tensor)

    def vary(self, images_NCHW: Tensor, chance: Chance) -> Tensor:
        """Float32, contiguous, not to be written into -> the same shape."""
        raise NotImplementedError


def planes(images_NCHW: Tensor) -> Tensor:
    """The images as float32, contiguous; themselves when they are.

    On a CPU every operation here is quicker so than with channels last, from 1.2 times (sampling) to 16 (masks);
    there and back takes 0.14 ms an image at 224 px, once for all of `compose`.
    """
    return images_NCHW.to(torch.float32, memory_format=torch.contiguous_format)


def as_given(images_NCHW: Tensor, given: Tensor) -> Tensor:
    """The images in the type and the memory format of GIVEN; bytes are rounded and cut off."""
    if given.dtype == torch.uint8:
        images_NCHW = images_NCHW.round().clamp(0, 255)
    if given.is_contiguous() or not given.is_contiguous(memory_format=torch.channels_last):
        return images_NCHW.to(given.dtype)
    return images_NCHW.to(given.dtype, memory_format=torch.channels_last)


def channel_mean(images_NCHW: Tensor) -> Tensor:
    """[N, C, 1, 1].  Summed a line first: one sum over everything is split among threads when N is 1."""
    return (images_NCHW.sum(3).sum(2) / (images_NCHW.shape[2] * images_NCHW.shape[3]))[:, :, None, None]


def mean_and_deviation(images_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Of each image over all its pixels and channels, both [N, 1, 1, 1]."""
    mean = channel_mean(images_NCHW).mean(1, keepdim=True)
    squares = torch.linalg.vector_norm(images_NCHW, dim=3).square().sum((1, 2)) / images_NCHW[0].numel()
    return mean, (squares[:, None, None, None] - mean.square()).clamp(min=0).sqrt()


def per_row(numbers_N: Tensor) -> Tensor:
    """[N] -> [N, 1, 1, 1]"""
    return numbers_N[:, None, None, None]


def boxes(begin_N2: Tensor, end_N2: Tensor, height: int, width: int) -> Tensor:
    """1.0 inside the boxes (first pixel, and first pixel after; rows and columns), else 0.  float32 [N, 1, H, W]"""
    sides = []
    for axis, size in enumerate((height, width)):
        at = torch.arange(size, device=begin_N2.device)
        sides.append(((at >= begin_N2[:, axis, None]) & (at < end_N2[:, axis, None])).float())
    return sides[0][:, None, :, None] * sides[1][:, None, None, :]
