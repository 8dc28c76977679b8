"""What `auto` means: numbers that follow from the rows and the network alone, so that the same task is the same."""

from __future__ import annotations

import math

from aimass.measure.machine import machine
from aimass.train.optimizer import OPTIMIZERS
from aimass.train.schedule import rule_of, scaled_rate

STEPS = 4000  # of a whole run, where nobody says otherwise
STEPS_EPOCH = 200
WORTH_TWO = 3e6  # multiplications a step: from here on two threads gain 15 % and more (MLPs of 20 to 784 columns)


def auto_batch(rows: int) -> int:
    """The power of two that makes an epoch about 200 steps, in 32..2048."""
    wanted = max(1, rows / STEPS_EPOCH)
    return int(min(2048, max(32, 2 ** round(math.log2(wanted)))))


def auto_epochs(steps: int) -> int:
    """So many epochs that a run is about 4000 steps, in 3..100."""
    return int(min(100, max(3, round(STEPS / steps))))


def auto_rate(optimizer: str, batch: int) -> float:
    """The usual rate of OPTIMIZER, as it follows the BATCH; within bounds that hold for small networks."""
    usual = OPTIMIZERS[optimizer].learning_rate
    rate, _ = scaled_rate(usual, batch, 256, rule_of(optimizer))
    return min(2 * usual, max(usual / 3, rate))


def auto_threads(work: float) -> int:
    """Threads for steps of so many multiplications: below some ten millions, waking a second one costs more.

    Never more than the cores this process may use: two threads on one core wait for each other.
    """
    return min(2 if work >= WORTH_TWO else 1, int(machine()["cores"]))
