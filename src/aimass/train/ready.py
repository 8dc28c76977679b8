"""A plan made real: everything that is done to a module before its first step, in one fixed order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import nn

from aimass.core.errors import InputError
from aimass.train.build import Step, build_step
from aimass.train.job import Job
from aimass.train.optimizer import build_optimizer, groups_of
from aimass.train.parallel.base import Placement
from aimass.train.plan import Origin, Plan
from aimass.train.precision import autocast
from aimass.train.recompute import recompute_blocks
from aimass.train.state import State


@dataclass(frozen=True)
class Ready:
    """A network that can be trained: its state, and the step that changes it."""

    plan: Plan
    state: State
    network: nn.Module  # the module, compiled and wrapped as the plan says
    step: Step
    placement: Placement


def make_ready(job: Job, plan: Plan, placement: Placement) -> Ready:
    """Device and layout -> recomputing -> compiling -> replicating -> optimizer -> averaging -> step."""
    # Contiguous, too: who made the module may have laid it out otherwise.
    laid = torch.channels_last if plan.layout == "channels-last" else torch.contiguous_format
    module: nn.Module = job.module.to(job.device, memory_format=laid)  # type: ignore[call-overload]  # not in the stubs
    if plan.recompute:
        recompute_blocks(module)
    network = placement.wrap(_compiled(module, plan, job), plan.hook)
    groups = groups_of(module, plan.weight_decay, job.scales)
    optimizer = build_optimizer(
        plan.optimizer,
        groups,
        momentum=plan.momentum,
        nesterov=plan.nesterov,
        beta1=plan.beta1,
        beta2=plan.beta2,
        epsilon=plan.epsilon,
        update=plan.update,
        graphs=plan.graphs,
    )
    state = State(module, plan, optimizer, job.device)
    return Ready(plan, state, network, build_step(plan, job, state, network, placement), placement)


def _compiled(module: nn.Module, plan: Plan, job: Job) -> nn.Module:
    """Batches of an epoch differ by a row at most, so two static shapes are two compilations."""
    if plan.graphs:
        return graphed_of(module, plan, job)
    if plan.compile == "none":
        return module
    compiled: nn.Module = torch.compile(module, mode=plan.compile, dynamic=False)  # type: ignore[assignment]
    return compiled


def graphed_of(module: nn.Module, plan: Plan, job: Job) -> nn.Module:
    """MODULE with its forward and backward as CUDA graphs, where all batches have one shape.

    They are captured as it trains: in training mode and in the precision of PLAN.  Evaluation does without them.  What
    warming up did to running statistics is undone.
    """
    rows = torch.arange(plan.rows // plan.steps // plan.accumulate)
    before = [buffer.clone() for buffer in module.buffers()]
    module.train()
    with autocast(plan.precision, job.device, cache=False):
        graphed: nn.Module = torch.cuda.make_graphed_callables(module, job.train.fetch(rows).tensors)  # type: ignore[assignment]
    for buffer, value in zip(module.buffers(), before, strict=True):
        buffer.copy_(value)
    return graphed


def in_halves(ready: Ready, job: Job, rows: int, error: BaseException) -> Ready:
    """READY with micro-batches of half the rows, after an ERROR for want of memory at ROWS.

    The gradients stay those of the whole batch.  Raises InputError when there is nothing left to halve, and on several
    ranks: the others have this step's gradients on the way, and a rank that begins it again would never meet them.
    """
    plan, state, said = ready.plan, ready.state, str(error).splitlines()[0]
    if ready.placement.world > 1:
        raise InputError(
            f"a step of {rows} rows does not fit in memory on rank {ready.placement.rank}: {said}",
            expected="steps that fit on every rank: one cannot be done again while the others exchange its gradients",
            todo=f"give accumulate = {2 * plan.accumulate} (the same gradients, in smaller parts) or a smaller batch; "
            "with more workers the run goes on from its last checkpoint, where it keeps any",
            key="accumulate",
        ) from error
    if 2 * plan.accumulate > rows:
        raise InputError(
            f"a step does not fit in memory, not even row by row: {said}",
            expected="a network whose weights and activations of one row fit",
            todo="make the network smaller, or train on a machine with more memory",
            key="model",
        ) from error
    reason = f"a step of {rows // plan.accumulate} rows did not fit in memory"
    plan = plan.having(Origin("measured", reason=reason), accumulate=2 * plan.accumulate)
    state.plan = plan
    return replace(ready, plan=plan, step=build_step(plan, job, state, ready.network, ready.placement))
