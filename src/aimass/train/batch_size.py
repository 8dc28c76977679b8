"""Which batch: the largest that memory holds and that still makes rows go faster; one that has been run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from aimass.core.errors import InputError
from aimass.train.advisor.paired import warm_up
from aimass.train.advisor.watch import Watch
from aimass.train.bench import LoopBench
from aimass.train.checkpoint import write_whole
from aimass.train.job import Job
from aimass.train.memory import is_out_of_memory
from aimass.train.parallel.base import Placement
from aimass.train.plan import Plan

SMALLEST = 32
WORTH = 1.05  # times as many rows a second, or twice the batch is not worth its fewer steps
LEAST = 0.05  # seconds of a block of steps; the best of the last three, once they agree, is what counts


def find_batch(job: Job, plan_of: Callable[[int], Plan], placement: Placement, ranks: int = 1) -> int:
    """The last size of SMALLEST, twice that, ... that ran and was worth it; PLAN_OF tells what each would mean.

    On several RANKS a size is what each of them gets, tried by one of them alone on PLACEMENT, and the batch is theirs
    together: the exchange that is left out only speaks for larger ones.  An epoch keeps eight steps at least.
    Raises InputError when not even the smallest fits in memory.
    """
    best, size = (0, 0.0), SMALLEST
    while size <= max(SMALLEST, len(job.train) // (8 * ranks)):
        try:
            rate = rows_per_s(job, plan_of(size), placement)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            break
        if rate < WORTH * best[1]:
            break
        best, size = (size, rate), 2 * size
    if not best[0]:
        raise InputError(f"not even {SMALLEST} rows fit in memory", expected="a batch that can be run",
                         todo="give a smaller batch, or accumulate = 4", key="batch")  # fmt: skip
    return ranks * best[0]


def found_once(path: Path | None, key: str, find: Callable[[], int]) -> int:
    """What FIND says, kept at PATH for KEY: the same run, begun again, must not measure its way to another batch."""
    try:
        told = json.loads(path.read_bytes()) if path else {}
    except (OSError, ValueError):  # the first attempt
        told = {}
    if told.get("key") == key:
        return int(told["batch"])
    found = find()
    if path:
        write_whole(path, json.dumps({"key": key, "batch": found}).encode())
    return found


def rows_per_s(job: Job, plan: Plan, placement: Placement) -> float:
    """Of a few steps of PLAN, on a copy of the module.  Raises RuntimeError when memory does not hold them."""
    trial = LoopBench(job, plan, placement).build(plan)
    try:
        return plan.batch / warm_up(trial.steps, Watch(), LEAST).seconds
    finally:
        trial.close()
