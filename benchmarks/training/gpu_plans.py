"""How far is the advised plan from the best one?  Precision x layout x update x compiling, each tried.

Every plan is a trial of the advisor's own bench, so what is timed is the step and the feed that train.  A first pass
over all of them picks the few that are worth rounds of their own; the advised plan is built apart from its twin among
them, so that a ratio below 1 by chance alone is seen for what it is.
"""

from __future__ import annotations

import time
from functools import partial
from itertools import product
from math import ceil
from statistics import median
from typing import Any

import torch
from by_hand import Work
from gpu_rounds import Rates, interleaved
from gpu_ways import asked, settings_of
from table import interval

from aimass.core.errors import AimassError
from aimass.train.advisor.record import Advice
from aimass.train.bench import LoopBench, LoopTrial
from aimass.train.optimizer import implementations
from aimass.train.plan import Plan

ADVISED, COMPILED = "advised", ", compiled"  # what a name is, and how it ends
BLOCK = 0.25  # seconds of steps that are timed at once
FIRST, LAST, FINALISTS = 2, 12, 6  # rounds of all plans, rounds of the best, how many those are
WARM = 5  # steps
COMPILING = 45.0  # seconds for the first one; afterwards the longest so far


def plans(work: Work, seconds: float, until: float, must: float, block: float = BLOCK) -> dict[str, Any]:
    """Rows a second of the advised plan over those of the best one; advice takes SECONDS of the time UNTIL then."""
    bench, advice = asked(work, seconds)
    trials, left_out = built(bench, advice.plan, until)
    try:
        first, _ = timed(trials, FIRST, until, block)
        middle = {name: median(found) for name, found in first.items()}
        names = sorted(middle, key=lambda name: -middle[name])
        eager = next((name for name in names if name != ADVISED and COMPILED not in name), ADVISED)
        few = {*names[:FINALISTS], ADVISED, eager}
        last, more = timed({name: trials[name] for name in names if name in few}, LAST, until, block)
    finally:
        for trial in trials.values():
            trial.close()
    best = max(last, key=lambda name: median(last[name]))
    return {
        f"{ADVISED} / best": ratio(last, best) | {"must": must}, "best": best,
        f"{ADVISED} / best that is not compiled": ratio(last, eager), "best that is not compiled": eager,
        "rows_per_s": {name: round(some) for name, some in middle.items()},
        "advice": told(advice), "settings": settings_of(advice.plan), "left out": left_out | more,
    }  # fmt: skip


def ratio(rates: Rates, other: str) -> dict[str, float]:
    return interval([a / b for a, b in zip(rates[ADVISED], rates[other], strict=True)])


def told(advice: Advice) -> dict[str, Any]:
    return {"verdict": advice.verdict, "reason": advice.reason, "seconds": advice.seconds,
            "rows": {row.candidate: f"{row.decision}: {row.reason}" for row in advice.rows}}  # fmt: skip


def every(plan: Plan, cuda: bool) -> dict[str, Plan]:
    """All plans by name, the eager ones first: compiled ones take long to build."""
    precisions = ("bf16", "fp16", "tf32", "fp32") if cuda else ("bf16", "fp32")
    updates = implementations(plan.optimizer, torch.device("cuda" if cuda else "cpu"))
    found = {}
    for compiled, update, precision, layout in product(
        ("none", "default") if cuda else ("none",), updates, precisions, ("channels-last", "contiguous")
    ):
        name = f"{precision}, {layout}, {update}" + (COMPILED if compiled != "none" else "")
        found[name] = plan.having(compile=compiled, update=update, precision=precision, layout=layout)
    return found


def built(bench: LoopBench, advised: Plan, until: float) -> tuple[dict[str, LoopTrial], dict[str, str]]:
    """Trials by name, the advised one first, as many as half of the time UNTIL then allows; what was left out, why."""
    now, cuda = time.monotonic(), bench.job.device.type == "cuda"
    if cuda:
        allow_compilations()
    half, longest = now + (until - now) / 2, {"none": 0.0, "default": COMPILING}
    trials = {ADVISED: warm(bench.build(advised))}
    left_out: dict[str, str] = {}
    for name, plan in every(bench.plan, cuda).items():
        began = time.monotonic()
        if began + longest[plan.compile] > half:
            left_out[name] = "the time was up"
            continue
        try:
            trials[name] = warm(bench.build(plan))
        except (AimassError, RuntimeError) as error:
            left_out[name] = str(error).split("\n")[0]
        took = time.monotonic() - began
        longest[plan.compile] = took if longest[plan.compile] == COMPILING else max(longest[plan.compile], took)
    return trials, left_out


def allow_compilations() -> None:
    """Torch stops compiling a function after eight versions, and here there are more."""
    import torch._dynamo

    torch._dynamo.config.recompile_limit = 100


def warm(trial: LoopTrial) -> LoopTrial:
    trial.steps(WARM)
    return trial


def timed(trials: dict[str, LoopTrial], rounds: int, until: float, block: float) -> tuple[Rates, dict[str, str]]:
    """Rows a second of TRIALS that take turns in blocks of so many seconds."""
    ways = {name: partial(rate, trial, steps_in(trial, block)) for name, trial in trials.items()}
    return interleaved(ways, rounds, until, tell=False)


def steps_in(trial: LoopTrial, block: float) -> int:
    return max(1, ceil(block * rate(trial, WARM) / trial.plan.batch))


def rate(trial: LoopTrial, count: int) -> float:
    began = time.perf_counter()
    trial.steps(count)  # it waits for the device at the end
    return count * trial.plan.batch / (time.perf_counter() - began)
