"""Words left out of a text."""

from __future__ import annotations

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.words import PADDING, OfWords, packed
from aimass.train.rng import Chance


class DeleteWords(OfWords):
    """Leaves out words; one at least stays (Wei and Zou 2019, arXiv 1901.11196)."""

    share: float = knob(0.1, 0.0, 1.0, help="of the words that are left out")

    def change(self, tensor: Tensor, chance: Chance) -> Tensor:
        there = tensor != PADDING
        luck = torch.where(there, chance.uniform("share", tensor.shape[1]), -1.0)
        keep = there & ((luck >= self.share) | (luck == luck.amax(1, keepdim=True)))
        return packed(tensor, keep.cumsum(1) - 1, keep, tensor.shape[1])
