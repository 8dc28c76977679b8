"""The adoption rule: what must all hold before a plan changes.  Each function answers "" or the reason against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from aimass.train.advisor.paired import WORTH
from aimass.train.advisor.ratio import Ratio, holm

MEMORY = 0.9  # share of the device's memory at most: the largest shapes come later
PAYBACK = 0.25  # share of the planned steps after which a set-up must have paid
HALF_DROPPED = 0.5
NO_SETUP = 0.1  # seconds: what the first step of any plan may take


def fast_enough(ratio: Ratio, worth: float = WORTH) -> str:
    """The lower bound, not the estimate, must be WORTH it: 1.02, or what the noise of the machine hides."""
    if ratio.dropped > HALF_DROPPED * (ratio.pairs + ratio.dropped):
        return f"disturbed: {ratio.dropped} of {ratio.pairs + ratio.dropped} pairs had to be dropped"
    if not ratio.bounded:
        return f"{ratio.pairs} pairs in runs of {ratio.run} are too few for an interval"
    if ratio.low >= worth:
        return ""
    return f"{ratio}: " + ("slower" if ratio.high < 1 else f"the lower bound must be {worth:.2f} at least")


def memory_share(peak_bytes: int, facts: Mapping[str, Any]) -> float | None:
    """Share of the device's memory; None where one of the two is unknown."""
    room = facts.get("memory_bytes", 0)
    return peak_bytes / room if room and peak_bytes else None


def fits(share: float | None) -> str:
    return f"it takes {share:.0%} of the memory, {MEMORY:.0%} at most" if share and share > MEMORY else ""


def break_even(setup: float, step: float, ratio: Ratio) -> float:
    """Steps after which SETUP seconds are saved again, a step having taken STEP seconds; inf if never."""
    if setup < NO_SETUP:
        return 0.0
    saved = step * (1 - 1 / ratio.value)
    return setup / saved if saved > 0 else math.inf


def pays(steps: float, step: float, facts: Mapping[str, Any]) -> str:
    """STEPS to the break-even, of a run of steps of STEP seconds that may also end by the clock."""
    planned, limit = facts.get("planned_steps", 0), facts.get("planned_seconds", 0)
    if limit:
        planned = min(planned or math.inf, limit / step)
    if not steps or not planned or steps < PAYBACK * planned:
        return ""
    return f"its set-up pays back after {steps:,.0f} steps, more than {PAYBACK:.0%} of the {planned:,.0f} planned"


def enough(ratio: Ratio, wanted: int) -> str:
    return "" if ratio.pairs >= wanted else f"only {ratio.pairs} of {wanted} pairs in the time left"


def sure(confirmed: Ratio, refused: Mapping[str, float]) -> str:
    """The confirmed gain beside all that was screened and REFUSED (chance by name): Holm's correction."""
    if "confirmed" in holm({"confirmed": confirmed.chance, **refused}):
        return ""
    return f"a chance of {confirmed.chance:.3g} is no proof after {1 + len(refused)} tries (Holm)"
