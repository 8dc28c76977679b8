"""Words of a text that change places."""

from __future__ import annotations

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.words import PADDING, OfWords
from aimass.train.rng import Chance


class SwapWords(OfWords):
    """Chosen words of a text change places with each other (after Wei and Zou 2019, arXiv 1901.11196).

    Of use only to a network that sees the order of words.
    """

    share: float = knob(0.1, 0.0, 1.0, help="of the words that are chosen")

    def change(self, tensor: Tensor, chance: Chance) -> Tensor:
        length = tensor.shape[1]
        chosen_NT = (tensor != PADDING) & (chance.uniform("share", length) < self.share)
        at_random = torch.where(chosen_NT, chance.uniform("order", length), 1.0)
        # Both begin with the chosen places, then hold all others in the same order: those stay.
        here, there = (keys.argsort(dim=1, stable=True) for keys in (~chosen_NT, at_random))
        return tensor.gather(1, torch.empty_like(here).scatter(1, here, there))
