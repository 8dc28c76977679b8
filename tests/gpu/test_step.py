"""The training step on a CUDA device: the host never waits, and a captured step trains as an eager one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from aimass.train.augment.compose import compose
from aimass.train.augment.flip import Flip
from aimass.train.bench import LoopBench
from aimass.train.feed import feed
from aimass.train.job import Job
from aimass.train.parallel.single import Single
from aimass.train.plan import Plan
from aimass.train.precision import matrix_precision
from aimass.train.ready import Ready, make_ready
from aimass.train.reproducible import reproducible
from aimass.train.source import Source
from tests.train.test_step import IMAGES, images, network, plan_of, run

CUDA = torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def as_in_a_training() -> Iterator[None]:
    with reproducible(1, 0), matrix_precision("fp32", CUDA):
        yield


def job_of(module: nn.Module, **given: Any) -> Job:
    tensors, target = images()
    source = Source.of_tensors([tensors], target, "device", CUDA)
    return Job(module.train(), IMAGES, source, source, CUDA, **given)


def ready_of(module: nn.Module, plan: Plan, **given: Any) -> tuple[Job, Ready]:
    job = job_of(module, **given)
    return job, make_ready(job, plan, Single(CUDA))


@pytest.mark.parametrize(
    "given",
    [{}, {"clip": 1.0}, {"precision": "bf16"}, {"precision": "fp16"}, {"accumulate": 4}, {"average": "ema"}],
    ids=["plain", "clipped", "bf16", "fp16", "accumulated", "averaged"],
)
def test_the_host_never_waits_in_a_steady_step(given: dict[str, Any]) -> None:
    job, ready = ready_of(network(norm=True, dropout=0.1), plan_of(**given), vary=compose([Flip()], IMAGES))
    run(job, ready)
    torch.cuda.set_sync_debug_mode("error")
    try:
        with feed(job.train, ready.plan, ready.placement, 1, 0) as batches:
            for batch, count in batches:
                ready.step(batch, count)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_captured_step_has_the_losses_of_an_eager_one() -> None:
    found = []
    for graphs in (False, True):
        job, ready = ready_of(network(), plan_of(batch=8, steps=12, graphs=graphs))
        with feed(job.train, ready.plan, ready.placement, 0, 0) as batches:
            for batch, count in batches:
                ready.step(batch, count)
        found.append(ready.state.losses.settle().clone())
    assert found[0].isfinite().all() and len(found[0].unique()) > 1
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)


def test_the_peak_memory_of_a_trial_leaves_out_what_others_hold() -> None:
    job = job_of(network())
    bench = LoopBench(job, plan_of(), Single(CUDA))
    other = bench.build(bench.plan)
    other.steps(2)  # the first steps of a process allocate what all share
    large = torch.zeros(2**30, dtype=torch.uint8, device=CUDA)  # as much as larger trials hold
    trial = bench.build(bench.plan)
    trial.steps(3)
    weights = sum(4 * weight.numel() for weight in job.weights())
    assert 3 * weights < trial.peak_bytes < len(large) / 2  # weights and two moments at least
