"""What a run of gradient descent will do, decided before its first step: plain data, the same for the same task."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

STEPS = 4000  # of a whole run, where nobody says otherwise
STEPS_EPOCH = 200
WARM_UP = 0.25  # share of the steps in which the rate rises (Smith and Topin 2017, arXiv 1708.07120)
WORTH_TWO = 2e7  # multiplications a step
LOWEST = 1e-3  # share of the rate at the first and at the last step


@dataclass(frozen=True)
class Plan:
    """Every number a run depends on."""

    rows: int
    batch: int
    epochs: int
    steps: int  # of an epoch
    learning_rate: float
    schedule: str
    weight_decay: float
    clip: float
    smoothing: float
    patience: int
    minutes: float
    threads: int
    seed: int

    def rate(self, step: int, epochs: int) -> float:
        """Learning rate at STEP of a run of so many EPOCHS: those of the plan, or fewer where time is short."""
        if self.schedule == "constant":
            return self.learning_rate
        at = min(1.0, step / (self.steps * epochs))
        if self.schedule == "one-cycle" and at < WARM_UP:
            share = at / WARM_UP
        else:
            begin = WARM_UP if self.schedule == "one-cycle" else 0.0
            share = 0.5 * (1 + math.cos(math.pi * (at - begin) / (1 - begin)))
        return self.learning_rate * (LOWEST + (1 - LOWEST) * share)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def auto_batch(rows: int) -> int:
    """The power of two that makes an epoch about 200 steps, in 32..2048."""
    wanted = max(1, rows / STEPS_EPOCH)
    return int(min(2048, max(32, 2 ** round(math.log2(wanted)))))


def auto_epochs(steps: int) -> int:
    """So many epochs that a run is about 4000 steps, in 3..100."""
    return int(min(100, max(3, round(STEPS / steps))))


def auto_rate(batch: int) -> float:
    """Rate of AdamW: it grows with the square root of the batch (Malladi et al. 2022, arXiv 2205.10287)."""
    return min(6e-3, max(1e-3, 3e-3 * math.sqrt(batch / 256)))


def auto_threads(work: float) -> int:
    """Threads for steps of so many multiplications: below some ten millions, waking a second one costs more."""
    return 2 if work >= WORTH_TWO else 1
