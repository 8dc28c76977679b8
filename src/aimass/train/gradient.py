"""Gradient descent (AdamW, Loshchilov and Hutter 2017, arXiv 1711.05101) for torch architectures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from safetensors.torch import save_model
from torch import nn

from aimass.core.artifact import Examples
from aimass.core.errors import InputError
from aimass.core.part import knob
from aimass.core.signature import Signature
from aimass.core.step import Context
from aimass.models.base import Architecture
from aimass.models.export import check_rows_apart, export
from aimass.train import plan as planning
from aimass.train.base import Recipe
from aimass.train.data import Split, check, open_split
from aimass.train.loop import run
from aimass.train.order import steps_of, stream
from aimass.train.plan import Plan
from aimass.train.reproducible import reproducible

SHOWN = 16  # rows that an exported network must answer as the trained one does


class Gradient(Recipe):
    """AdamW with one learning-rate cycle; stops when the loss on the validation rows no longer falls."""

    fits: ClassVar[str] = "gradient"

    epochs: Literal["auto"] | int = knob("auto", 1, 100_000, help="times every row is seen at most; auto: 4000 steps")
    batch: Literal["auto"] | int = knob("auto", 1, 1_000_000, log=True, help="rows a step; auto: 200 steps an epoch")
    learning_rate: Literal["auto"] | float = knob("auto", 1e-6, 10.0, log=True, help="highest; auto: by the batch")
    schedule: Literal["one-cycle", "cosine", "constant"] = knob("one-cycle", help="of the learning rate")
    weight_decay: float = knob(0.05, 0.0, 10.0, help="pull of weights to zero; not of biases and norms")
    clip: float = knob(1.0, 0.0, 1000.0, help="longest gradient; 0: no limit")
    smoothing: float = knob(0.0, 0.0, 0.5, help="share of the truth given to all classes alike")
    patience: Literal["auto"] | int = knob("auto", 1, 100_000, help="epochs without a better loss before the stop")
    minutes: float = knob(0.0, 0.0, help="stop after so long with the best so far; 0: no limit")
    threads: Literal["auto"] | int = knob(
        "auto", 1, 256, help="part of the result (sums in another order); auto: 1 for small steps, else 2"
    )

    def fit(self, ctx: Context, architecture: Architecture, examples: Examples, out: Path) -> dict[str, Any]:
        """Writes OUT/network.onnx and OUT/weights.safetensors of the epoch with the lowest validation loss."""
        signature = examples.signature
        train, valid = open_split(examples, "train"), open_split(examples, "valid")
        check(train, signature)
        with reproducible(1, stream("weights", ctx.seed)):
            module = architecture.build(signature)
            _check_scores(module, signature, train)
        plan = self.plan(len(train), ctx.seed, _work(module, signature))
        with reproducible(plan.threads, stream("weights", plan.seed)):
            facts = run(ctx, module, plan, train, valid, signature)
            export(module, signature, train.named(slice(0, SHOWN)), out / "network.onnx")
        save_model(module, str(out / "weights.safetensors"))
        return facts

    def plan(self, rows: int, seed: int, work: float = 0.0) -> Plan:
        """Every `auto` settled for so many ROWS, each about WORK multiplications."""
        batch = min(rows, planning.auto_batch(rows) if self.batch == "auto" else self.batch)
        batch = max(batch, 2)  # batch norm has no statistics of a single row
        steps = max(1, min(steps_of(rows, batch), rows // 2))
        epochs = planning.auto_epochs(steps) if self.epochs == "auto" else self.epochs
        return Plan(
            rows=rows,
            batch=batch,
            epochs=epochs,
            steps=steps,
            learning_rate=planning.auto_rate(batch) if self.learning_rate == "auto" else self.learning_rate,
            schedule=self.schedule,
            weight_decay=self.weight_decay,
            clip=self.clip,
            smoothing=self.smoothing,
            patience=max(5, epochs // 4) if self.patience == "auto" else self.patience,
            minutes=self.minutes,
            threads=planning.auto_threads(batch * work) if self.threads == "auto" else self.threads,
            seed=seed,
        )


def _work(module: nn.Module, signature: Signature) -> float:
    """Multiplications a row, roughly: a weight each; a convolution uses its weights at every pixel."""
    weights = sum(p.numel() for p in module.parameters())
    pixels = max((field.shape[-1] * field.shape[-2] for field in signature.inputs if len(field.shape) == 3), default=1)
    return float(weights * pixels)


def _check_scores(module: nn.Module, signature: Signature, train: Split) -> None:
    """Raises InputError when MODULE is not a map of the tensors to [N, width], or has nothing to learn."""
    if not any(p.requires_grad for p in module.parameters()):
        raise InputError(f"{type(module).__name__} has no weights to train", expected="a module with parameters")
    check_rows_apart(module)
    tensors = [torch.from_numpy(array) for array in train.named(slice(0, 2)).values()]
    module.eval()
    with torch.no_grad():
        scores = module(*tensors)
    shape = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
    if shape != (2, signature.width):
        raise InputError(
            f"{type(module).__name__} gives {shape} for 2 rows",
            expected=f"scores (2, {signature.width}): one column for two classes and for a value, else one a class",
            todo="let the last layer give signature.width columns",
            key="model",
        )
