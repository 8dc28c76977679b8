"""Cells of a table that come from other rows."""

from __future__ import annotations

from typing import ClassVar

import torch

from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.models.inputs import kind_of
from aimass.train.augment.base import Augmentation, branch, nothing
from aimass.train.batch import Batch
from aimass.train.rng import Chance

KINDS = ("numbers", "categories")
LARGE = 1 << 30


class SwapCells(Augmentation):
    """Takes some cells from another row of the batch, same column; the answer stays.

    So each column keeps its own distribution, whatever it looks like ("swap noise").
    """

    alone: ClassVar[bool] = False

    share: float = knob(0.1, 0.0, 1.0, help="of the cells that come from another row")

    def check(self, signature: Signature) -> None:
        if not any(kind_of(field) in KINDS for field in signature.inputs):
            raise nothing(self, signature, "numbers or categories")

    def apply(self, batch: Batch, chance: Chance, signature: Signature) -> Batch:
        tensors = list(batch.tensors)
        for i, field in enumerate(signature.inputs):
            if kind_of(field) in KINDS:
                own, columns = branch(chance, field.name), tensors[i].shape[1:]
                other = tensors[i].gather(0, own.integers("row", 0, LARGE, *columns) % batch.size)
                tensors[i] = torch.where(own.uniform("share", *columns) < self.share, other, tensors[i])
        return batch._replace(tensors=tuple(tensors))
