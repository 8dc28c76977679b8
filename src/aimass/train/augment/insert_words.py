"""Words of a text said again elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.words import PADDING, OfWords, packed
from aimass.train.rng import Chance

LARGE = 1 << 30


class InsertWords(OfWords):
    """Inserts words of the text itself at random places; what is too long then loses its end.

    Wei and Zou 2019 (arXiv 1901.11196) insert synonyms of them: put `synonyms` behind this for the same.
    """

    share: float = knob(0.1, 0.0, 1.0, help="of the words that get another one before them")

    def change(self, tensor: Tensor, chance: Chance) -> Tensor:
        length = tensor.shape[1]
        there = tensor != PADDING
        insert = there & (chance.uniform("share", length) < self.share)
        place = torch.arange(length, device=tensor.device) + insert.cumsum(1)
        which = chance.integers("which", 0, LARGE, length) % there.sum(1, keepdim=True).clamp(min=1)
        words = torch.cat([tensor, tensor.gather(1, which)], dim=1)
        return packed(words, torch.cat([place, place - 1], dim=1), torch.cat([there, insert], dim=1), length)
