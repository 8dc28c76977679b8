"""Gaussian noise on numbers."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from aimass.core.part import knob
from aimass.train.augment.base import OneKind
from aimass.train.rng import Chance


class Jitter(OneKind):
    """Adds Gaussian noise to every number, also to those that say that a value is missing (Bishop 1995).

    Training with noise is Tikhonov regularization, Neural Computation 7.  Prepared numbers have deviation 1.
    """

    kind: ClassVar[str] = "numbers"

    strength: float = knob(0.05, 0.0, 10.0, help="standard deviation of the noise; that of a prepared number is 1")

    def change(self, tensor: Tensor, chance: Chance) -> Tensor:
        noise = chance.normal("noise", *tensor.shape[1:])
        return torch.add(tensor, noise.to(tensor.dtype), alpha=self.strength)
