"""Models as `train` makes them, of every kind and task, once for all tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.train.step import train
from tests.train.by_hand import FakeContext, tensors_of, write_examples

KINDS = {
    "linear": ("numbers",),
    "mlp": ("numbers", "categories"),
    "convnet": ("image",),
    "text": ("words",),
    "xgboost": ("numbers", "categories"),
}
QUICK = {
    "gradient": {"epochs": 1, "threads": 1, "advise": "off"},
    "boosting": {"rounds": 30, "threads": 1},
}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """The folder of a model of an architecture and a task."""
    made: dict[tuple[str, str], Path] = {}

    def make(name: str, task: str = "binary") -> Path:
        if (name, task) not in made:
            place = tmp_path_factory.mktemp(f"{name}-{task}")
            context = FakeContext(place / "model", place / "resume")
            examples = write_examples(place / "examples", task, *KINDS[name])
            architecture = Architecture.from_settings(name)
            recipe = {"use": architecture.recipe, **QUICK[architecture.recipe]}
            train.body(
                context, examples, model=architecture, recipe=resolve("recipe", recipe["use"]).from_settings(recipe)
            )
            made[name, task] = context.folder
        return made[name, task]

    return make


@pytest.fixture(scope="session")
def columns_for() -> Callable[[Path, int], dict[str, np.ndarray]]:
    """Raw columns of so many rows for a model."""

    def make(model: Path, rows: int) -> dict[str, np.ndarray]:
        facts = json.loads((model / "signature.json").read_text())
        kinds = [field["name"].split(".")[1] for field in facts["inputs"]]
        tensors = tensors_of(tuple(kinds), rows, 5)[0]
        return dict(zip([field["name"] for field in facts["rows"]], tensors.values(), strict=True))

    return make
