"""All that a training run changes while it runs: nothing that matters stands outside of it.

What is not here is a pure function of (seed, epoch, step): the order of rows, the rate, the chance in augmentation
and dropout.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from aimass.core.errors import InputError
from aimass.train.average import Average
from aimass.train.metrics import Losses
from aimass.train.optimizer import Optimizer, export_state, import_state
from aimass.train.plan import DEFAULT, Plan
from aimass.train.precision import Scaler

# Of a state, in the facts of a checkpoint.
NUMBERS = ("epoch", "step", "epochs", "seconds", "began", "fastest", "best_epoch", "best_loss",
           "untrained")  # fmt: skip
WORSE = 2.0  # times the loss before the first step: a network that unlearns
MOST_BAD = 8  # steps without a finite loss, one after the other, after which a run is lost


class State:
    """Weights, optimizer, averages, position, losses of the running epoch, best weights so far.

    epoch   finished epochs
    step    steps of the running one that the optimizer has done: batches fetched ahead do not count
    epochs  of the run: those of the plan, or so many as its minutes allow; a part of one where it must end inside
    untrained  loss of the first step
    began   seconds of the run before the running epoch; `fastest`: those of the quickest epoch so far
    """

    def __init__(self, module: nn.Module, plan: Plan, optimizer: Optimizer, device: torch.device) -> None:
        self.module, self.plan, self.optimizer = module, plan, optimizer
        self.average = None if plan.average == "none" else Average(module, plan.average, plan.average_decay)
        self.scaler = Scaler(device) if plan.precision == "fp16" else None
        self.epoch, self.step, self.seconds = 0, 0, 0.0
        self.epochs: float = plan.epochs
        self.began, self.fastest, self.untrained = 0.0, math.inf, math.nan
        self.losses = Losses(plan.steps, device)
        self.best: dict[str, Tensor] = copy_of(module)
        self.best_epoch, self.best_loss = 0, math.inf

    @property
    def done(self) -> int:
        """Finished steps of the whole run."""
        return self.epoch * self.plan.steps + self.step

    @property
    def averaging(self) -> bool:
        """Whether the averaged weights stand for the model by now."""
        if self.average is None:
            return False
        return self.plan.average == "ema" or self.done >= self.plan.average_from * self.plan.steps * self.epochs

    def end_epoch(self, loss: float) -> None:
        """Count the epoch, and keep its weights when LOSS is the lowest so far.  Raises InputError when it is none."""
        if not math.isfinite(loss):
            raise InputError(
                f"the validation loss is {loss:g} after epoch {self.epoch + 1}, though the training loss is finite",
                expected="a finite number",
                todo="look for infinite or missing values in the validation rows; else lower the learning_rate",
                key="learning_rate",
            )
        self.epoch, self.step = self.epoch + 1, 0
        self.losses.begin()
        if loss < self.best_loss:
            self.best, self.best_epoch, self.best_loss = copy_of(self.module), self.epoch, loss

    def why_stop(self) -> str:
        """'' while there is something to do."""
        plan, short = self.plan, self.epochs < self.plan.epochs
        limit = f"the {plan.minutes:g} minutes allowed {round(self.epochs, 3):g} of {plan.epochs} epochs"
        if self.epoch - self.best_epoch >= plan.patience:
            reason = f"no lower validation loss for {plan.patience} epochs"
            return f"{reason}; {limit}" if short else reason
        if self.epoch < self.epochs:
            return ""
        return limit if short else "all epochs done"

    def fit_epochs(self, seconds: float) -> None:
        """Plan anew, after each epoch, how many fit into the minutes; SECONDS were spent so far.

        The rate of learning then falls in time for the end, where a run that was merely broken off would end in the
        middle of its cycle.  A limit that is long enough changes nothing.  The quickest epoch sets the pace: the first
        one also warms up, and a busy moment of the machine says nothing of the epochs to come.
        """
        self.fastest, self.began = min(self.fastest, seconds - self.began), seconds
        if self.plan.minutes and self.epochs >= self.epoch:  # else the time was up inside of the last one
            left = 60 * self.plan.minutes - seconds
            self.epochs = min(self.plan.epochs, self.epoch + max(0, int(left / self.fastest)))

    def tensors(self) -> dict[str, Tensor]:
        """Everything with an array, by name: "module.layer.weight", "optimizer.layer.weight/exp_avg"."""
        tables = {
            "module": self.module.state_dict(),
            "best": self.best,
            "optimizer": export_state(self.optimizer, self.module),
            "average": {} if self.average is None else self.average.state_dict(),
            "scaler": {} if self.scaler is None else self.scaler.tensors(),
        }
        found = {f"{table}.{name}": value for table, values in tables.items() for name, value in values.items()}
        return {**found, "losses": self.losses.settle()}

    def facts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in NUMBERS}

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Be what `tensors` and `facts` told."""
        self.module.load_state_dict(table(tensors, "module"))
        device = self.losses.values.device  # copied: what was told may lie in a file
        self.best = {name: value.to(device, copy=True) for name, value in table(tensors, "best").items()}
        import_state(self.optimizer, self.module, table(tensors, "optimizer"))
        if self.average is not None:
            self.average.load_state_dict(table(tensors, "average"))
        if self.scaler is not None:
            for name, value in self.scaler.tensors().items():
                value.copy_(tensors.get(f"scaler.{name}", value))  # none where another precision was left
        for name in NUMBERS:
            setattr(self, name, facts[name])
        self.losses.values.copy_(tensors["losses"])
        self.losses.begin(self.step)


class Diverged(InputError):
    """Fewer bits, though their guard passed, have taken the loss of a run out of any band."""


def check_band(loss: float, untrained: float, plan: Plan) -> None:
    """Raises Diverged when PLAN has fewer bits by advice and ends an epoch far above the loss it began with."""
    advised = plan.origins.get("precision", DEFAULT).kind == "measured"
    if advised and loss - untrained > (WORSE - 1) * abs(untrained):
        raise Diverged(
            f"the loss of an epoch is {loss:.3g}, and was {untrained:.3g} before the first step",
            expected="a loss that falls in " + plan.precision,
            todo=f'give the recipe precision = "fp32", or a learning_rate below {plan.learning_rate:g}',
            key="learning_rate",
        )


def check_losses(losses: Tensor, epoch: int, batch: str, plan: Plan) -> int:
    """Bad ones (no finite number) among the LOSSES [steps so far] of an epoch; each was a step that changed nothing.

    BATCH says how the rows of a step are found again.  Raises InputError when too many followed each other, or when
    none of a whole epoch is good.
    """
    bad = ~torch.isfinite(losses)
    count = int(bad.sum())
    if count and (count == len(losses) == plan.steps or longest_run(bad) >= MOST_BAD):
        first = int(bad.nonzero()[0])
        raise InputError(
            f"the loss is {float(losses[first]):g} at step {first + 1} of epoch {epoch + 1}, and stays so",
            expected="a finite number, and a finite gradient; a single bad step is skipped, its weights untouched",
            todo=f"give the recipe a lower learning_rate (it was {plan.learning_rate:g}) or a smaller clip; if it is "
            f"the first step, look for infinite or missing values in the tensors ({batch})",
            key="learning_rate",
        )
    return count


def longest_run(flags: Tensor) -> int:
    """Most neighbours in FLAGS [N] that are all true."""
    ends = torch.cat([torch.tensor([-1]), (~flags).nonzero()[:, 0].cpu(), torch.tensor([len(flags)])])
    return int(ends.diff().max()) - 1


def table(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors called NAME.X, by X."""
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}


def copy_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
