"""Pairs of rows blended, answers too."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.models.inputs import kind_of
from aimass.train.augment.base import Augmentation, branch, nothing
from aimass.train.augment.images import as_given, per_row, planes
from aimass.train.augment.mixing import among_answered, mixed_target, own_share, partners
from aimass.train.batch import Batch
from aimass.train.rng import Chance


class Mixup(Augmentation):
    """Blends each row with the one before it in its batch (Zhang et al. 2017, arXiv 1710.09412).

    Numbers and images are averaged by share; a category, which has no average, is taken from either by the share.
    A row beside a masked one stays as it is.
    """

    alone: ClassVar[bool] = False

    share: float = knob(1.0, 0.0, 1.0, help="of the rows that are blended")
    concentration: float = knob(0.2, 0.02, 1.0, help="of the Beta distribution of shares: 1 is any share alike")

    def check(self, signature: Signature) -> None:
        """Raises InputError for texts, of which there is no blend."""
        if any(kind_of(field) == "words" for field in signature.inputs):
            raise InputError("the augmentation mixup cannot blend texts", expected="numbers, categories and images",
                             todo="leave it out, or drop the columns of text")  # fmt: skip
        if not signature.inputs:
            raise nothing(self, signature, "inputs")

    def apply(self, batch: Batch, chance: Chance, signature: Signature) -> Batch:
        own_N = among_answered(own_share(chance, self.share, self.concentration), batch.target, signature)
        tensors = []
        for field, tensor in zip(signature.inputs, batch.tensors, strict=True):
            if kind_of(field) == "image":
                images = planes(tensor)
                tensors.append(as_given(partners(images).lerp_(images, per_row(own_N)), tensor))
            elif tensor.is_floating_point():
                share = own_N.to(tensor.dtype).view(-1, *(1,) * (tensor.ndim - 1))
                tensors.append(partners(tensor).lerp_(tensor, share))
            else:
                tensors.append(_either(tensor, own_N, branch(chance, field.name)))
        return batch._replace(tensors=tuple(tensors), target=mixed_target(batch.target, own_N, signature))


def _either(index_NC: Tensor, own_N: Tensor, chance: Chance) -> Tensor:
    """Each cell with the chance of its row's share the row's own, else its partner's."""
    own = chance.uniform("cell", *index_NC.shape[1:]) < own_N.view(-1, *(1,) * (index_NC.ndim - 1))
    return torch.where(own, index_NC, partners(index_NC))
