"""What is minimised, as a sum over rows: whoever adds up parts of a batch divides by the rows of the whole batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from aimass.core.errors import InputError
from aimass.core.signature import Signature

Loss = Callable[[Tensor, Tensor], Tensor]  # scores [N, W], target [N] or shares [N, W] -> one number
Reduction = Literal["sum", "mean"]  # the mean over what is not masked; over all rows where TARGET has shares

MASKED = -100  # the class index of a place that does not count


def valid_of(target: Tensor) -> Tensor:
    """How many places of TARGET count, a scalar: rows, or whole numbers that are not masked."""
    return torch.tensor(len(target)) if target.is_floating_point() else (target != MASKED).sum()


def loss_of(signature: Signature, smoothing: float = 0.0, reduction: Reduction = "mean") -> Loss:
    """Cross entropy for classes, squared error of the standardised value for regression.

    SMOOTHING: share of the truth given to all classes alike (Szegedy et al. 2015, arXiv 1512.00567).
    """
    if signature.task == "multiclass":
        return _cross_entropy(smoothing, reduction)
    if signature.task == "binary":
        return lambda scores, target: F.binary_cross_entropy_with_logits(
            scores[:, 0], target.float() * (1 - smoothing) + smoothing / 2, reduction=reduction
        )
    return lambda scores, target: F.mse_loss(scores[:, 0], target, reduction=reduction)


def _cross_entropy(smoothing: float, reduction: Reduction) -> Loss:
    """Of classes or of shares of them; a row without a share of any class is masked and adds nothing."""

    def of(scores: Tensor, target: Tensor) -> Tensor:
        spread = smoothing
        if smoothing and target.is_floating_point():  # torch would give a masked row its share, too
            target = target.lerp(target.sum(1, keepdim=True) / target.shape[1], smoothing)
            spread = 0.0
        try:
            return F.cross_entropy(scores, target, label_smoothing=spread, reduction=reduction)
        except (RuntimeError, ValueError) as error:
            one_each = scores.shape[:1] + scores.shape[2:]
            if target.shape == (scores.shape if target.is_floating_point() else one_each):
                raise
            raise InputError(
                f"the target is {target.dtype} {list(target.shape)} where the scores are {list(scores.shape)}",
                expected=f"class numbers, int64 {list(one_each)}" + ": one a row" * (scores.ndim == 2),
                todo="give target[:, 0] for a column of class numbers, target.argmax(1) for a column a class",
                key="data",
            ) from error

    return of
