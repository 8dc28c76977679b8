"""Examples and members of every task, trained once; and an ensemble of them as a workspace would make it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aimass.compress.base import Pass
from aimass.compress.step import compress
from aimass.core.artifact import Examples, Model, seal
from aimass.engines.onnxruntime import OnnxRuntime
from aimass.ensemble.base import Fusion
from aimass.ensemble.step import ensemble
from aimass.models.base import Architecture
from aimass.prepare.split import Split
from aimass.prepare.tables import from_arrow
from aimass.train.base import Recipe
from aimass.train.step import train
from tests.prepare.by_hand import run_prepare, write_dataset
from tests.train.by_hand import FakeContext

RECIPES = {
    "gradient": {"use": "gradient", "epochs": 2, "threads": 1, "advise": "off"},
    "boosting": {"use": "boosting", "rounds": 20, "threads": 1},
}


def table(task: str, rows: int = 400) -> pa.Table:
    """A number, a category, a text, a date, and an answer that follows from the first three."""
    random = np.random.default_rng(3)
    size, colour = random.normal(size=rows), random.choice(["red", "green", "blue"], rows)
    note = [" ".join(random.choice(["alpha", "beta", "gamma", "delta"], 4)) for _ in range(rows)]
    score = size + (colour == "red") + np.array(["alpha" in text for text in note]) + random.normal(0, 0.5, rows)
    names = {"binary": ["no", "yes"], "multiclass": ["high", "low", "middle"]}
    answer = (
        score if task == "regression" else np.array(names[task])[np.digitize(score, [1.0, 2.0][: len(names[task]) - 1])]
    )
    day = np.datetime64("2024-01-01") + random.integers(0, 300, rows)
    return pa.table({"size": size, "colour": colour, "note": note, "day": day, "answer": answer})


def examples_of(folder: Path, task: str, **columns: Any) -> Examples:
    split = Split(valid=0.25, test=0.25)
    return run_prepare(folder / "examples", write_dataset(folder / "rows", table(task)), target="answer",
                       columns={"note": {"use": "text", "length": 8}, **columns}, split=split)  # fmt: skip


def member(folder: Path, examples: Examples, name: str, **given: Any) -> Model:
    context, architecture = FakeContext(folder / "model", folder / "resume"), Architecture.from_settings(name)
    recipe = {**RECIPES[architecture.recipe], **given}
    train.body(context, examples, model=architecture, recipe=Recipe.from_settings(recipe))
    return sealed(context.folder, examples.digest)


def compressed(folder: Path, model: Model, examples: Examples) -> Model:
    context = FakeContext(folder / "model", folder / "resume")
    compress.body(context, model, examples, passes=[Pass.from_settings("quantize-int8-dynamic")])
    return sealed(context.folder, model.digest)


def together(folder: Path, examples: Examples, models: dict[str, Model], how: Any) -> Model:
    context = FakeContext(folder / "model", folder / "resume")
    ensemble.body(context, examples, models, how=Fusion.from_settings(how))
    return sealed(context.folder, *(model.digest for model in models.values()))


def sealed(folder: Path, *parents: str) -> Model:
    return Model(folder, seal("model", folder, list(parents)))


def rows_of(examples: Examples, part: str = "test") -> dict[str, np.ndarray]:
    return from_arrow(pq.read_table(examples.folder / f"{part}.parquet"), examples.signature.rows)


loaded = cache(OnnxRuntime().load)


def asked(model: Model, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return dict(loaded(model.folder)(rows))
