"""All that a training run changes while it runs, and how it is kept: nothing that matters stands outside of it."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aimass.core.canonical import digest_of
from aimass.core.errors import InputError
from aimass.train import checkpoint
from aimass.train.plan import Plan

NUMBERS = ("epoch", "step", "epochs", "seconds", "began", "fastest", "best_epoch", "best_loss")  # of a state


class State:
    """Weights, optimizer, position, losses of the running epoch, best weights so far.

    epoch   finished epochs
    step    finished steps of the running one
    epochs  of the run: those of the plan, or so many as its minutes allow
    began   seconds of the run before the running epoch; `fastest`: those of the quickest epoch so far
    """

    def __init__(self, module: nn.Module, plan: Plan, path: Path) -> None:
        self.module, self.plan, self.path = module, plan, path
        self.optimizer = _optimizer(module, plan)
        self.epoch, self.step, self.seconds = 0, 0, 0.0
        self.epochs = plan.epochs
        self.began, self.fastest = 0.0, math.inf
        self.losses = torch.full((plan.steps,), math.nan)
        self.best: dict[str, Tensor] = _copy(module)
        self.best_epoch, self.best_loss = 0, math.inf
        self._saved = -math.inf

    @property
    def done(self) -> int:
        """Finished steps of the whole run."""
        return self.epoch * self.plan.steps + self.step

    def mean_loss(self) -> float:
        """Mean loss of the running epoch's steps.  Raises InputError naming the first that is no number."""
        losses = self.losses[: self.step]
        bad = (~torch.isfinite(losses)).nonzero()
        if len(bad):
            raise InputError(
                f"the loss is {float(losses[bad[0]]):g} at step {int(bad[0]) + 1} of epoch {self.epoch + 1}",
                expected="a finite number",
                todo=f"give the recipe a lower learning_rate (it was {self.plan.learning_rate:g}) or a smaller clip; "
                "if it is the first step, look for infinite or missing values in the tensors",
                key="learning_rate",
            )
        return float(losses.mean())

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
        if loss < self.best_loss:
            self.best, self.best_epoch, self.best_loss = _copy(self.module), self.epoch, loss

    def why_stop(self) -> str:
        """'' while there is something to do."""
        plan, short = self.plan, self.epochs < self.plan.epochs
        limit = f"the {plan.minutes:g} minutes allowed {self.epochs} of {plan.epochs} epochs"
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
        if self.plan.minutes:
            left = 60 * self.plan.minutes - seconds
            self.epochs = min(self.plan.epochs, self.epoch + max(0, int(left / self.fastest)))

    def save(self) -> None:
        """Write the state; only between steps, and never one whose loss is no number."""
        self._saved = time.monotonic()
        moments = {
            f"{number}.{name}": value
            for number, values in self.optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        tables = {"module": self.module.state_dict(), "best": self.best, "optimizer": moments}
        tensors = {f"{table}.{name}": value for table, found in tables.items() for name, value in found.items()}
        numbers = {name: getattr(self, name) for name in NUMBERS}
        plan = digest_of(self.plan.as_json())
        checkpoint.save(self.path, {**tensors, "losses": self.losses}, {"plan": plan, **numbers})

    def save_due(self, every: float) -> bool:
        """Whether the last save is EVERY seconds old."""
        return time.monotonic() - self._saved >= every

    def resume(self) -> bool:
        """Take the state that an earlier attempt at the same plan left; False when there is none."""
        saved = checkpoint.load(self.path)
        if saved is None or saved[1]["plan"] != digest_of(self.plan.as_json()):
            return False
        tensors, facts = saved
        self.module.load_state_dict(_table(tensors, "module"))
        self.best, self.losses = _table(tensors, "best"), tensors["losses"]
        self._set_moments(_table(tensors, "optimizer"))
        for name in NUMBERS:
            setattr(self, name, facts[name])
        return True

    def _set_moments(self, moments: dict[str, Tensor]) -> None:
        """Give the optimizer its MOMENTS ("3.exp_avg": of the fourth weight), laid out in memory as the weights are."""
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in moments.items():
            number, _, name = key.partition(".")
            alike = value.shape == weights[int(number)].shape
            laid = torch.empty_like(weights[int(number)]).copy_(value) if alike else value
            state.setdefault(int(number), {})[name] = laid.detach()
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})


def _optimizer(module: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """AdamW; weights decay, biases and norms (one axis) do not."""
    weights: list[Any] = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in weights if p.ndim > 1], "weight_decay": plan.weight_decay},
        {"params": [p for p in weights if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=plan.learning_rate, fused=True)


def _table(tensors: dict[str, Tensor], table: str) -> dict[str, Tensor]:
    """The tensors called TABLE.NAME, by NAME."""
    return {name.removeprefix(f"{table}."): value for name, value in tensors.items() if name.startswith(f"{table}.")}


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
