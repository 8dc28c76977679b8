"""What mixup and cutmix share: each row meets the one before it in its batch, and answers become shares.

The partner of a row depends on the rows that its worker has of the batch (in random order, so it is another one each
epoch), while how much of it is taken is the row's own chance.  N = rows, W = classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.train.losses import MASKED
from aimass.train.rng import Chance

TRIES = 24  # one in two is good at the worst (concentration 1), so all fail once in 16 million


def partners(tensor: Tensor) -> Tensor:
    """Of each row the one before it; of the first the last.  A tensor of its own."""
    return tensor.roll(1, 0)


def mixed_target(target: Tensor, own_N: Tensor, signature: Signature) -> Tensor:
    """OWN of each row's answer and the rest of its partner's: float32, [N, W] for classes, else [N].

    A masked row has no share of any class.
    """
    if signature.task == "multiclass" and target.ndim == 1:
        target = target[:, None] == torch.arange(signature.width, device=target.device)
    soft = target.float()
    return partners(soft).lerp_(soft, own_N.view(-1, *(1,) * (soft.ndim - 1)))


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


def among_answered(own_N: Tensor, target: Tensor, signature: Signature) -> Tensor:
    """OWN, and 1 where a row or its partner is masked: half an answer would be a row that counts by half.

    So as many rows count after mixing as before.  Raises InputError where a row has an answer for each of its places.
    """
    if signature.task != "multiclass":  # values are never masked
        return own_N
    if target.ndim > 1 and not target.is_floating_point():
        raise InputError("rows with an answer for each of their places cannot be mixed", expected="one answer a row",
                         todo="leave mixup and cutmix out", key="augment")  # fmt: skip
    answered = target != MASKED if target.ndim == 1 else target.any(1)
    return torch.where(answered & partners(answered), own_N, 1.0)
