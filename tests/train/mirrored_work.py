"""What two ranks of the test of mirrored trials do: rank 1 cannot do some things that rank 0 can."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor, nn

from aimass.runner.gang import Rank
from aimass.train.advised import advised
from aimass.train.agreed import NoTrial
from aimass.train.bench import LoopBench
from aimass.train.job import Job
from aimass.train.mirrored import DONE, MirroredBench, follow
from aimass.train.parallel.group import placed
from aimass.train.parallel.single import Single
from tests.train.test_step import CPU, plan_of, ready_of

PLAN = plan_of()


def wide() -> nn.Module:
    """The second layer's weights have two layouts."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(64, 3))


def experiments(rank: Rank) -> dict[str, Any]:
    """Trials of both ranks, where rank 0 leads; what it found."""
    with placed(rank, device=CPU) as placement:
        job, _ = ready_of(wide(), PLAN)
        picky = Job(Picky(wide(), rank.rank == 1), job.signature, job.train, job.valid, CPU)
        found = _led(LoopBench(picky, PLAN, placement), rank, picky)
        locked = Job(wide(), job.signature, job.train, job.valid, CPU)
        if rank.rank:
            locked.module.lock = threading.Lock()  # type: ignore[assignment]
        told: list[str] = []
        plan, ledger = advised(9.0, None, told.append, rank)(locked, PLAN, placement)
        return {**found, "kept": plan == PLAN and not ledger, "told": told}


class Picky(nn.Module):
    """Refuses to compute channels last, where it is told to."""

    def __init__(self, inner: nn.Module, refuses: bool) -> None:
        super().__init__()
        self.inner, self.refuses = inner, refuses

    def forward(self, x: Tensor) -> Tensor:
        if self.refuses and not self.inner[1].weight.is_contiguous():  # type: ignore[index, union-attr]
            raise RuntimeError("no room for this layout")
        scores: Tensor = self.inner(x)
        return scores


def _led(bench: LoopBench, rank: Rank, job: Job) -> dict[str, Any]:
    if rank.rank:
        follow(bench, rank)
        return {}
    mirrored, found = MirroredBench(bench, rank), {}
    try:
        mirrored.build(PLAN.having(layout="channels-last"))
    except NoTrial as error:
        found["refused"] = error.what
    trial = mirrored.build(PLAN)
    trial.steps(2)
    found["losses"] = trial.losses(3)
    trial.gradients()
    for phase in trial.phases().values():
        phase(1)
    trial.close()
    rank.share(DONE)
    return {**found, "alone": LoopBench(job, PLAN, Single(CPU)).build(PLAN).losses(3)}
