"""When the advisor is asked, for how long, and what becomes of its answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch

from aimass.core.canonical import digest_of
from aimass.measure.machine import machine
from aimass.runner.gang import Rank
from aimass.train.advisor.advise import advise
from aimass.train.advisor.record import Advice
from aimass.train.agreed import NoTrial
from aimass.train.allowance import allowance
from aimass.train.bench import LoopBench
from aimass.train.job import Job
from aimass.train.memory import is_out_of_memory
from aimass.train.mirrored import DONE, MirroredBench, follow
from aimass.train.names import printed
from aimass.train.parallel.base import Placement
from aimass.train.plan import Plan
from aimass.train.session import Advisor, Ledger

LEAST = 2.0  # seconds below which nothing can be learnt


def advised(
    seconds: Literal["auto", "off"] | float, command: list[str] | None, log: Callable[[str], None], rank: Rank
) -> Advisor:
    """An advisor for `train_job` that takes so many SECONDS; COMMAND starts a fresh process on the same order.

    Every rank calls it and gets the answer of rank 0.
    """

    def ask(job: Job, plan: Plan, placement: Placement) -> tuple[Plan, Ledger]:
        if seconds == "off":
            return plan, {}
        try:
            return _asked(job, plan, placement)
        except NoTrial as error:
            why = error.what
        except RuntimeError as error:
            if rank.world > 1 or not is_out_of_memory(error):
                raise
            why = "the network and a copy to try things on do not fit in memory together"
        log(f"no advice: {why}")
        return plan, {}

    def _asked(job: Job, plan: Plan, placement: Placement) -> tuple[Plan, Ledger]:
        bench = LoopBench(job, plan, placement, command)
        allowed = allowance(bench) if isinstance(seconds, str) else seconds
        if rank.share(allowed) < LEAST:
            return plan, {}
        if rank.world == 1:
            advice = ask_advice(bench, allowed, log)
            return advice.plan, advice.as_json()
        return _together(bench, allowed, log, rank)

    return ask


def _together(bench: LoopBench, seconds: float, log: Callable[[str], None], rank: Rank) -> tuple[Plan, Ledger]:
    """Rank 0 asks, the others move with its trials."""
    told: dict[str, Any] = {"plan": bench.plan.as_json(), "ledger": {}}
    if rank.rank:
        follow(bench, rank)
    else:
        try:
            advice = ask_advice(bench, seconds, log, MirroredBench(bench, rank))
            told = {"plan": advice.plan.as_json(), "ledger": advice.as_json()}
        except NoTrial as error:
            log(f"no advice: {error.what}")
        finally:
            rank.share(DONE)
    told = rank.share(told)
    return Plan.from_json(told["plan"]), told["ledger"]


def ask_advice(
    bench: LoopBench,
    seconds: float,
    log: Callable[[str], None],
    mirrored: MirroredBench | None = None,
    *,
    anew: bool = False,
) -> Advice:
    """What the advisor finds on BENCH (MIRRORED on the other ranks) within SECONDS, or had found before.

    ANEW: whatever was found before.
    """
    plan, key = bench.plan, fingerprint(bench.job, bench.plan, bench.placement.world)
    return advise(mirrored or bench, seconds=seconds, seed=plan.seed, note=log, folder=folder(), key=key, anew=anew)


def fingerprint(job: Job, plan: Plan, ranks: int = 1) -> str:
    """Of all that advice depends on: network, what of it is trained, rows, what is done to them, plan, machine."""
    cuda = job.device.type == "cuda"
    weights = {
        name: [list(weight.shape), str(weight.dtype), weight.requires_grad, job.scales.get(name, 1.0)]
        for name, weight in job.module.named_parameters()
    }
    facts: dict[str, Any] = {
        "network": printed(job.module),
        "weights": weights,
        "task": job.signature.task,
        "told": dict(job.told),
        "rows": [len(job.train), job.train.bytes],
        "ranks": ranks,
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
