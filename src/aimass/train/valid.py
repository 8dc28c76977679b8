"""How good a network is on the validation rows: its loss, and one live figure.  Reports come from `measure`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aimass.core.signature import Signature
from aimass.measure.classification import RocAuc
from aimass.train.data import Split

Loss = Callable[[Tensor, Tensor], Tensor]  # scores [N, W], target [N] -> mean over the rows

LARGEST = 4096  # rows at a time


def loss_of(signature: Signature, smoothing: float = 0.0) -> Loss:
    """Cross entropy for classes, squared error of the standardised value for regression."""
    if signature.task == "multiclass":
        return lambda scores, target: F.cross_entropy(scores, target, label_smoothing=smoothing)
    if signature.task == "binary":
        return lambda scores, target: F.binary_cross_entropy_with_logits(
            scores[:, 0], target.float() * (1 - smoothing) + smoothing / 2
        )
    return lambda scores, target: F.mse_loss(scores[:, 0], target)


def scores_of(module: nn.Module, split: Split, batch: int) -> np.ndarray:
    """Scores [N, W] of MODULE, in evaluation mode, for the rows of SPLIT."""
    module.eval()
    size = min(LARGEST, 4 * batch)
    parts = []
    with torch.inference_mode():
        for begin in range(0, len(split), size):
            arrays = split.named(slice(begin, begin + size)).values()
            parts.append(module(*(torch.from_numpy(array) for array in arrays)).numpy())
    return np.concatenate(parts)


def judge(scores: np.ndarray, split: Split, signature: Signature, loss: Loss) -> dict[str, float]:
    """{"valid_loss": ..., "valid_<metric>": ...}; the metric is left out where it does not exist."""
    target = np.array(split.target)
    found = {"valid_loss": float(loss(torch.from_numpy(scores), torch.from_numpy(target)))}
    if signature.task == "multiclass":
        found["valid_accuracy"] = float(np.mean(scores.argmax(axis=1) == target))
    elif signature.task == "binary" and 0 < target.sum() < len(target) and np.isfinite(scores).all():
        ranked = {"probabilities": np.repeat(scores, 2, axis=1)}
        found["valid_roc_auc"] = RocAuc().score(target, ranked, signature).value
    return found
