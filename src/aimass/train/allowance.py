"""How long advice may take: a share of the run, or its own price where a glance promises that back several times."""

from __future__ import annotations

import time
from typing import Any

from aimass.core.errors import AimassError
from aimass.train.advisor.at_once import price, usual
from aimass.train.advisor.candidates import candidates
from aimass.train.advisor.paired import CPU_BLOCK, GPU_BLOCK
from aimass.train.bench import LoopBench
from aimass.train.plan import Plan

SHARE = 0.05  # of the planned seconds
SHORT = 0.2  # of them, where the glance promises more
BACK = 2.0  # times its price, at least
SPARE = 1.25  # of the price: a glance sees few steps
MOST = {"cpu": 60.0, "cuda": 30.0}
GLANCE = 4  # steps


def allowance(bench: LoopBench) -> float:
    """Seconds for advice on the run that the plan of BENCH is, seen on a few steps.

    A twentieth of a short run is too little for any comparison.  It gets what one takes when a few steps with what
    usually helps save so much that the whole run wins twice that.
    """
    plan, device = bench.plan, bench.job.device.type
    step, build = _glance(bench, plan)
    planned = step * plan.steps * plan.epochs
    if plan.minutes:
        planned = min(planned, 60 * plan.minutes)
    share, most = SHARE * planned, MOST.get(device, MOST["cpu"])
    least = CPU_BLOCK if device == "cpu" else GPU_BLOCK
    needed = SPARE * price(step, max(step, least), build)
    if share < needed <= min(most, SHORT * planned) and _saved(bench, step, planned - needed) >= BACK * needed:
        return needed
    return min(most, share)


def _saved(bench: LoopBench, step: float, seconds: float) -> float:
    """Seconds that what usually helps would take off a run of so many SECONDS at STEP each; 0 where it cannot be."""
    if bench.placement.world > 1:  # the others would have to glance, too
        return 0.0
    changes: dict[str, Any] = {}
    for candidate in usual(candidates(bench.facts), bench.facts, bench.plan):
        changes |= candidate.changes
    if not changes:
        return 0.0
    try:
        quick, _ = _glance(bench, bench.plan.having(**changes))
    except (AimassError, RuntimeError):  # the advisor would say so, too
        return 0.0
    return seconds * (1 - quick / step)


def _glance(bench: LoopBench, plan: Plan) -> tuple[float, float]:
    """Seconds a step of PLAN, as a few show, and seconds to build it."""
    began = time.perf_counter()
    trial = bench.build(plan)
    built = time.perf_counter()
    try:
        trial.steps(GLANCE // 2)
        warm = time.perf_counter()
        trial.steps(GLANCE)
        return (time.perf_counter() - warm) / GLANCE, built - began
    finally:
        trial.close()
