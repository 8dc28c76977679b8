"""The training loop, from the first step to the best weights, to be read top to bottom.

Everything a step depends on stands in `State` or is a pure function of (seed, epoch, step): the order of the rows,
the learning rate, the chance in dropout and augmentation.  So a run that was broken off between any two steps ends
with the same weights, bit for bit, as one that was not (CPU, same plan).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import nn

from aimass.core.errors import Stopped
from aimass.core.signature import Signature
from aimass.core.step import Context
from aimass.train.data import Split
from aimass.train.order import batch_of, order, stream
from aimass.train.plan import Plan
from aimass.train.state import State
from aimass.train.valid import Loss, judge, loss_of, scores_of

TELL_EVERY = 1.0  # seconds between reports inside an epoch
SAVE_EVERY = 10.0  # seconds between checkpoints


def run(
    ctx: Context, module: nn.Module, plan: Plan, train: Split, valid: Split, signature: Signature
) -> dict[str, Any]:
    """Train MODULE by PLAN; it ends with the weights of the epoch with the lowest validation loss.

    Without validation rows the training loss decides.  Returns facts: epochs, best_epoch, rows, stopped (why).
    Raises InputError when the loss is no number any more, Stopped when asked to stop: `ctx.resume` then holds the
    state, and the next call goes on from there.
    """
    state = State(module, plan, ctx.resume / "gradient.safetensors")
    if state.resume():
        ctx.log(f"going on at epoch {state.epoch + 1}, step {state.step + 1}")
    clock = Clock(state)
    smoothed, plain = loss_of(signature, plan.smoothing), loss_of(signature)
    stopped = state.why_stop()
    while not stopped:
        turn = order(plan.seed, state.epoch, plan.rows)
        module.train()
        while state.step < plan.steps and not clock.over():
            one_step(state, smoothed, *train.take(batch_of(turn, state.step, plan.steps)))
            if clock.due(TELL_EVERY):
                _tell(ctx, state, clock, at=state.done / plan.steps, loss=state.mean_loss())
        figures = {"loss": state.mean_loss()}
        if len(valid):
            figures |= judge(scores_of(module, valid, plan.batch), valid, signature, plain)
        state.end_epoch(figures.get("valid_loss", figures["loss"]))
        state.fit_epochs(clock.seconds())
        _tell(ctx, state, clock, at=state.epoch, **figures)
        stopped = state.why_stop()
    module.load_state_dict(state.best)
    module.eval()
    return {"epochs": state.epoch, "best_epoch": state.best_epoch, "rows": plan.rows, "stopped": stopped}


def one_step(state: State, loss_of: Loss, tensors: list[np.ndarray], target: np.ndarray) -> None:
    """Forward, backward, update: one batch."""
    plan, optimizer = state.plan, state.optimizer
    torch.manual_seed(stream(plan.seed, state.epoch, state.step))
    for group in optimizer.param_groups:
        group["lr"] = plan.rate(state.done, state.epochs)
    loss = loss_of(state.module(*(torch.from_numpy(tensor) for tensor in tensors)), torch.from_numpy(target))
    loss.backward()  # type: ignore[no-untyped-call]
    if plan.clip:
        nn.utils.clip_grad_norm_(state.module.parameters(), plan.clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    state.losses[state.step] = loss.detach()
    state.step += 1


class Clock:
    """Seconds this run has taken, those before it was resumed included, and what follows from them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.began = time.monotonic() - state.seconds
        self.told = time.monotonic()
        self.told_steps = state.done
        self.rows_per_s = 0

    def seconds(self) -> float:
        return time.monotonic() - self.began

    def over(self) -> bool:
        """Whether the minutes of the plan are spent; the first epoch and the first step of each are done anyway."""
        minutes = self.state.plan.minutes
        return 0 < 60 * minutes < self.seconds() and self.state.epoch > 0 and self.state.step > 0

    def due(self, every: float) -> bool:
        """Whether the last report is EVERY seconds old."""
        return time.monotonic() - self.told >= every

    def rates(self) -> dict[str, float]:
        """Rows a second since the last report of a step; seconds left if no epoch is saved by an early stop."""
        plan, now = self.state.plan, time.monotonic()
        if steps := self.state.done - self.told_steps:
            self.rows_per_s = round(steps * plan.rows / plan.steps / max(now - self.told, 1e-9))
        left = (plan.steps * self.state.epochs - self.state.done) * self.seconds() / max(1, self.state.done)
        self.told, self.told_steps = now, self.state.done
        return {"rows_per_s": self.rows_per_s, "seconds_left": round(left, 1)}


def _tell(ctx: Context, state: State, clock: Clock, at: float, **figures: float) -> None:
    """Report, and keep the state now and then; always when asked to stop."""
    state.seconds = clock.seconds()
    if state.save_due(SAVE_EVERY):
        state.save()
    try:
        ctx.report(at, **figures, **clock.rates())
    except Stopped:
        state.save()
        raise
