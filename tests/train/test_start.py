"""The verb `train` with a model to begin with: what is taken, what stays, what is new, and what the artifact says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from aimass.core.artifact import Model, open_artifact, seal
from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.models.base import Architecture
from aimass.train.step import train

MLP = Architecture.from_settings({"use": "mlp", "width": 16, "dropout": 0.0})
USUAL = {"use": "gradient", "epochs": 2, "batch": 50, "threads": 1, "learning_rate": 0.01}


def recipe(**given: Any) -> Any:
    return resolve("recipe", "gradient").from_settings({**USUAL, **given})


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        name: value for name, value in load_file(folder / "weights.safetensors").items() if value.is_floating_point()
    }


@pytest.fixture
def base(make_examples, context) -> tuple[Any, Model]:
    """Examples, and a model of them."""
    examples, made = make_examples("multiclass", "numbers"), context("base")
    train.body(made, examples, model=MLP, recipe=recipe())
    seal("model", made.folder, [])
    found = open_artifact(made.folder)
    assert isinstance(found, Model)
    return examples, found


def test_a_run_begins_with_the_weights_of_a_model_and_what_is_frozen_stays(base, context) -> None:
    examples, model = base
    made = context("next")
    train.body(made, examples, model, model=MLP, recipe=recipe(freeze=["!layers.2"]))
    before, after = weights(model.folder), weights(made.folder)
    moved = {name for name, value in before.items() if not value.equal(after[name])}
    assert moved and all(name.startswith("layers.2") for name in moved)
    assert any("tensors taken from" in line for line in made.lines)


def test_a_new_head_and_low_rank_additions_leave_an_ordinary_network(base, context) -> None:
    examples, model = base
    made = context("next")
    lora = {"rank": 2, "layers": ["layers.1.0"]}
    train.body(made, examples, model, model=MLP, recipe=recipe(head="new", lora=lora))
    before, after = weights(model.folder), weights(made.folder)
    assert before.keys() == after.keys()
    change = after["layers.1.0.weight"] - before["layers.1.0.weight"]
    assert 0 < int(torch.linalg.matrix_rank(change, atol=1e-5)) <= 2
    assert before["layers.0.0.weight"].equal(after["layers.0.0.weight"])
    assert (model.folder / "network.onnx").stat().st_size == (made.folder / "network.onnx").stat().st_size


def test_a_file_of_weights_is_part_of_what_the_task_is(base, context, tmp_path: Path) -> None:
    examples, model = base
    path = tmp_path / "weights.safetensors"
    save_file(weights(model.folder), path)
    asked = recipe(weights=str(path), layer_decay=0.5, rates={"layers.0.*": 0.1})
    settings = asked.settings()
    train.body(context("next"), examples, model=MLP, recipe=resolve("recipe", "gradient").from_settings(settings))
    save_file({name: value + 1 for name, value in weights(model.folder).items()}, path)
    assert asked.settings() != settings
    with pytest.raises(InputError, match="has changed since it was asked for"):
        train.body(context("b"), examples, model=MLP, recipe=resolve("recipe", "gradient").from_settings(settings))


def test_trees_cannot_begin_with_a_model(base, context) -> None:
    examples, model = base
    with pytest.raises(InputError, match="cannot begin with a model"):
        train.body(context("a"), examples, model, model=Architecture.from_settings("xgboost"))


def test_the_plan_of_a_model_says_what_the_user_chose(base) -> None:
    _, model = base
    plan = json.loads((model.folder / "model.json").read_text())["trained"]["plan"]
    assert plan["learning_rate"] == 0.01 and plan["precision"] == "fp32" and "origins" not in plan
