"""The training loop, from the first step to the best weights, to be read top to bottom.

Everything a step depends on stands in `State` or is a pure function of (seed, epoch, step).  So a run that was broken
off anywhere ends with the same weights, bit for bit, as one that was not (same plan, ranks and processor); with other
ranks it sees the same rows in the same order.
"""

from __future__ import annotations

import gc
import time
from typing import Any

import torch

from aimass.core.errors import Stopped
from aimass.core.step import Context
from aimass.train.batch import Batch
from aimass.train.checkpoint import Keeper
from aimass.train.drift import Drift
from aimass.train.feed import feed
from aimass.train.job import Job
from aimass.train.memory import is_out_of_memory
from aimass.train.metrics import Figures, Reporter, snapshot
from aimass.train.pulse import Pulse
from aimass.train.ready import Ready, in_halves
from aimass.train.state import check_band, check_losses
from aimass.train.valid import averaged, evaluate


def run(ctx: Context, job: Job, ready: Ready, keeper: Keeper, request: str) -> dict[str, Any]:
    """Train the module of JOB; it ends with the weights of the epoch with the lowest validation loss.

    Without validation rows the training loss decides.  Returns facts: epochs, best_epoch, rows, stopped (why).
    KEEPER gets the state now and then, marked by the REQUEST it belongs to.  Raises InputError when the loss is no
    number any more, Stopped when asked to stop: KEEPER then holds the state.
    """
    state, placement = ready.state, ready.placement
    going = Going(ctx, job, ready, keeper, request)
    pulse = going.pulse
    stopped = state.why_stop()
    with going:
        while not stopped:
            job.module.train()
            pulse.begin_epoch()
            with feed(job.train, state.plan, placement, state.epoch, state.step) as batches:
                for batch, count in batches:
                    going.one_step(batch, count)
                    if pulse.due():
                        going.look_up()
                        if pulse.over:
                            break
            figures = {"loss": going.mean_loss(), "epoch_rows_per_s": round(pulse.epoch_rows_per_s())}
            with averaged(job, state, placement):
                figures |= evaluate(job, state.plan, placement)
                state.end_epoch(figures.get("valid_loss", figures["loss"]))
            state.fit_epochs(*pulse.agree([pulse.seconds()]))
            going.tell(state.epoch, lambda figures=figures: figures)  # bound now
            stopped = state.why_stop()
            if not stopped:
                going.stop_if_asked()
    job.module.load_state_dict(state.best)
    job.module.eval()
    return {"epochs": state.epoch, "best_epoch": state.best_epoch, "rows": state.plan.rows, "stopped": stopped}


class Going:
    """A run under way: what happens beside its steps."""

    def __init__(self, ctx: Context, job: Job, ready: Ready, keeper: Keeper, request: str) -> None:
        self.ctx, self.job, self.ready, self.keeper, self.request = ctx, job, ready, keeper, request
        self.state, self.placement = ready.state, ready.placement
        self.pulse = Pulse(ready.state, ready.placement)
        self.reporter = Reporter(ctx)
        self.drift = Drift(ready.plan)

    def __enter__(self) -> Going:
        self._collected = gc.isenabled()
        gc.freeze()  # what is there stays: no collection need walk it again
        gc.disable()  # in the middle of a step; `look_up` collects
        return self

    def __exit__(self, *raised: object) -> None:
        if self._collected:
            gc.enable()
        gc.unfreeze()
        self.reporter.close()
        if raised[0] is None:
            if self.reporter.stop_asked():  # by the very last report
                self.save()
            self.keeper.wait()
            self.reporter.check()

    def one_step(self, batch: Batch, count: int) -> None:
        """A step; in smaller parts, of the same batch, when it does not fit in memory."""
        try:
            self.ready.step(batch, count)
            return
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            self.ready = in_halves(self.ready, self.job, batch.size, error)
        # Behind the handler: the error's frames held the activations that did not fit.
        self.drift = Drift(self.ready.plan)  # smaller parts take their own time
        self.ctx.log(f"a step of {batch.size} rows does not fit in memory: now in {self.state.plan.accumulate} parts")
        self.one_step(batch, count)

    def look_up(self) -> None:
        """Report, keep the state now and then, and always when asked to stop.  Raises Stopped then.

        What a report raised is raised here, on all ranks alike: after the same step.
        """
        self.pulse.look(self.reporter.failed is not None)
        values, event = snapshot(self.losses())
        state, figures = self.state, self.pulse.rates()
        epoch, batch_of = state.epoch, self.batch_of

        def loss() -> Figures:
            bad = check_losses(values, epoch, batch_of, state.plan)
            skipped = {"skipped": float(bad)} if bad else {}
            return {"loss": float(values[torch.isfinite(values)].mean()), **skipped, **figures}

        self.reporter.tell(state.done / state.plan.steps, loss, event)
        for line in self.drift.look(self.pulse.step_seconds, epoch):
            self.ctx.log(line)
        self.keeper.check()
        if self.pulse.save and not self.pulse.stop:
            self.save()
        if self.pulse.stop:
            self.stop()
        gc.collect(1)

    def stop_if_asked(self) -> None:
        """Between two epochs; all ranks alike."""
        (asked,) = self.pulse.agree([self.reporter.failed is not None])
        if asked:
            self.stop()

    def stop(self) -> None:
        """Keep the state and raise Stopped; or raise what else was wrong, the last state kept as it is."""
        self.reporter.close()  # by now all ranks have heard the same
        self.reporter.stop_asked()
        self.save()
        self.keeper.wait()
        self.reporter.check()
        raise Stopped("rank 0 was asked to stop", todo="run again to go on from the last checkpoint")

    def losses(self) -> torch.Tensor:
        """Of the steps of this epoch, over all ranks."""
        values = self.state.losses.settle()[: self.state.step]
        return values if self.placement.world == 1 else self.placement.reduce(values) / self.placement.world

    def mean_loss(self) -> float:
        """Of the epoch's good steps.  Raises InputError when there are too few of them."""
        values = self.losses()
        bad = check_losses(values, self.state.epoch, self.batch_of, self.state.plan)
        if bad:
            self.ctx.log(f"epoch {self.state.epoch + 1}: {bad} steps without a finite loss were skipped")
        good = values[torch.isfinite(values)]
        if not self.state.epoch:
            self.state.untrained = float(good[0])
        mean = float(good.mean())
        check_band(mean, self.state.untrained, self.state.plan)
        return mean

    @property
    def batch_of(self) -> str:
        """How the rows of a step are found again."""
        return f"its rows: aimass.train.feed.rows_of_step(source, plan, {self.state.epoch}, step - 1)"

    def tell(self, at: float, figures: Any) -> None:
        rates = self.pulse.rates()
        self.reporter.tell(at, lambda: {**figures(), **rates})

    def save(self) -> None:
        """Keep the state; rank 0 writes what all ranks hold."""
        state, began = self.state, time.monotonic()
        state.seconds = self.pulse.seconds()
        others = self.placement.gather_state()  # first: it settles what running statistics are
        tensors = {**state.tensors(), **others}
        if self.placement.world > 1:  # each rank goes on from the mean, and the mean of means is the mean
            tensors["losses"] = self.placement.reduce(tensors["losses"]) / self.placement.world
        facts = {**state.facts(), "request": self.request, "plan": state.plan.as_json()}
        if self.placement.rank == 0:
            self.keeper.save(tensors, facts)
        self.pulse.saved(time.monotonic() - began)
