"""Stage 0: the noise floor.  The baseline against itself must come out equal, or nothing measured here means much.

What it comes out as is also what a gain must exceed: on a machine where equal things differ by 9 %, only more than that
counts, and twice as fast is still twice as fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from statistics import median

from aimass.train.advisor.paired import MOST_PAIRS, WORTH, Block, Pairs
from aimass.train.advisor.ratio import Ratio, ratio_of
from aimass.train.advisor.watch import Limits, Watch

LEAST = 8  # pairs: fewer have no 99 % interval
QUIET = 0.05  # half-width of the usual noise; beyond it a gain must exceed it
NOISY = 0.25  # reach beyond which a machine is too noisy
SWITCHES = 200.0  # a second: fewer disturb nobody; blocks of 50 ms hold ten


@dataclass(frozen=True)
class Floor:
    """RATIO of the baseline to itself, what follows for the LIMITS of disturbance and for the gain that is WORTH it.

    WHY nothing can be measured, or "".
    """

    ratio: Ratio
    limits: Limits
    worth: float = WORTH
    why: str = ""


def noise_floor(step: Block, watch: Watch, random: Random, deadline: float) -> Floor:
    """A/A of the baseline's STEP, interleaved like every other comparison; more pairs while it looks noisy."""
    pairs = Pairs(step, step, watch, random)
    ratio = pairs.until(lambda r: r.pairs >= LEAST and _quiet(r, pairs.logs), most=MOST_PAIRS, deadline=deadline)
    limits = Limits(switches=max(SWITCHES, 3 * median(pairs.rates or [0.0])))
    worth = WORTH if _quiet(ratio, pairs.logs) else max(WORTH, 1 + ratio.reach)
    return Floor(ratio, limits, worth, why_noisy(ratio))


def why_noisy(ratio: Ratio) -> str:
    """ "" or why the machine is too noisy."""
    if not ratio.bounded:
        return f"{ratio.pairs} pairs of blocks were all the time allowed, too few for an interval"
    if ratio.reach > NOISY:
        return f"the baseline against itself is {ratio}, more than {NOISY:.0%} to one side"
    return ""


def _quiet(ratio: Ratio, logs: list[float]) -> bool:
    """Whether equal things come out equal: a narrow interval, and one (99 %) that holds 1."""
    sure = ratio_of(logs, confidence=0.99)
    return ratio.half_width <= QUIET and (not sure.bounded or sure.low <= 1 <= sure.high)
