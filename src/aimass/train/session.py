"""One training, from a job and a plan to trained weights: gone on from a checkpoint, or advised and begun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aimass.core.canonical import digest_of
from aimass.core.step import Context
from aimass.train.checkpoint import Keeper
from aimass.train.job import Job
from aimass.train.loop import run
from aimass.train.parallel.base import Placement
from aimass.train.plan import Plan
from aimass.train.precision import matrix_precision
from aimass.train.ready import make_ready
from aimass.train.recompute import remember_blocks
from aimass.train.reproducible import reproducible
from aimass.train.rng import stream

Ledger = list[dict[str, Any]]  # a row a candidate; empty where nobody advised
Advisor = Callable[[Job, Plan, Placement], tuple[Plan, Ledger]]


@dataclass(frozen=True)
class Trained:
    """How a training went; the module of the job has the weights of its best epoch."""

    plan: Plan
    facts: dict[str, Any]
    ledger: Ledger = field(default_factory=list)


def train_job(ctx: Context, job: Job, plan: Plan, placement: Placement, advise: Advisor | None = None) -> Trained:
    """Train JOB by PLAN, or by what ADVISE makes of it; go on where an earlier attempt in `ctx.resume` was broken off.

    A plan that was advised is kept with the state: advice is never asked for twice in a run.
    """
    keeper, ledger = Keeper(ctx.resume / "gradient"), list[dict[str, Any]]()
    request = digest_of({"plan": plan.values(), "weights": shapes_of(job)})
    kept = keeper.load()
    if kept and kept[1]["request"] == request:
        plan = Plan.from_json(kept[1]["plan"])
    else:
        kept = None
        if advise:
            plan, ledger = advise(job, plan, placement)
    with reproducible(plan.threads, stream("weights", plan.seed)), matrix_precision(plan.precision, job.device):
        ready = make_ready(job, plan, placement)
        if kept:
            ready.state.restore(*kept)
            placement.load_state(kept[0])
            ctx.log(f"going on at epoch {ready.state.epoch + 1}, step {ready.state.step + 1}")
        try:
            facts = run(ctx, job, ready, keeper, request)
        finally:
            remember_blocks(job.module)
    return Trained(ready.state.plan, facts, ledger)


def shapes_of(job: Job) -> dict[str, list[int]]:
    """Shape of each weight by name: another network is another training."""
    return {name: list(weight.shape) for name, weight in job.module.named_parameters()}
