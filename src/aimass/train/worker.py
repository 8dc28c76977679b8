"""What each worker of a training does: from the names in an order to a job, and from its end to files.

An order is JSON, so that a rank, a fresh process of the advisor and this process all begin with the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import save_model
from torch import nn

from aimass.core.artifact import Examples, open_artifact
from aimass.core.errors import InputError
from aimass.core.signature import Signature
from aimass.models.base import Architecture
from aimass.runner.gang import Rank
from aimass.train.advised import advised
from aimass.train.advisor.conflicts import conflict
from aimass.train.augment.compose import compose
from aimass.train.base import Recipe
from aimass.train.batch_size import SMALLEST, find_batch, found_once
from aimass.train.data import Split, check, open_split
from aimass.train.facts import unsafe_layout
from aimass.train.finetune import load_weights, replace_head
from aimass.train.freeze import freeze
from aimass.train.job import Job
from aimass.train.lora import add_lora, merge_lora
from aimass.train.parallel.group import placed
from aimass.train.parallel.single import Single
from aimass.train.plan import DEFAULT, Origin, Plan
from aimass.train.rates import rates_by_layer, rates_by_pattern
from aimass.train.reproducible import reproducible
from aimass.train.rng import stream
from aimass.train.session import request_of, train_job
from aimass.train.source import Source

if TYPE_CHECKING:
    from aimass.train.gradient import Gradient

SHOWN = 16  # rows that an exported network must answer as the trained one does
AMONG = 512  # first rows that they are taken from


@dataclass(frozen=True)
class Opened:
    """An order, opened: what is trained and by which plan; `shown` are a few rows by name, `told` lines for the log."""

    recipe: Gradient
    job: Job
    plan: Plan
    shown: dict[str, np.ndarray]
    told: list[str]


def work(rank: Rank, *, order: dict[str, Any], out: str, resume: str) -> dict[str, Any]:
    """Train what ORDER names, this rank on its part of every batch; rank 0 exports to OUT.  Returns facts."""
    ctx = rank.context(Path(resume), folder=Path(out), seed=order["seed"])
    with placed(rank) as placement:
        opened = open_order(order, placement.device, rank, Path(resume))
        for line in opened.told:
            ctx.log(line)
        job, recipe = opened.job, opened.recipe
        command = fresh_command(order, opened.plan)
        trained = train_job(ctx, job, opened.plan, placement, advised(recipe.advise, command, ctx.log, rank))
    if rank.rank:
        return trained.facts
    from aimass.models.export import export  # a quarter of a second that `aimass.fit` need not pay

    merge_lora(job.module.cpu())
    with reproducible(1, 0):
        export(job.module, job.signature, opened.shown, Path(out) / "network.onnx")
    save_model(job.module, str(Path(out) / "weights.safetensors"))
    if trained.ledger:
        (Path(out) / "advice.json").write_text(json.dumps(trained.ledger, indent=1), encoding="utf-8")
    return {**trained.facts, "plan": trained.plan.values()}


def fresh_command(order: Mapping[str, Any], plan: Plan) -> list[str]:
    """Command line of a fresh process that opens ORDER and comes to PLAN, too.

    What was found or chosen by the memory of the moment is told, not found again.
    """
    found = {"batch": plan.batch, "tier": plan.tier}
    told = {"order": {**order, "recipe": {**order["recipe"], **found}}, "path": sys.path}
    return [sys.executable, "-m", "aimass.train.bench", json.dumps(told)]


def open_order(
    order: Mapping[str, Any], device: torch.device, rank: Rank | None = None, resume: Path | None = None
) -> Opened:
    """The job and the plan of ORDER (architecture, recipe, examples, start, seed), begun before in RESUME perhaps.

    Raises InputError for what cannot be trained.
    """
    recipe: Any = Recipe.from_settings(order["recipe"])
    found, seed = open_artifact(Path(order["examples"])), order["seed"]
    assert isinstance(found, Examples)
    signature, train = found.signature, open_split(found, "train")
    check(train, signature)
    shown = shown_of(train)
    with reproducible(1, stream("weights", seed)):
        module = Architecture.from_settings(order["architecture"]).build(signature)
        some = [torch.from_numpy(array) for array in shown.values()]
        scales, told = begun(recipe, module, signature, some, order["start"], seed)
        check_scores(module, signature, train)
    rows, held = (Source(split, recipe.tier, device) for split in (train, open_split(found, "valid")))
    parts = recipe.augmentations(signature)
    vary = compose(parts, signature, found.folder / "graph.onnx") if parts else None
    job = Job(module, signature, rows, held, device, vary, scales, told={"augment": [p.settings() for p in parts]})
    plan = settled(recipe, job, seed, rank, resume)
    told += filter(None, [recipe.warning(plan.batch)])
    return Opened(recipe, job, plan, shown, told)


def settled(recipe: Gradient, job: Job, seed: int, rank: Rank | None = None, resume: Path | None = None) -> Plan:
    """The plan of RECIPE for JOB; where it leaves the batch to be found, rank 0 tries and all take its answer.

    The answer is kept in the folder RESUME, where there is one.

    Raises InputError when a batch has too few rows for every rank to learn from.
    """
    rank = rank or Rank()
    tier = rank.share(job.train.tier) if recipe.tier == "auto" else recipe.tier
    check_layout(recipe, job)

    def plan_of(batch: int) -> Plan:
        chosen = recipe if recipe.batch != "find" else replace(recipe, batch=batch)
        plan = chosen.plan(len(job.train), seed, job.signature.classes, work_of(job.module, job.signature))
        return plan if plan.tier == tier else plan.having(DEFAULT, tier=tier)

    found = 0
    if recipe.batch == "find":
        key = request_of(job, plan_of(SMALLEST), {})  # other ranks go on with the same batch
        path = resume / "gradient" / "batch.json" if resume else None
        alone = Single(job.device)
        found = 0 if rank.rank else found_once(path, key, lambda: find_batch(job, plan_of, alone, rank.world))
        found = rank.share(found)
    plan = plan_of(found)
    if found:
        plan = plan.because("batch", Origin("measured", reason="the largest that was worth its rows"))
    check_ranks(plan, rank.world)
    check_together(plan, rank.world, job.device)
    return plan


def check_layout(recipe: Gradient, job: Job) -> None:
    """Raises InputError when RECIPE asks for a layout in which this network is not safe."""
    if (
        recipe.layout == "channels-last"
        and job.device.type == "cpu"
        and (why := unsafe_layout([*job.module.modules()]))
    ):
        raise InputError(f"this network cannot be laid out channels last: {why}", todo="leave layout at auto",
                         key="layout")  # fmt: skip


def check_together(plan: Plan, world: int, device: torch.device) -> None:
    """Raises InputError when what PLAN was given excludes itself; what is tried by itself is sifted before."""
    facts = {"dynamic_shapes": plan.rows % (plan.steps * plan.accumulate) != 0, "ranks": world}
    halved = plan.hook == plan.precision == "fp16"
    why = conflict(facts, plan) if plan.graphs or halved else ""
    if plan.graphs and device.type != "cuda":
        why = "graphs exist on CUDA only"
    if why:
        raise InputError(f"these settings exclude each other: {why}", todo="leave one of them at auto",
                         key="graphs" if plan.graphs else "hook")  # fmt: skip


def check_ranks(plan: Plan, world: int) -> None:
    """Raises InputError when a batch has too few rows for every rank to learn from."""
    if world > 1 and plan.rows // plan.steps < 2 * world:
        raise InputError(
            f"a batch of {plan.batch} rows is too small for {world} workers",
            expected=f"two rows a worker at least: {2 * world}",
            todo="raise the batch or lower the workers",
            key="batch",
        )


def begun(
    recipe: Gradient, module: nn.Module, signature: Signature, shown: list[torch.Tensor], start: str, seed: int
) -> tuple[dict[str, float], list[str]]:
    """MODULE with the weights it begins with, what stays frozen, and the low-rank additions; in place.

    SHOWN are some rows, a tensor an input.  Returns multipliers of the learning rate by name, and lines for the log.
    """
    told: list[str] = []
    fresh: list[str] = []  # what no source gave: it is trained whole beside low-rank additions
    for source in filter(None, (start, recipe.weights_file())):
        loaded = load_weights(module, Path(source))
        told.append(loaded.report)
        fresh = [*loaded.reshaped, *loaded.missing]
    if recipe.head == "new":
        name = replace_head(module, shown, signature.width, seed, always=True)
        fresh.append(f"{name}.*")
        told.append(f"a new last layer: {name}")
    if recipe.lora:
        lora = recipe.lora
        told.append(add_lora(module, lora.rank, lora.alpha, lora.dropout, lora.layers, keep=fresh, seed=seed).report)
    if recipe.freeze:
        told.append(f"{len(freeze(module, recipe.freeze))} weights stay as they are")
    by_layer = rates_by_layer(module, recipe.layer_decay)
    by_pattern = rates_by_pattern(module, recipe.rates)
    trained = {name for name, weight in module.named_parameters() if weight.requires_grad}
    scales = {name: by_layer[name] * by_pattern[name] for name in trained}
    return {name: scale for name, scale in scales.items() if scale != 1}, told


def shown_of(train: Split) -> dict[str, np.ndarray]:
    """A few rows of TRAIN by name, finite ones where there are such: what is no number says nothing about a network."""
    first = train.named(slice(0, AMONG))
    finite = [np.isfinite(array).reshape(len(array), -1).all(1) for array in first.values()]
    rows = np.flatnonzero(np.logical_and.reduce(finite))
    rows = rows if len(rows) > 1 else np.arange(len(train))
    return {name: array[rows[:SHOWN]] for name, array in first.items()}


def work_of(module: nn.Module, signature: Signature) -> float:
    """Multiplications a row, roughly: a weight each; a convolution uses its weights at every pixel."""
    weights = sum(p.numel() for p in module.parameters())
    pixels = max((field.shape[-1] * field.shape[-2] for field in signature.inputs if len(field.shape) == 3), default=1)
    return float(weights * pixels)


def check_scores(module: nn.Module, signature: Signature, train: Split) -> None:
    """Raises InputError when MODULE is not a map of the tensors to [N, width], or has nothing to learn."""
    if not any(p.requires_grad for p in module.parameters()):
        raise InputError(f"{type(module).__name__} has no weights to train", expected="a module with parameters")
    from aimass.models.export import check_copies, check_rows_apart

    check_rows_apart(module)
    check_copies(module)
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
