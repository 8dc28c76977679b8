"""Categories that read as never seen."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.base import OneKind
from aimass.train.rng import Chance


class HideCategories(OneKind):
    """Turns categories into index 0, which stands for every value that training has not seen.

    So the network learns what to do without one, and the vector of unseen values is trained at all where every
    value of a column is frequent.
    """

    kind: ClassVar[str] = "categories"

    share: float = knob(0.02, 0.0, 1.0, help="of the cells that are hidden")

    def change(self, tensor: Tensor, chance: Chance) -> Tensor:
        return tensor * (chance.uniform("share", *tensor.shape[1:]) >= self.share)
