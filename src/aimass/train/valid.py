"""How good a network is on the validation rows: its loss, and one live figure.  Reports come from `measure`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from aimass.core.signature import Signature
from aimass.measure.classification import RocAuc
from aimass.train.average import recompute
from aimass.train.feed import turn_of
from aimass.train.job import Job
from aimass.train.losses import MASKED
from aimass.train.parallel.base import Placement
from aimass.train.plan import Plan
from aimass.train.source import Source
from aimass.train.state import State

LARGEST = 4096  # rows at a time
STATISTICS = 64  # batches that give an averaged network its batch-norm statistics


def evaluate(job: Job, plan: Plan, placement: Placement) -> dict[str, float]:
    """{"valid_loss": ..., "valid_<metric>": ...} of the module as it is; {} where there are no validation rows.

    Each rank answers its share of the rows.
    """
    rows = len(job.valid)
    if not rows:
        return {}
    placement.gather_state(whole=False)  # one opinion of the running statistics
    mine = slice(placement.rank * rows // placement.world, (placement.rank + 1) * rows // placement.world)
    part = scores_of(job, job.valid, -(-plan.batch // plan.accumulate), mine)  # what fits in a step
    scores = part
    if placement.world > 1:  # the others' rows are zero here and mine are zero there
        scores = torch.zeros((rows, *part.shape[1:]))
        scores[mine] = part
        scores = placement.reduce(scores)
    target = job.valid.target().cpu()
    loss_of = job.loss(job.signature, 0.0, "mean")  # it may hold tensors of its own, which are on the device
    found = {"valid_loss": float(loss_of(scores.to(job.device), target.to(job.device)))}
    return {**found, **_figure(scores, target, job.signature)}


def scores_of(job: Job, source: Source, batch: int, part: slice | None = None) -> Tensor:
    """Scores [N, W] of the module of JOB, in evaluation mode, for the rows of SOURCE or a PART of them; on the host."""
    job.module.eval()
    rows = torch.arange(len(source))[part or slice(None)]
    asked = rows if len(rows) else torch.zeros(1, dtype=torch.long)  # not every network takes no row
    found = []
    with torch.inference_mode():
        for some in torch.split(asked, min(LARGEST, 4 * batch)):
            found.append(job.module(*source.fetch(some).tensors).float().cpu())
    return torch.cat(found)[: len(rows)].clone()  # no inference tensor: others may write into it


def _figure(scores: Tensor, target: Tensor, signature: Signature) -> dict[str, float]:
    """One figure for people, by the task; {} where it does not exist."""
    if signature.task == "multiclass":
        known = target != MASKED
        return {"valid_accuracy": float((scores.argmax(dim=1) == target)[known].float().mean())}
    if signature.task == "binary" and 0 < target.sum() < len(target) and scores.isfinite().all():
        ranked = {"probabilities": np.repeat(scores.numpy(), 2, axis=1)}
        return {"valid_roc_auc": RocAuc().score(target.numpy(), ranked, signature).value}
    return {}


@contextmanager
def averaged(job: Job, state: State, placement: Placement) -> Iterator[None]:
    """Inside, the module has the averaged weights, where the plan averages and the average has begun."""
    average, plan = state.average, state.plan
    if average is None or not state.averaging:
        yield
        return
    if plan.average == "swa":
        average.update()
    with average.swapped():
        if plan.average == "swa":
            recompute(job.module, _batches(job, state))
        yield


def _batches(job: Job, state: State) -> Iterator[tuple[Tensor, ...]]:
    """Some training batches, the same for the same plan and epoch."""
    plan = state.plan
    rows = torch.from_numpy(turn_of(job.train, plan, state.epoch)[: STATISTICS * plan.batch])
    for some in torch.split(rows, plan.batch):
        yield job.train.fetch(some).tensors
