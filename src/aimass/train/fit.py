"""`aimass.fit`: the same training for a module and tensors of one's own, without a workspace.

result = aimass.fit(model, (X, y), valid=(Xv, yv), epochs=5, batch=128, learning_rate=1e-3)
result.module, result.plan, result.history, result.ledger
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.runner.gang import Rank
from aimass.train.advised import advised
from aimass.train.augment.compose import compose
from aimass.train.gradient import PLANNED, Gradient
from aimass.train.here import NOWHERE, Here
from aimass.train.job import Job, LossMaker
from aimass.train.lora import merge_lora
from aimass.train.losses import MASKED, Reduction, loss_of, valid_of
from aimass.train.parallel.group import placed
from aimass.train.parallel.present import present
from aimass.train.plan import Plan
from aimass.train.session import Ledger, train_job
from aimass.train.source import Source
from aimass.train.worker import SHOWN, begun, settled

Data = Sequence[Any]  # tensors or arrays [N, ...] in the order of the module's arguments, then the target [N]
LOOKED_AT = 256  # rows by which data are known again
RowLoss = Callable[[Tensor, Tensor], Tensor]  # scores, target -> loss a row [N], or the mean


@dataclass(frozen=True)
class Fitted:
    """A trained module and how it came to be.

    history  a table of figures a report: at (epochs), loss, valid_loss, rows_per_s, ...
    """

    module: nn.Module
    plan: Plan
    facts: dict[str, Any]
    ledger: Ledger
    history: list[dict[str, float]]
    log: list[str]

    @property
    def rows_per_s(self) -> list[float]:
        """Training rows a second of each epoch, evaluation left out."""
        return [row["epoch_rows_per_s"] for row in self.history if "epoch_rows_per_s" in row]


def fit(
    module: nn.Module,
    data: Data,
    *,
    valid: Data | None = None,
    loss: RowLoss | None = None,
    resume: Path | str | None = None,
    device: str | torch.device | None = None,
    seed: int = 0,
    on_report: Callable[[dict[str, float]], None] | None = None,
    **settings: Any,
) -> Fitted:
    """Train MODULE, in place, on DATA; it ends with the weights of its best epoch, in evaluation mode, laid out in
    memory as it came.

    data       tensors or arrays [N, ...], the target last: whole numbers are classes (-100: not counted), others values
    valid      the same of rows that say when to stop; without them the training loss does
    loss       of (scores, target): one number a row [N], in place of cross entropy or squared error
    resume     a folder for checkpoints: the same call goes on where an earlier one was broken off; another one (data,
               loss, settings, what the module prints of itself) begins anew.  Without it no checkpoint is written
    device     "cuda" where there is one, unless said otherwise
    on_report  called with each report, in a thread of its own
    settings   those of the recipe `gradient` (docs/train.md); nothing varies the rows unless `augment` says so

    Raises InputError for data that do not fit together or hold nothing to learn, and for settings that are not there.
    """
    recipe = Gradient.from_settings({"use": "gradient", "augment": [], **settings})
    tensors, target = _opened(data, "data")
    held = _opened(valid, "valid") if valid is not None else (tuple(t[:0] for t in tensors), target[:0])
    signature = signature_of(module, tensors, target, own_loss=loss is not None)
    if loss is None:
        target, held = one_column(target, signature, "data"), (held[0], one_column(held[1], signature, "valid"))
    if signature.classes:
        check_classes(held[1], len(signature.classes), "valid", masks=signature.task == "multiclass")
    scales, told = begun(recipe, module, signature, [tensor[:SHOWN] for tensor in tensors], "", seed)
    with ExitStack() as stack:
        folder = Path(resume) if resume else NOWHERE
        ctx = Here(folder, seed, on_report, told)
        rank = stack.enter_context(present(ctx)) or Rank(ctx=ctx)
        where = None if device is None else torch.device(device)
        placement = stack.enter_context(placed(rank, device=where))
        here = placement.device
        rows, others = (Source.of_tensors(*each, recipe.tier, here) for each in ((tensors, target), held))
        parts = recipe.augmentations(signature)
        vary = compose(parts, signature) if parts else None
        if isinstance(loss, nn.Module):
            loss.to(here)
        about = {"augment": [part.settings() for part in parts], "loss": _name_of(loss)}
        job = Job(module, signature, rows, others, here, vary, scales, _maker(loss), about)
        plan = settled(recipe, job, seed, rank, folder if resume else None)
        advise = advised(recipe.advise, None, ctx.log, rank)
        asked = asked_of(recipe, loss, (*tensors, target, *held[0], held[1])) if resume else {}
        mine = rank.context(folder, seed=seed)
        trained = train_job(mine, job, plan, placement, advise, asked, resumable=bool(resume))
    merge_lora(module)
    return Fitted(module, trained.plan, trained.facts, trained.ledger, ctx.history, ctx.lines)


def signature_of(
    module: nn.Module, tensors: tuple[Tensor, ...], target: Tensor, *, own_loss: bool = False
) -> Signature:
    """What MODULE makes of TENSORS, seen on two rows, and what TARGET asks for.

    Raises InputError when they do not fit together.
    """
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            scores = module.cpu()(*(tensor[:2] for tensor in tensors))
    except (RuntimeError, TypeError, IndexError, ValueError) as error:
        shapes = ", ".join(str(list(tensor[:2].shape)) for tensor in tensors)
        raise InputError(
            f"the module refuses two rows ({shapes}): {error}",
            expected="tensors that forward takes",
            todo="give data in the order of forward's arguments, the target last",
            key="data",
        ) from error
    module.train(was_training)
    if not isinstance(scores, Tensor) or scores.ndim < 2 or len(scores) != min(2, len(target)):
        shape = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
        raise InputError(f"the module gives {shape} for two rows", expected="scores [2, W]: a column a class, or one",
                         todo="let forward return one tensor with the rows first")  # fmt: skip
    width, whole = scores.shape[1], not target.is_floating_point()
    task: Any = "regression" if not whole else "binary" if width == 1 else "multiclass"
    if task == "regression" and width > 1 and not own_loss:
        raise InputError(f"the module gives {width} columns for a value", expected="one column [N, 1]",
                         todo="give whole numbers (int64) for classes, or a loss of your own that compares several",
                         key="module")  # fmt: skip
    classes = tuple(str(i) for i in range(2 if task == "binary" else width)) if whole else ()
    if whole:
        check_classes(target, len(classes), masks=task == "multiclass")
    inputs = tuple(Field(_name(i, tensor), str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape[1:]))
                   for i, tensor in enumerate(tensors))  # fmt: skip
    return Signature(task, "target", (), inputs, (Field("label", "string", values=classes),) if whole else ())


def one_column(target: Tensor, signature: Signature, name: str) -> Tensor:
    """TARGET without an axis of 1 behind its rows, which would be stretched against the scores.

    Raises InputError when it has more columns than the losses of ours compare.
    """
    if signature.task == "multiclass":  # places of a sequence
        return target
    target = target[:, 0] if target.ndim == 2 and target.shape[1] == 1 else target
    if target.ndim > 1:
        raise InputError(
            f"the target of {name} is {list(target.shape)}",
            expected="one number a row [N]",
            todo="give a loss of your own that compares several",
            key=name,
        )
    return target


def check_classes(target: Tensor, classes: int, name: str = "data", *, masks: bool = True) -> None:
    """Raises InputError naming the first row of TARGET whose class the module has no column for.

    MASKS: whether there may be places that do not count.
    """
    wrong = ((target < 0) & ((target != MASKED) | (not masks))) | (target >= classes)
    if wrong.any():
        row = int(wrong.flatten(1).any(1).nonzero()[0] if target.ndim > 1 else wrong.nonzero()[0])
        raise InputError(
            f"row {row} has the class {int(target[wrong][0])}, and the module knows {classes}",
            expected=f"classes 0 to {classes - 1}" + (f"; {MASKED} for what does not count" if masks else ""),
            todo="give the last layer a column more, or look at the labels",
            key=name,
        )


def asked_of(recipe: Gradient, loss: RowLoss | None, tensors: Sequence[Tensor]) -> dict[str, Any]:
    """What stands in no plan and makes another training all the same; TENSORS are told by some of their rows."""
    told = sha256()
    for tensor in tensors:
        told.update(f"{tensor.dtype} {list(tensor.shape)}".encode())
        some = tensor[:: max(1, len(tensor) // LOOKED_AT)].contiguous().reshape(-1)
        told.update(some.view(torch.uint8).numpy().tobytes())
    settings = {key: value for key, value in recipe.settings().items() if key not in PLANNED and key != "advise"}
    return {"recipe": settings, "loss": _name_of(loss), "data": told.hexdigest()}


def _opened(data: Data, name: str) -> tuple[tuple[Tensor, ...], Tensor]:
    """The tensors of DATA and its target.  Raises InputError when they are not rows of the same number."""
    if not isinstance(data, (tuple, list)) or len(data) < 2:
        what = f"has {len(data)} part" if isinstance(data, (tuple, list)) else f"is a {type(data).__name__}"
        raise InputError(f"{name} {what}", expected="(X, y), or (X1, X2, ..., y)", key=name)
    *tensors, target = (torch.as_tensor(part).detach().cpu() for part in data)
    if len({len(part) for part in (*tensors, target)}) > 1 or not len(target):
        lengths = ", ".join(str(len(part)) for part in (*tensors, target))
        raise InputError(f"{name} has parts of {lengths} rows", expected="as many rows in each, and some", key=name)
    if target.dtype is torch.float64:
        target = target.float()
    elif not target.is_floating_point():
        target = target.long()
    return tuple(tensor.float() if tensor.dtype is torch.float64 else tensor for tensor in tensors), target


def _name(i: int, tensor: Tensor) -> str:
    """By the conventions of models/inputs.py, so that augmentations know what they vary."""
    if tensor.ndim == 4:
        return f"x.image.{i}"
    return f"x.numbers.{i}" if tensor.is_floating_point() else f"x.words.{i}"


def _name_of(loss: RowLoss | None) -> str:
    """By which a LOSS is known again: its name and, of a function, what it does."""
    code = getattr(loss, "__code__", None)
    name = "" if loss is None else getattr(loss, "__qualname__", type(loss).__name__)
    if code is None:
        return name
    plain = [value for value in code.co_consts if isinstance(value, (int, float, str))]
    return f"{name} {sha256(code.co_code + repr((code.co_names, plain)).encode()).hexdigest()[:16]}"


def _maker(loss: RowLoss | None) -> LossMaker:
    """LOSS as a job wants it."""
    if loss is None:
        return loss_of

    def make(signature: Signature, smoothing: float, reduction: Reduction) -> Callable[[Tensor, Tensor], Tensor]:
        def of(scores: Tensor, target: Tensor) -> Tensor:
            found = loss(scores, target)
            masks, count = not target.is_floating_point(), valid_of(target)  # as the feed counts
            if not found.ndim:
                if reduction == "mean":
                    return found
                return (torch.where(count > 0, found, 0.0) if masks else found) * count  # a mean of nothing is NaN
            if found.ndim > 1 and not (masks and found.shape == target.shape):
                found = found.flatten(1).mean(1)  # several numbers a row
            return found.sum() if reduction == "sum" else found.sum() / count

        return of

    return make
