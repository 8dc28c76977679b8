"""Rounds of boosting in segments, so that a run can be broken off and goes on.

A segment is a new booster that goes on from the trees so far with its own seed.  XGBoost does not keep its random
state with a model (dmlc/xgboost#10324, #11982), so only this makes a resumed run equal an unbroken one, bit for bit.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from aimass.core.errors import InputError
from aimass.core.step import Context
from aimass.runner.gang import Rank
from aimass.train.checkpoint import write_whole
from aimass.train.order import stream

TELL_EVERY = 1.0  # seconds

Stop = Callable[[list[float], float], str]  # losses so far, seconds so far -> why to stop, '' to go on


@dataclass(frozen=True)
class Job:
    """One growing of trees: what it depends on, and when it ends."""

    name: str  # of its checkpoint and of its stream of chance
    identity: str  # digest of all that the trees depend on
    parameters: dict[str, Any]  # of XGBoost
    seed: int
    segment: int  # rounds between checkpoints
    most: int  # rounds, if nothing stops it before
    why_stop: Stop
    figure: str = "loss"  # what its loss is called in live metrics
    before: int = 0  # rounds of the job before it: live metrics count on
    spent: float = 0.0  # seconds of the job before it


@dataclass
class Progress:
    """What a segment starts from."""

    booster: str = ""  # JSON of all trees so far
    losses: list[float] = field(default_factory=list)  # one a round
    seconds: float = 0.0
    stopped: str = ""  # why no more rounds are added; '' while they are

    @property
    def best(self) -> int:
        """Rounds up to the lowest loss."""
        return int(np.argmin(self.losses)) + 1


def grow(ctx: Context, rank: Rank, job: Job, matrices: Callable[[], list[xgb.DMatrix]]) -> Progress:
    """Trees on the first of MATRICES, their loss on the last, until JOB has a reason to stop.

    The trees and losses of several ranks are those of all their rows, so every RANK comes to the same, by one clock.
    Goes on from the checkpoint where there is one; MATRICES are only made when there is something left to do.
    Raises InputError when the loss is no number, Stopped when asked to stop; the last checkpoint then stays.
    """
    path = ctx.resume / f"{job.name}.json"
    progress = _load(path, job)
    if progress.losses and not progress.stopped:
        ctx.log(f"{job.name}: going on at round {len(progress.losses) + 1}")
    began = time.monotonic() - progress.seconds
    held = [] if progress.stopped else matrices()
    while not progress.stopped:
        progress = _segment(ctx, job, held, progress, lambda: rank.share(time.monotonic() - began))
        if rank.rank == 0:
            write_whole(path, json.dumps({"job": job.identity, **asdict(progress)}).encode())
    return progress


def _segment(
    ctx: Context, job: Job, matrices: list[xgb.DMatrix], so_far: Progress, seconds: Callable[[], float]
) -> Progress:
    """Rounds until the segment is full or a reason to stop appears; SECONDS so far by rank 0's clock."""
    losses, stopped, first = list(so_far.losses), "", len(so_far.losses)
    booster = _opened(job, matrices, so_far)
    started = told = now = seconds()
    while not stopped and len(losses) - first < job.segment:
        booster.update(matrices[0], len(losses))
        losses.append(_loss(booster, matrices[-1], len(losses)))
        now = seconds()
        stopped = job.why_stop(losses, now)
        if stopped or now - told >= TELL_EVERY:
            told, a_round = now, (now - started) / (len(losses) - first)
            _tell(ctx, job, losses, a_round, matrices[0].num_row())
    return Progress(bytes(booster.save_raw("json")).decode(), losses, now, stopped)


def _opened(job: Job, matrices: list[xgb.DMatrix], progress: Progress) -> xgb.Booster:
    """A booster with the trees so far, and chance that depends on nothing but the round it starts at."""
    parameters = {**job.parameters, "seed": stream(job.name, job.seed, len(progress.losses)) % 2**31}
    booster = xgb.Booster(parameters, matrices)
    if progress.booster:
        booster.load_model(bytearray(progress.booster.encode()))
        booster.set_param(parameters)
    return booster


def _loss(booster: xgb.Booster, matrix: xgb.DMatrix, round: int) -> float:
    """The loss on MATRIX.  Raises InputError when it is no number."""
    value = float(booster.eval(matrix, "rows", round).rpartition(":")[2])
    if not math.isfinite(value):
        raise InputError(
            f"the loss is {value:g} at round {round + 1}",
            expected="a finite number",
            todo="give xgboost a lower learning_rate or a higher leaf_weight",
            key="learning_rate",
        )
    return value


def _tell(ctx: Context, job: Job, losses: list[float], a_round: float, rows: int) -> None:
    """Report; seconds left if no round is saved by a stop."""
    ctx.report(
        job.before + len(losses),
        **{job.figure: losses[-1]},
        rows_per_s=round(rows / max(a_round, 1e-9)),
        seconds_left=round((job.most - len(losses)) * a_round, 1),
    )


def _load(path: Path, job: Job) -> Progress:
    """What an earlier attempt at the same JOB left."""
    if path.exists():
        saved = json.loads(path.read_bytes())
        if saved.pop("job") == job.identity:
            return Progress(**saved)
    return Progress(seconds=job.spent)
