"""Gradient descent for torch architectures: the user's settings, settled to a plan and handed to the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal

from aimass.core.artifact import Examples, Model
from aimass.core.canonical import digest_of_file
from aimass.core.errors import InputError
from aimass.core.part import Settings, knob
from aimass.core.signature import Signature
from aimass.core.step import Context
from aimass.models.base import Architecture
from aimass.models.inputs import of_kind
from aimass.train import auto
from aimass.train.augment.base import Augmentation
from aimass.train.augment.flip import Flip
from aimass.train.augment.shift import Shift
from aimass.train.base import Recipe
from aimass.train.optimizer import OPTIMIZERS, implementations
from aimass.train.order import steps_of
from aimass.train.plan import USER, Plan
from aimass.train.reproducible import device_here
from aimass.train.sample import shares_of
from aimass.train.schedule import rule_of, scaled_rate
from aimass.train.worker import work

SHOWN = 16  # rows that an exported network must answer as the trained one does
AMONG = 512  # first rows that they are taken from


MARK = "#sha256="
USUAL = ("momentum", "nesterov", "beta1", "beta2", "epsilon")  # each optimizer has its own
PLANNED = frozenset(known.name for known in fields(Plan))  # settings that become fields of the plan by their names


class Lora(Settings):
    """Low-rank additions to linear layers (Hu et al. 2021, arXiv 2106.09685)."""

    rank: int = knob(8, 1, 1024, log=True, help="of the additions")
    alpha: float = knob(16.0, 0.0, 1e4, help="their weight, times the rank")
    dropout: float = knob(0.0, 0.0, 0.9)
    layers: list[str] = knob(("*",), help="patterns of linear layers")


class Gradient(Recipe):
    """Gradient descent with mini-batches; stops when the loss on the validation rows no longer falls."""

    fits: ClassVar[str] = "gradient"

    epochs: Literal["auto"] | int = knob("auto", 1, 100_000, help="times every row is seen at most; auto: 4000 steps")
    batch: Literal["auto", "find"] | int = knob(
        "auto", 1, 1_000_000, log=True, help="rows a step, over all workers; auto: 200 steps an epoch; find: by trying"
    )
    accumulate: int = knob(1, 1, 4096, help="micro-batches a step, for batches that memory cannot hold")
    optimizer: Literal["adamw", "adam", "sgd", "adagrad", "rmsprop", "adadelta", "muon"] = knob("adamw")
    learning_rate: Literal["auto"] | float = knob("auto", 1e-6, 10.0, log=True, help="highest; auto: by the batch")
    reference_batch: int = knob(0, 0, 1_000_000, help="the batch that learning_rate is right for; 0: the batch itself")
    schedule: Literal["one-cycle", "cosine", "step", "exponential", "constant"] = knob(
        "one-cycle", help="of the learning rate"
    )
    warm_up: float = knob(0.0, 0.0, 0.9, help="share of the steps in which the rate rises; one-cycle: 0 is a quarter")
    decay: float = knob(0.1, 0.0, 1.0, help="of the rate, every `decay_every` epochs (step, exponential)")
    decay_every: int = knob(30, 1, 100_000, help="epochs")
    momentum: Literal["auto"] | float = knob("auto", 0.0, 0.9999, help="of sgd, rmsprop and muon")
    nesterov: Literal["auto"] | bool = knob("auto", help="look ahead of the momentum (sgd, muon)")
    beta1: Literal["auto"] | float = knob("auto", 0.0, 0.9999, help="memory of the mean gradient (adam, adamw)")
    beta2: Literal["auto"] | float = knob("auto", 0.0, 0.99999, help="memory of its square (all but sgd and adagrad)")
    epsilon: Literal["auto"] | float = knob("auto", 0.0, 1.0, help="added to what steps are divided by")
    weight_decay: float = knob(0.05, 0.0, 10.0, help="pull of weights to zero; not of biases and norms")
    clip: float = knob(1.0, 0.0, 1000.0, help="longest gradient, or largest value in it; 0: no limit")
    clip_by: Literal["norm", "value"] = knob("norm")
    smoothing: float = knob(0.0, 0.0, 0.5, help="share of the truth given to all classes alike")
    average: Literal["none", "ema", "swa"] = knob("none", help="of the weights, over steps (ema) or epochs (swa)")
    average_decay: float = knob(0.999, 0.0, 0.999999, help="of ema, a step")
    average_from: float = knob(0.75, 0.0, 1.0, help="share of the steps after which swa begins")
    augment: Literal["auto"] | list[Augmentation] = knob(
        "auto",
        help="what varies the training rows by chance, in order; auto: images are mirrored and shifted a bit",
    )
    sampling: str | dict[str, float] = knob("none", help='"none", "balanced", or the share of each class by name')
    patience: Literal["auto"] | int = knob("auto", 1, 100_000, help="epochs without a better loss before the stop")
    minutes: float = knob(0.0, 0.0, help="stop after so long with the best so far; 0: no limit")
    threads: Literal["auto"] | int = knob(
        "auto", 1, 256, help="part of the result (sums in another order); auto: 1 for small steps, else 2"
    )
    precision: Literal["auto", "fp32", "tf32", "bf16", "fp16"] = knob("auto", help="auto: fp32, unless less pays")
    layout: Literal["auto", "contiguous", "channels-last"] = knob("auto", help="of images in memory")
    update: Literal["auto", "fused", "foreach", "single"] = knob("auto", help="how the optimizer is implemented")
    compile: Literal["auto", "none", "default", "reduce-overhead", "max-autotune"] = knob("auto", help="by torch")
    graphs: Literal["auto"] | bool = knob("auto", help="record the step once and replay it (CUDA)")
    recompute: Literal["auto"] | bool = knob("auto", help="forget activations and compute them again: less memory")
    tier: Literal["auto", "device", "memory", "mapped"] = knob("auto", help="where the rows lie; auto: by their size")
    prefetch: Literal["auto"] | bool = knob("auto", help="fetch the next batch while a step runs")
    hook: Literal["none", "fp16", "bf16", "powersgd"] = knob("none", help="shorter gradients between workers")
    advise: Literal["auto", "off"] | float = knob(
        "auto",
        0.0,
        86_400.0,
        help="seconds for trying accelerations here; auto: a twentieth of the run, more where that pays",
    )

    weights: str = knob("", help="a safetensors file to begin with; a model is given to the step as `start`")
    head: Literal["keep", "new"] = knob("keep", help="the last layer of a model to begin with")
    freeze: list[str] = knob((), help='patterns of weights that stay as they are; "!head" means all but those')
    rates: dict[str, float] = field(
        default_factory=dict, metadata={"help": "patterns of weights, and what their learning rate is multiplied by"}
    )
    layer_decay: float = knob(1.0, 0.01, 1.0, help="of the learning rate from each layer to the one before it")
    lora: Lora | None = knob(None, help="train low-rank additions to linear layers instead of their weights")

    def fit(
        self, ctx: Context, architecture: Architecture, examples: Examples, out: Path, start: Model | None = None
    ) -> dict[str, Any]:
        """Writes OUT/network.onnx and OUT/weights.safetensors of the epoch with the lowest validation loss."""
        order = self.order(architecture, examples, ctx.seed, start)
        facts: dict[str, Any] = ctx.gang(work, order=order, out=str(out), resume=str(ctx.resume))[0]
        return facts

    def order(self, architecture: Architecture, examples: Examples, seed: int, start: Model | None) -> dict[str, Any]:
        """What a worker has to know, as JSON."""
        return {
            "architecture": architecture.settings(),
            "recipe": self.settings(),
            "examples": str(examples.folder),
            "start": str(start.folder) if start else "",
            "seed": seed,
        }

    def settings(self) -> dict[str, Any]:
        """As every part, the file of weights with its digest: other weights are another task."""
        told = super().settings()
        if self.weights and MARK not in self.weights:
            told["weights"] += MARK + _digest(Path(self.weights))
        return told

    def weights_file(self) -> str:
        """The path of the weights to begin with; '' for none.  Raises InputError when they are not those asked for."""
        path, mark, digest = self.weights.partition(MARK)
        if mark and _digest(Path(path)) != digest:
            raise InputError(f"{path} has changed since it was asked for", todo="run again", key="weights")
        return path

    def plan(self, rows: int, seed: int, classes: Sequence[str] = (), work: float = 0.0) -> Plan:
        """Every `auto` settled for so many ROWS of these CLASSES, each about WORK multiplications."""
        batch = min(rows, self.batch if isinstance(self.batch, int) else auto.auto_batch(rows))
        batch = max(batch, 2)  # batch norm has no statistics of a single row
        steps = max(1, min(steps_of(rows, batch), rows // 2))
        epochs = auto.auto_epochs(steps) if self.epochs == "auto" else self.epochs
        usual = OPTIMIZERS[self.optimizer]
        settled: dict[str, Any] = {
            "rows": rows,
            "batch": batch,
            "steps": steps,
            "seed": seed,
            **{name: getattr(usual, name) for name in USUAL if getattr(self, name) == "auto"},
            "epochs": epochs,
            "learning_rate": self._rate(batch),
            "patience": max(5, epochs // 4) if self.patience == "auto" else self.patience,
            "threads": auto.auto_threads(batch * work) if self.threads == "auto" else self.threads,
            "update": implementations(self.optimizer, device_here())[0] if self.update == "auto" else self.update,
            "sampling": shares_of(self.sampling, classes),
        }
        same = {n: v for n, v in vars(self).items() if n in PLANNED and n not in settled and v != "auto"}
        plan = Plan(**same, **settled)
        chosen = [row["name"] for row in self.schema() if getattr(self, row["name"]) != row["default"]]
        return plan.having(USER, **{name: getattr(plan, name) for name in chosen if name in PLANNED})

    def augmentations(self, signature: Signature) -> list[Augmentation]:
        """Those to be used for the inputs of SIGNATURE."""
        if self.augment != "auto":
            return list(self.augment)
        sides = [min(field.shape[1:]) for field in of_kind(signature, "image")]
        return [Flip(), Shift(pixels=max(1, min(sides) // 28))] if sides else []

    def warning(self, batch: int) -> str:
        """What is to be said of a BATCH of that size, where its rate was scaled."""
        return scaled_rate(1.0, batch, self.reference_batch)[1] if self.reference_batch else ""

    def _rate(self, batch: int) -> float:
        if self.learning_rate == "auto":
            return auto.auto_rate(self.optimizer, batch)
        if not self.reference_batch:
            return self.learning_rate
        return scaled_rate(self.learning_rate, batch, self.reference_batch, rule_of(self.optimizer))[0]


def _digest(path: Path) -> str:
    try:
        return digest_of_file(path)[:16]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", expected="a .safetensors file", key="weights") from error
