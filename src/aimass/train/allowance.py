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
SHORT = 0.3  # of them at most, where a glance promises more
BACK = 1.5  # times the price, at least
SPARE = 1.5  # of the price may be spent: a glance sees few steps, and noise takes longer to know
MOST = {"cpu": 60.0, "cuda": 30.0}
GLANCE = 4  # steps


def allowance(bench: LoopBench) -> float:
    """Seconds for advice on the run that the plan of BENCH is, seen on a few steps.

    A twentieth of a short run is too little for any comparison.  It gets the price of one when a few steps with what
    usually helps save so much that the rest of the run wins more than that.
    """
    plan, device = bench.plan, bench.job.device.type
    step, _ = _glance(bench, plan)  # the first build of a process also loads what all need
    planned = step * plan.steps * plan.epochs
    if plan.minutes:
        planned = min(planned, 60 * plan.minutes)
    share, most = SHARE * planned, MOST.get(device, MOST["cpu"])
    block = max(step, CPU_BLOCK if device == "cpu" else GPU_BLOCK)
    if share >= price(step, block, 0.0) or not (quick := _usual(bench)):
        return min(most, share)
    needed = price(step, block, quick[1])
    pays = (planned - needed) * (1 - quick[0] / step) >= BACK * needed
    return SPARE * needed if pays and share < SPARE * needed <= min(most, SHORT * planned) else min(most, share)


def _usual(bench: LoopBench) -> tuple[float, float] | None:
    """A glance at the plan of BENCH with what usually helps; None where there is nothing, or it cannot be."""
    if bench.placement.world > 1:  # the others would have to glance, too
        return None
    changes: dict[str, Any] = {}
    for candidate in usual(candidates(bench.facts), bench.facts, bench.plan):
        changes |= candidate.changes
    try:
        return _glance(bench, bench.plan.having(**changes)) if changes else None
    except (AimassError, RuntimeError):  # the advisor would say so, too
        return None


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
