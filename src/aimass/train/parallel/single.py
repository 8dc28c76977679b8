"""One network in one place: nobody to tell anything."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from aimass.train.parallel.base import Placement


class Single(Placement):
    """No communication; hooks have nothing to shorten."""

    def __init__(self, device: torch.device) -> None:
        self.rank, self.world, self.device = 0, 1, device

    def wrap(self, module: nn.Module, hook: str = "none") -> nn.Module:
        return module

    def again(self) -> Single:
        return Single(self.device)

    def sync_context(self, last: bool) -> AbstractContextManager[None]:
        return nullcontext()

    def reduce(self, values: Tensor) -> Tensor:
        return values.clone()

    def gather_state(self, *, whole: bool = True) -> dict[str, Tensor]:
        return {}

    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        pass
