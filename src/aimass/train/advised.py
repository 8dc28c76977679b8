"""When the advisor is asked, for how long, and what becomes of its answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch

from aimass.core.canonical import digest_of
from aimass.measure.machine import machine
from aimass.train.advisor.advise import advise
from aimass.train.advisor.record import Advice
from aimass.train.bench import LoopBench
from aimass.train.job import Job
from aimass.train.parallel.base import Placement
from aimass.train.plan import Origin, Plan
from aimass.train.session import Advisor, Ledger

SHARE = 0.05  # of the planned seconds that advice may take
MOST = {"cpu": 60.0, "cuda": 30.0}
LEAST = 2.0  # seconds below which nothing can be learnt
FIRST = 4  # steps that say how long a run will take


def advised(seconds: Literal["auto", "off"] | float, command: list[str] | None, log: Callable[[str], None]) -> Advisor:
    """An advisor for `train_job` that takes so many SECONDS; COMMAND starts a fresh process on the same order."""

    def ask(job: Job, plan: Plan, placement: Placement) -> tuple[Plan, Ledger]:
        if seconds == "off" or placement.world > 1:
            return plan, {}
        allowed = _auto_seconds(job, plan, placement) if seconds == "auto" else seconds
        if allowed < LEAST:
            return plan, {}
        advice = ask_advice(job, plan, placement, allowed, command, log)
        return explained(advice), advice.as_json()

    return ask


def ask_advice(
    job: Job, plan: Plan, placement: Placement, seconds: float, command: list[str] | None, log: Callable[[str], None]
) -> Advice:
    """What the advisor found for JOB within SECONDS, or had found before on this machine."""
    bench = LoopBench(job, plan, placement, command)
    return advise(bench, seconds=seconds, seed=plan.seed, note=log, folder=folder(), key=fingerprint(job, plan))


def explained(advice: Advice) -> Plan:
    """The plan of ADVICE; fields that stayed as they are tell which acceleration was refused, and why."""
    found = advice.plan
    for row in advice.rows:
        for name in row.changes:
            if row.decision == "refused" and name not in found.origins:
                found = found.because(name, Origin("refused", reason=f"{row.candidate}: {row.reason}"))
    return found


def _auto_seconds(job: Job, plan: Plan, placement: Placement) -> float:
    """A share of the run that PLAN is, seen on a few steps."""
    trial = LoopBench(job, plan, placement).build(plan)
    trial.steps(FIRST // 2)
    began = time.perf_counter()
    trial.steps(FIRST)
    a_step = (time.perf_counter() - began) / FIRST
    trial.close()
    planned = a_step * plan.steps * plan.epochs
    if plan.minutes:
        planned = min(planned, 60 * plan.minutes)
    return min(MOST.get(job.device.type, MOST["cpu"]), SHARE * planned)


def fingerprint(job: Job, plan: Plan) -> str:
    """Of all that advice depends on: network, batches, plan, machine and versions."""
    cuda = job.device.type == "cuda"
    facts: dict[str, Any] = {
        "network": str(job.module),
        "weights": {name: [list(w.shape), str(w.dtype)] for name, w in job.module.named_parameters()},
        "inputs": job.signature.as_json()["inputs"],
        "plan": {name: value for name, value in plan.values().items() if name not in ("seed", "minutes")},
        "machine": machine(),
        "device": torch.cuda.get_device_name(job.device) if cuda else "cpu",
        "cuda": torch.version.cuda,
    }
    return digest_of(facts)


def folder() -> Path:
    """Where advice is kept: it is about this machine and user, not about a workspace."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aimass" / "advice"
