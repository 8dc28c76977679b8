"""Running statistics that a bad step leaves as they were: one batch with a value that is no number would ruin them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class Statistics:
    """Means and variances of the batch norms of MODULE, as they stood before a step."""

    def __init__(self, module: nn.Module) -> None:
        norms = [norm for norm in module.modules() if isinstance(norm, _BatchNorm)]
        every = [value for norm in norms for value in (norm.running_mean, norm.running_var)]
        self.live = [value for value in every if value is not None]
        self.kept = [value.clone() for value in self.live]

    def keep(self) -> None:
        if self.live:
            torch._foreach_copy_(self.kept, self.live)

    def restore(self, bad: Tensor) -> None:
        """Put back what was kept where BAD (scalar) is not 0; the host does not look."""
        flag = bad != 0 if self.live else bad
        for kept, live in zip(self.kept, self.live, strict=True):
            torch.where(flag, kept, live, out=live)
