"""A small convolutional network as those that race on CIFAR-10 are, and the batches of a script written for it alone.

Three blocks of two convolutions with batch norm and GELU, 32 x 32 pixels, pictures mirrored and shifted by up to two
pixels.  The script by hand keeps all rows on the device in bfloat16, channels last, padded once: a whole batch is one
gather.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import by_hand
import torch
from by_hand import Work
from gpu_ways import ours
from torch import Tensor, nn
from torch.nn.functional import pad

MOST = 2  # pixels of a shift, either way and in both directions
AUGMENT = [{"use": "flip"}, {"use": "shift", "pixels": MOST}]


def network(widths: tuple[int, ...] = (64, 256, 256), classes: int = 10) -> nn.Sequential:
    """2.0 million parameters; each block halves the sides."""
    inner = 32
    layers: list[nn.Module] = [nn.Conv2d(3, inner, 3, padding=1), nn.GELU()]
    for width in widths:
        layers += [*convolution(inner, width, nn.MaxPool2d(2)), *convolution(width, width)]
        inner = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inner, classes, bias=False))


def convolution(inner: int, outer: int, *then: nn.Module) -> list[nn.Module]:
    return [nn.Conv2d(inner, outer, 3, padding=1, bias=False), *then, nn.BatchNorm2d(outer), nn.GELU()]


def through_fit(work: Work, **how: object) -> float:
    return ours(work, augment=AUGMENT, **how)


def by_script(work: Work) -> float:
    """The same training by hand; kernels are chosen by trying, as such scripts do."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        return by_hand.loop(work, augmented(work))
    finally:
        torch.backends.cudnn.benchmark = before


def augmented(work: Work) -> Iterable[tuple[Tensor, Tensor]]:
    """Mirrored and shifted batches, in a new order each time; edges repeat outside of a picture."""
    around = pad(work.values.to(work.device), (MOST,) * 4, mode="replicate")
    padded = around.to(torch.bfloat16, memory_format=torch.channels_last).permute(0, 2, 3, 1)  # [N, H + 4, W + 4, 3]
    labels, side = work.labels.to(work.device), torch.arange(work.pictures.shape[-1], device=work.device)
    chance = partial(torch.randint, device=work.device)

    def moved(rows: Tensor) -> Tensor:
        """[B] -> [B, 3, H, W], channels last"""
        down, across = chance(2 * MOST + 1, (2, len(rows), 1)) + side
        across = torch.where(chance(2, (len(rows), 1)) == 1, across.flip(1), across)
        return padded[rows[:, None, None], down[:, :, None], across[:, None, :]].permute(0, 3, 1, 2)

    class Batches:
        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            for rows in torch.randperm(work.rows, device=work.device).split(work.batch):
                if len(rows) == work.batch:
                    yield moved(rows), labels[rows]

    return Batches()
