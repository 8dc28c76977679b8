"""What is minimised, as a sum over rows: whoever adds up parts of a batch divides by the rows of the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from aimass.core.signature import Signature

Loss = Callable[[Tensor, Tensor], Tensor]  # scores [N, W], target [N] or shares [N, W] -> one number
Reduction = Literal["sum", "mean"]

MASKED = -100  # the class index of a place that does not count


def valid_of(target: Tensor) -> Tensor:
    """How many places of TARGET count, a scalar: rows, or whole numbers that are not masked."""
    return torch.tensor(len(target)) if target.is_floating_point() else (target != MASKED).sum()


def loss_of(signature: Signature, smoothing: float = 0.0, reduction: Reduction = "mean") -> Loss:
    """Cross entropy for classes, squared error of the standardised value for regression.

    SMOOTHING: share of the truth given to all classes alike (Szegedy et al. 2015, arXiv 1512.00567).
    """
    if signature.task == "multiclass":
        return lambda scores, target: F.cross_entropy(scores, target, label_smoothing=smoothing, reduction=reduction)
    if signature.task == "binary":
        return lambda scores, target: F.binary_cross_entropy_with_logits(
            scores[:, 0], target.float() * (1 - smoothing) + smoothing / 2, reduction=reduction
        )
    return lambda scores, target: F.mse_loss(scores[:, 0], target, reduction=reduction)
