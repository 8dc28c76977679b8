"""One training step, built once from a plan: plain functions put together, nothing looked up while it runs.

No step asks the device for an answer: whether a loss or a gradient is finite stays a flag on the device, and the
update of a bad step changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from aimass.train.batch import Batch
from aimass.train.job import Job
from aimass.train.losses import MASKED
from aimass.train.optimizer import set_rate
from aimass.train.parallel.base import Placement
from aimass.train.plan import Plan
from aimass.train.precision import autocast
from aimass.train.rng import Chance, stream
from aimass.train.state import State
from aimass.train.statistics import Statistics

Step = Callable[[Batch, int], None]  # this rank's part of a batch, valid rows of the whole batch
Backward = Callable[[Batch, int], Tensor]  # the same -> this rank's share of the loss


def build_step(plan: Plan, job: Job, state: State, network: nn.Module, placement: Placement) -> Step:
    """The step of PLAN for NETWORK (the module of STATE, compiled and wrapped as it may be)."""
    weights = job.weights()
    backward = _backward(plan, job, state, network, placement)
    finish, statistics = _finish(plan, state, weights, placement), Statistics(state.module)
    seed = _seeder(job.device)
    note, optimizer = state.losses.note, state.optimizer
    average = state.average if plan.average == "ema" else None  # SWA averages epochs, not steps

    def step(batch: Batch, count: int) -> None:
        for weight in weights:
            weight.grad = None
        seed(stream(plan.seed, state.epoch, state.step, placement.rank))
        set_rate(optimizer, plan.rate(state.done, state.epochs))
        statistics.keep()
        loss = backward(batch, count)
        statistics.restore(finish(loss))
        if average is not None:
            average.update()
        note(loss)
        state.step += 1

    return step


def _backward(plan: Plan, job: Job, state: State, network: nn.Module, placement: Placement) -> Backward:
    """Gradients of the mean loss over the valid rows of the whole batch, whoever holds which of them."""
    cast, vary = autocast(plan.precision, job.device), _vary(plan, job, state)
    scale = state.scaler.scale if state.scaler else None
    # Mixing leaves shares of the classes, in which a loss cannot see how many rows were masked.
    blind = job.vary is not None and has_masks(job.train.target())
    whole = plan.accumulate == 1 and placement.world == 1 and not blind
    loss_of = job.loss(job.signature, plan.smoothing, "mean" if whole else "sum")

    def forward(batch: Batch) -> Tensor:
        with cast:
            return loss_of(network(*batch.tensors), batch.target)

    def of_whole(batch: Batch, count: int) -> Tensor:
        loss = forward(vary(batch))
        (loss if scale is None else loss * scale).backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def of_parts(batch: Batch, count: int) -> Tensor:
        total, parts = torch.zeros((), device=job.device), list(parts_of(vary(batch), plan.accumulate))
        share = placement.world / count if count else math.nan  # gradients are averaged over the ranks
        for part in parts:
            with placement.sync_context(part is parts[-1]):
                loss = forward(part) * share
                (loss if scale is None else loss * scale).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    return of_whole if whole else of_parts


def _finish(plan: Plan, state: State, weights: list[Tensor], placement: Placement) -> Callable[[Tensor], Tensor]:
    """From gradients to new weights: unscale, clip, update unless something is not finite; that flag is returned.

    A loss whose gradient is not finite becomes NaN, so that the step is counted among the bad ones.  Half precision
    overflows until its scale has settled: there it is one only when no scale is small enough.
    """
    optimizer, scaler = state.optimizer, state.scaler

    def plain(loss: Tensor) -> Tensor:
        bad = not_finite(loss)
        optimizer.step(bad)
        return bad

    def clipped(loss: Tensor) -> Tensor:
        nothing = placement.clip(weights, plan.clip, plan.clip_by) * 0  # NaN where the norm is not finite
        bad = torch.ne(nothing, 0).float()
        loss += nothing
        optimizer.step(bad)
        return bad

    def scaled(loss: Tensor) -> Tensor:
        assert scaler is not None
        bad = torch.zeros((), device=loss.device)
        scaler.unscale([weight.grad for weight in weights if weight.grad is not None], bad)
        if plan.clip:
            placement.clip(weights, plan.clip, plan.clip_by)
        optimizer.step(bad)
        scaler.adapt(bad)
        loss.masked_fill_((bad > 0) & (scaler.scale < 1), torch.nan)
        return bad

    if scaler:
        return scaled
    # Ranks see their own losses but the same gradients: they must agree on what is bad.
    return clipped if plan.clip or placement.world > 1 else plain


def parts_of(batch: Batch, count: int) -> Iterator[Batch]:
    """BATCH in so many micro-batches that differ by a row at most; views, none of them empty."""
    for i in range(min(count, batch.size)):
        rows = slice(i * batch.size // min(count, batch.size), (i + 1) * batch.size // min(count, batch.size))
        yield Batch(tuple(tensor[rows] for tensor in batch.tensors), batch.target[rows], batch.rows[rows])


def has_masks(target: Tensor) -> bool:
    """Whether a place of TARGET does not count."""
    return not target.is_floating_point() and bool((target == MASKED).any())


def not_finite(value: Tensor) -> Tensor:
    """1.0 where the scalar VALUE is infinite or no number, else 0.0; on its device."""
    return torch.ne(value * 0, 0).float()


def _vary(plan: Plan, job: Job, state: State) -> Callable[[Batch], Batch]:
    """Augmentations, then the memory layout that the network wants."""
    augment = job.vary
    last = torch.channels_last if plan.layout == "channels-last" else None

    def vary(batch: Batch) -> Batch:
        if augment is not None:
            batch = augment(batch, Chance(plan.seed, state.epoch, batch.rows))
        if last is not None:
            laid = tuple(t.contiguous(memory_format=last) if t.ndim == 4 else t for t in batch.tensors)
            batch = batch._replace(tensors=laid)
        return batch

    return vary if augment is not None or last is not None else lambda batch: batch


def _seeder(device: torch.device) -> Callable[[int], object]:
    """Sets the generator that dropout draws from; of the one device only, which is quicker than all of them."""
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index or 0].manual_seed
    return torch.default_generator.manual_seed
