"""The learning rate as a pure function of the step, and how it follows the size of the batch."""

from __future__ import annotations

import math
from collections.abc import Callable

from aimass.core.errors import pick

WARM_UP = 0.25  # share of the steps in which the rate of one-cycle rises (Smith and Topin 2017, arXiv 1708.07120)
LOWEST = 1e-3  # share of the rate at the first step of a rise and at the last of a cosine
LARGE = 8192  # rows a step up to which Goyal et al. 2017 (arXiv 1706.02677, ImageNet) lost no accuracy

Shape = Callable[[float, float, float], float]  # 0..pi from the rise to the end, spells since the rise, decay


def _cosine(angle: float, _spells: float, _decay: float) -> float:
    """Half a wave from 1 to nearly 0 (Loshchilov and Hutter 2016, arXiv 1608.03983, without restarts)."""
    return LOWEST + (1 - LOWEST) * (0.5 * (1 + math.cos(angle)))


SHAPES: dict[str, Shape] = {
    "one-cycle": _cosine,  # a cosine whose rise is never left out
    "cosine": _cosine,
    "step": lambda _angle, spells, decay: decay ** math.floor(spells),
    "exponential": lambda _angle, spells, decay: decay**spells,
    "constant": lambda _angle, _spells, _decay: 1.0,
}


def factor(
    schedule: str, at: int, total: float, *, warm_up: float = 0.0, decay: float = 0.1, decay_every: int = 1
) -> float:
    """What the learning rate is multiplied by after AT of TOTAL steps of a run, in 0..1.

    warm_up      share of the steps in which it rises linearly, before the schedule begins; one-cycle: 0 means a quarter
    decay        "step" multiplies by it every DECAY_EVERY steps; "exponential" reaches the same, a little each step
    decay_every  steps, counted from the end of the rise

    Raises InputError for a schedule that is not in SHAPES.
    """
    shape = pick("schedule", schedule, SHAPES)
    rise = warm_up or (WARM_UP if schedule == "one-cycle" else 0.0)
    share = min(1.0, at / total)
    if share < rise:
        return LOWEST + (1 - LOWEST) * (share / rise)
    since = max(0, min(at, total) - math.ceil(rise * total))
    angle = math.pi * (share - rise) / (1 - rise) if rise < 1 else math.pi
    return float(shape(angle, since / decay_every, decay))


def rule_of(optimizer: str) -> str:
    """How the rate of OPTIMIZER follows the batch: "linear" for SGD, "sqrt" where steps are divided by their size."""
    return "linear" if optimizer == "sgd" else "sqrt"


def scaled_rate(rate: float, batch: int, reference: int = 256, rule: str = "linear") -> tuple[float, str]:
    """RATE, right for REFERENCE rows a step, for a global BATCH; and a warning, '' where the rule is known to hold.

    linear  in proportion (Goyal et al. 2017, arXiv 1706.02677); needs a warm-up, theirs took five epochs
    sqrt    with the square root (Malladi et al. 2022, arXiv 2205.10287)

    Raises InputError for another rule.
    """
    power = pick("rule", rule, {"linear": 1.0, "sqrt": 0.5})
    warning = (
        f"a batch of {batch} rows is beyond the {LARGE} up to which scaling the learning rate is known to keep "
        "accuracy: compare with a smaller batch"
    )
    return rate * (batch / reference) ** power, warning if batch > LARGE else ""
