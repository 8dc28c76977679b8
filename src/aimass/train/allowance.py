"""How long advice may take: a share of the run, or its own price where a glance promises that back several times."""

from __future__ import annotations

import time

from aimass.core.errors import AimassError
from aimass.train.advisor.at_once import changes_of, price, usual
from aimass.train.advisor.candidates import candidates
from aimass.train.advisor.paired import block_seconds, least_block
from aimass.train.bench import LoopBench
from aimass.train.plan import Plan

SHARE = 0.05  # of the planned seconds
SHORT = 0.3  # of them at most, where a glance promises more
BACK = 1.5  # times the price, at least
SPARE = 1.5  # of the price may be spent: a glance sees few steps, and noise takes longer to know
MOST = {"cpu": 60.0, "cuda": 30.0}
WARM, TIMED = 2, 4  # steps of a glance
GLANCE = WARM + TIMED


def allowance(bench: LoopBench) -> float:
    """Seconds for advice on the run that the plan of BENCH is, seen on a few steps; 0 where those were too many.

    A twentieth of a short run is too little for any comparison.  It gets the price of one when a few steps with what
    usually helps save so much that the rest of the run wins more than that.
    """
    plan, device = bench.plan, bench.job.device.type
    steps = plan.steps * plan.epochs
    if SHARE * steps < GLANCE:
        return 0.0
    step, _ = _glance(bench, plan)  # the first build of a process also loads what all need
    planned = step * steps
    if plan.minutes:
        planned = min(planned, 60 * plan.minutes)
    most = MOST.get(device, MOST["cpu"])
    share, limit = min(most, SHARE * planned), min(most, SHORT * planned)
    block = block_seconds(step, least_block(device))
    needed = price(step, block, 0.0)
    if share >= SPARE * needed or limit < SPARE * needed or SHARE * steps < 2 * GLANCE or not (quick := _usual(bench)):
        return share
    needed = price(step, block, quick[1])
    pays = (planned - needed) * (1 - quick[0] / step) >= BACK * needed
    return max(share, SPARE * needed) if pays and SPARE * needed <= limit else share


def _usual(bench: LoopBench) -> tuple[float, float] | None:
    """A glance at the plan of BENCH with what usually helps; None where there is nothing, or it cannot be."""
    if bench.placement.world > 1:  # the others would have to glance, too
        return None
    changes = changes_of(usual(candidates(bench.facts), bench.facts, bench.plan))
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
        trial.steps(WARM)
        warm = time.perf_counter()
        trial.steps(TIMED)
        return (time.perf_counter() - warm) / TIMED, built - began
    finally:
        trial.close()
