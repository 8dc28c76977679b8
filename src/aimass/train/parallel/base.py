"""The contract of a placement: where the copies of a network live, and what they tell each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn


class Placement(ABC):
    """RANK of WORLD; its share of a batch is on DEVICE.  All ranks call the methods alike, in the same order.

    Gradients are averaged over ranks (torch's convention, and that of every hook), so who wants the gradient of

        loss of the whole batch = sum of the losses of its valid rows / count of its valid rows over all ranks

    runs backward on `sum of my rows' losses * (world / count)`.  A rank without a row in a batch must run it too, on
    a loss of zero that reaches every weight.  COUNT is known beforehand where every row is valid (it is the size of the
    global batch) and `reduce(mine)` where rows may be masked.
    """

    rank: int
    world: int
    device: torch.device

    @abstractmethod
    def wrap(self, module: nn.Module, hook: str = "none") -> nn.Module:
        """What to call instead of MODULE from now on: same weights, those of rank 0 on every rank.

        Its backward leaves the mean over ranks of the gradients in the weights' `.grad`, exchanged as HOOK says.
        """

    @abstractmethod
    def again(self) -> Placement:
        """The same place for another module."""

    @abstractmethod
    def sync_context(self, last: bool) -> AbstractContextManager[None]:
        """Around forward and backward of a micro-batch: gradients are exchanged in the LAST one only."""

    @abstractmethod
    def reduce(self, values: Tensor) -> Tensor:
        """Sum of VALUES over the ranks, a new tensor of the same shape, type and device; the same on all ranks."""

    def clip(self, weights: Sequence[Tensor], limit: float, by: str = "norm") -> Tensor:
        """Bound the gradients of WEIGHTS in place; returns their L2 norm before that, a scalar on their device.

        BY "norm": none is longer, all together, than LIMIT; "value": no element is larger.  0: no limit.
        """
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if limit and by == "norm":
            nn.utils.clip_grads_with_norm_(weights, limit, norm)
        elif limit:
            torch._foreach_clamp_min_(gradients, -limit)
            torch._foreach_clamp_max_(gradients, limit)
        return norm

    @abstractmethod
    def gather_state(self, *, whole: bool = True) -> dict[str, Tensor]:
        """What a checkpoint must hold beside module and optimizer ("hook.*"), on rank 0; {} on the others.

        Ranks differ in nothing but running statistics, and rank 0's are everybody's after this call; WHOLE=False does
        only that, before an evaluation.  Weights and the optimizer's state are the same on every rank.
        """

    @abstractmethod
    def load_state(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `gather_state` gave, among other TENSORS; after `wrap`, also with another number of ranks."""
