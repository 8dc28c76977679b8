"""One training, from a job and a plan to trained weights: gone on from a checkpoint, or advised and begun."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from aimass.core.canonical import digest_of
from aimass.core.errors import InputError
from aimass.core.step import Context
from aimass.train.checkpoint import InMemory, Keeper, Kept, OnDisk, write_whole
from aimass.train.job import Job
from aimass.train.layout import layout_kept
from aimass.train.loop import run
from aimass.train.names import printed
from aimass.train.parallel.base import Placement
from aimass.train.plan import Plan
from aimass.train.precision import matrix_precision
from aimass.train.ready import make_ready
from aimass.train.recompute import remember_blocks
from aimass.train.reproducible import reproducible
from aimass.train.rng import stream
from aimass.train.state import Diverged

LEFT = 0.5  # share of the minutes that training has at least, whatever advice took

Ledger = dict[str, Any]  # what the advisor found, as JSON; empty where nobody advised
Advisor = Callable[[Job, Plan, Placement], tuple[Plan, Ledger]]


@dataclass(frozen=True)
class Trained:
    """How a training went; the module of the job has the weights of its best epoch."""

    plan: Plan
    facts: dict[str, Any]
    ledger: Ledger = field(default_factory=dict)


def train_job(
    ctx: Context,
    job: Job,
    plan: Plan,
    placement: Placement,
    advise: Advisor | None = None,
    asked: Mapping[str, Any] | None = None,
    *,
    resumable: bool = True,
) -> Trained:
    """Train JOB by PLAN, or by what ADVISE makes of it; go on where an earlier attempt in `ctx.resume` was broken off.

    An attempt at something else is not gone on with: PLAN, the network and what else was ASKED (JSON) are compared.
    A plan that was advised is kept with the state: advice is never asked for twice in a run.  Where its numbers go
    wrong, the run goes on from its last state by PLAN itself, once.  RESUMABLE=False: nothing goes to disk; that state
    is in memory, and several ranks begin again.
    """
    folder, request = ctx.resume / "gradient", request_of(job, plan, asked or {})
    keeper, advice = OnDisk(folder) if resumable else Keeper(), folder / "advice.json"
    kept, chosen, ledger = _kept(keeper, request), plan, Ledger()
    if kept:
        chosen = Plan.from_json(kept[1]["plan"])
        chosen = chosen.having(accumulate=max(chosen.accumulate, plan.accumulate))  # less memory than it had
        ctx.log(f"going on at epoch {kept[1]['epoch'] + 1}, step {kept[1]['step'] + 1}")
        ledger = _ledger(advice, request)
    elif advise:
        began = time.monotonic()
        chosen, ledger = advise(job, plan, placement)
        if ledger and plan.minutes:
            spent = torch.tensor([(time.monotonic() - began) / 60 * (placement.rank == 0)])
            left = plan.minutes - float(placement.reduce(spent))  # by the clock of rank 0
            chosen = chosen.having(minutes=max(LEFT * plan.minutes, left))
        if ledger and resumable and placement.rank == 0:
            write_whole(advice, json.dumps({"request": request, "ledger": ledger}).encode())
    # What was settled by the memory at hand, or by the time that advice took, was no advice.
    settled: dict[str, Any] = {"tier": plan.tier, "accumulate": plan.accumulate, "minutes": plan.minutes}
    safe = chosen.having(**settled).values() == plan.values()
    fresh = {} if safe else {name: value.clone() for name, value in job.module.state_dict().items()}
    if not (resumable or safe or placement.world > 1):
        keeper = InMemory()
    try:
        return Trained(*_train(ctx, job, chosen, placement, keeper, request, kept), ledger)
    except InputError as error:
        if safe or error.key != "learning_rate":
            raise
        diverged = isinstance(error, Diverged)
        how = "begins again" if diverged else "goes on"
        ctx.log(f"{error.what}; the advised plan is given up, the run {how} by the safe one")
    keeper.wait()
    placement.reduce(torch.zeros(1))  # no rank reads before rank 0 has written
    kept = None if diverged else _rewound(_kept(keeper, request))  # what was kept of that is no better
    job.module.load_state_dict(fresh)
    return Trained(*_train(ctx, job, plan, placement, keeper if resumable else Keeper(), request, kept), ledger)


def _kept(keeper: Keeper, request: str) -> Kept | None:
    """What an earlier attempt at the same REQUEST left."""
    kept = keeper.load()
    return kept if kept and kept[1]["request"] == request else None


def _rewound(kept: Kept | None) -> Kept | None:
    """KEPT before the bad steps at its end: they changed nothing, and another plan does them again."""
    if kept:
        tensors, facts = kept
        good = torch.isfinite(tensors["losses"][: facts["step"]]).nonzero()
        facts["step"] = int(good.max()) + 1 if len(good) else 0
    return kept


def _ledger(path: Path, request: str) -> Ledger:
    """What an earlier attempt at REQUEST was advised."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):  # nobody advised
        return {}
    found: Ledger = told["ledger"] if told["request"] == request else {}
    return found


def _train(
    ctx: Context, job: Job, plan: Plan, placement: Placement, keeper: Keeper, request: str, kept: Kept | None
) -> tuple[Plan, dict[str, Any]]:
    """The plan as it was in the end (a step may have been halved), and the facts."""
    job = replace(job, train=job.train.at(plan.tier))
    with (
        layout_kept(job.module),
        reproducible(plan.threads, stream("weights", plan.seed)),
        matrix_precision(plan.precision, job.device),
    ):
        ready = make_ready(job, plan, placement)
        if kept:
            ready.state.restore(*kept)
            placement.load_state(kept[0])
            kept[0].clear()  # copied by now
        try:
            facts = run(ctx, job, ready, keeper, request)
        finally:
            remember_blocks(job.module)
    return ready.state.plan, facts


def request_of(job: Job, plan: Plan, asked: Mapping[str, Any]) -> str:
    """What makes another training: plan, network, which weights are trained how fast, validation rows, what was ASKED.

    The network is what it prints of itself, without addresses.  Where the rows lie and in how many parts a step is done
    depend on what memory is free, and change nothing.
    """
    weights = {
        name: [list(weight.shape), weight.requires_grad, job.scales.get(name, 1.0)]
        for name, weight in job.module.named_parameters()
    }
    values = {name: value for name, value in plan.values().items() if name not in ("tier", "accumulate")}
    return digest_of(
        {"plan": values, "network": printed(job.module), "weights": weights, "valid": len(job.valid), "asked": asked}
    )
