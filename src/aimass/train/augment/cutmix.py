"""A box of each image from another one, answers by area."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.models.inputs import kind_of, of_kind
from aimass.train.augment.base import Augmentation, nothing
from aimass.train.augment.images import as_given, boxes, planes
from aimass.train.augment.mixing import among_answered, mixed_target, own_share, partners
from aimass.train.batch import Batch
from aimass.train.rng import Chance


class Cutmix(Augmentation):
    """Pastes a box of the image before it in its batch into each (Yun et al. 2019, arXiv 1905.04899).

    The answer is shared by the area that is really seen: a box at the edge is cut off.  An image beside a
    masked one gets none.
    """

    alone: ClassVar[bool] = False

    share: float = knob(0.5, 0.0, 1.0, help="of the images that get a box")
    concentration: float = knob(1.0, 0.02, 1.0, help="of the Beta distribution of areas: 1 is any area alike")

    def check(self, signature: Signature) -> None:
        """Raises InputError unless one column of images is all there is: the answer hangs on the area alone."""
        if not of_kind(signature, "image"):
            raise nothing(self, signature, "images")
        if len(signature.inputs) > 1:
            others = [field.name for field in signature.inputs if kind_of(field) != "image"]
            raise InputError(
                f"the augmentation cutmix cannot mix {', '.join(others) or 'several images a row'}",
                expected="one column of images, and nothing beside it",
                todo="use mixup, or drop the other columns",
            )

    def apply(self, batch: Batch, chance: Chance, signature: Signature) -> Batch:
        given = batch.tensors[0]
        images = planes(given)
        height, width = images.shape[2:]
        share_N = among_answered(own_share(chance, self.share, self.concentration), batch.target, signature)
        begin_N2, end_N2 = _box(1 - share_N, chance, height, width)
        pasted = partners(images).lerp_(images, 1 - boxes(begin_N2, end_N2, height, width))
        own_N = 1 - (end_N2 - begin_N2).prod(1).float() / (height * width)
        target = mixed_target(batch.target, own_N, signature)
        return batch._replace(tensors=(as_given(pasted, given),), target=target)


def _box(area_N: Tensor, chance: Chance, height: int, width: int) -> tuple[Tensor, Tensor]:
    """First pixel, and first pixel after it: rows and columns, int64 [N, 2] each; of boxes of so much AREA, 0..1."""
    side_N = area_N.sqrt()
    begin, end = [], []
    for axis, size in (("down", height), ("across", width)):
        middle, side = chance.integers(axis, 0, size), (side_N * size).round().long()
        begin.append((middle - side // 2).clamp(0, size))
        end.append((middle - side // 2 + side).clamp(0, size))
    return torch.stack(begin, dim=1), torch.stack(end, dim=1)
