"""What mixup and cutmix share: each row meets the one before it in its batch, and answers become shares.

The partner of a row depends on the micro-batch (rows are in random order, so it is another one each epoch), while
how much of it is taken is the row's own chance.  N = rows, W = classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aimass.core.signature import Signature
from aimass.train.rng import Chance

TRIES = 24  # one in two is good at the worst (concentration 1), so all fail once in 16 million


def partners(tensor: Tensor) -> Tensor:
    """Of each row the one before it; of the first the last.  A tensor of its own."""
    return tensor.roll(1, 0)


def mixed_target(target: Tensor, own_N: Tensor, signature: Signature) -> Tensor:
    """OWN of each row's answer and the rest of its partner's: float32, [N, W] for classes, else [N]."""
    if signature.task != "multiclass":
        soft = target.float()
        return partners(soft).lerp_(soft, own_N)
    if target.ndim == 1:
        target = target[:, None] == torch.arange(signature.width, device=target.device)
    soft = target.float()
    return partners(soft).lerp_(soft, own_N[:, None])


def beta(chance: Chance, concentration: float) -> Tensor:
    """float32 [N] in 0..1 from Beta(CONCENTRATION, CONCENTRATION), which may be 1 at most (Jöhnk 1964).

    The first of a fixed number of tries that is good, so that nothing waits for the outcome.
    """
    first, second = (chance.uniform(name, TRIES).clamp(min=2.0**-25).log() / concentration for name in ("x", "y"))
    good = torch.logaddexp(first, second) <= 0
    chosen = good.float().argmax(1, keepdim=True)
    return torch.sigmoid(first - second).gather(1, chosen)[:, 0]


def own_share(chance: Chance, share: float, concentration: float) -> Tensor:
    """How much each row keeps of itself: 1 for those that chance leaves alone.  float32 [N]"""
    return torch.where(chance.uniform("share") < share, beta(chance, concentration), 1.0)
