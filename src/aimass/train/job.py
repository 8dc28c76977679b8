"""What is trained, on what: nothing of how, which is the plan's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from aimass.core.signature import Signature
from aimass.train.augment.base import Vary
from aimass.train.losses import Loss, Reduction, loss_of
from aimass.train.source import Source

LossMaker = Callable[[Signature, float, Reduction], Loss]


@dataclass(frozen=True)
class Job:
    """A module, its data and its aim.

    module  fresh weights; the run changes them
    valid   rows that say when to stop; may be empty
    vary    what augmentations do to a training batch
    scales  multipliers of the learning rate by parameter name, where they are not 1
    loss    from (signature, smoothing, "sum" | "mean") to the loss of scores and target
    told    what `vary` and `loss` are, as JSON: functions cannot be compared
    """

    module: nn.Module
    signature: Signature
    train: Source
    valid: Source
    device: torch.device
    vary: Vary | None = None
    scales: Mapping[str, float] = field(default_factory=dict)
    loss: LossMaker = loss_of
    told: Mapping[str, Any] = field(default_factory=dict)

    def weights(self) -> list[Tensor]:
        """What is trained."""
        return [weight for weight in self.module.parameters() if weight.requires_grad]
