"""The contract of every recipe, over every architecture and task it fits."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
import torch
import xgboost as xgb
from safetensors.torch import load_model

from aimass.core.artifact import Examples, files_of
from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.models import PARTS as ARCHITECTURES
from aimass.models.base import Architecture
from aimass.models.export import scores_of
from aimass.models.matrix import matrix
from aimass.models.network import run
from aimass.prepare import cache
from aimass.prepare.cache import read_split
from aimass.train import PARTS
from aimass.train.data import open_split
from aimass.train.estimator import scores_of as scores_of_estimator
from aimass.train.step import default_recipe, train
from tests.train.by_hand import MEAN, STD, FakeContext, write_examples

TASKS = ("binary", "multiclass", "regression")
FOREST = {"use": "sklearn.ensemble:ExtraTreesClassifier", "arguments": {"n_estimators": 20}}
RIDGE = {"use": "sklearn.linear_model:Ridge"}
TAKES = {
    "linear": ("numbers", "categories", "words"),
    "mlp": ("numbers", "categories", "words"),
    "convnet": ("image", "numbers"),
    "text": ("words", "categories"),
    "xgboost": ("numbers", "categories"),
    "guest": ("numbers", "image"),
}
QUICK: dict[str, dict[str, Any]] = {  # one thread: on a busy machine two wait for each other in each small step
    "gradient": {"epochs": 15, "batch": 32, "learning_rate": 0.01, "threads": 1},
    "boosting": {"rounds": 120, "segment": 25, "threads": 1},
    "estimator": {},
}


def architecture_of(name: str, task: str) -> Architecture:
    if name == "guest":
        return Architecture.from_settings(RIDGE if task == "regression" else FOREST)
    smaller = {"mlp": {"width": 32}, "convnet": {"width": 4, "stages": 2}, "text": {"words": 16, "hidden": 16}}
    return Architecture.from_settings({"use": name, **smaller.get(name, {})})


def recipe_of(architecture: Architecture, **settings: Any) -> Any:
    usual = QUICK[architecture.recipe]
    return resolve("recipe", architecture.recipe).from_settings({"use": architecture.recipe, **usual, **settings})


def few(architecture: Architecture) -> dict[str, Any]:
    """Settings of a short run."""
    return {"gradient": {"epochs": 2}, "boosting": {"rounds": 5}, "estimator": {}}[architecture.recipe]


class Trained:
    """One run of the verb on examples of all that an architecture takes."""

    def __init__(self, name: str, task: str, folder: Path, examples: Examples | None = None) -> None:
        self.name, self.task = name, task
        self.architecture = architecture_of(name, task)
        self.examples = examples or write_examples(folder / "examples", task, *TAKES[name])
        self.context = FakeContext(folder / "model", folder / "resume", seed=3)
        train.body(self.context, self.examples, model=self.architecture, recipe=recipe_of(self.architecture))
        self.folder = self.context.folder

    def scores(self, tensors: dict[str, np.ndarray]) -> np.ndarray:
        """Of what was trained, before it became ONNX."""
        signature = self.examples.signature
        built = self.architecture.build(signature)
        if self.architecture.recipe == "gradient":
            load_model(built, self.folder / "weights.safetensors")
            return scores_of(built, list(tensors.values()))
        if self.architecture.recipe == "boosting":
            booster = xgb.Booster(model_file=self.folder / "trees.json")
            margins = booster.predict(xgb.DMatrix(built.features(tensors)), output_margin=True)
            return margins.reshape(-1, signature.width)
        if "random_state" in built.get_params():
            built.set_params(random_state=self.seed_of_estimator())
        rows = open_split(self.examples, "train")
        built.fit(matrix(rows.named(), signature.inputs), np.array(rows.target))
        return scores_of_estimator(built, tensors, signature)

    def seed_of_estimator(self) -> int:
        from aimass.train.order import stream

        return stream("estimator", self.context.seed) % 2**31


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Trained]:
    """Each pair of architecture and task is trained once for this module."""

    @functools.cache
    def make(name: str, task: str) -> Trained:
        return Trained(name, task, tmp_path_factory.mktemp(f"{name}-{task}"))

    return make


def test_every_recipe_and_architecture_is_tested_here() -> None:
    assert set(TAKES) == {*ARCHITECTURES, "guest"}
    assert {architecture_of(name, "binary").recipe for name in TAKES} == set(PARTS) == set(QUICK)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", TAKES)
class TestEveryRecipe:
    def test_it_learns_the_signal(self, name: str, task: str, trained) -> None:
        made = trained(name, task)
        session = ort.InferenceSession(made.folder / "model.onnx", providers=["CPUExecutionProvider"])
        test = open_split(made.examples, "test")
        raw = dict(zip((f.name for f in made.examples.signature.rows), test.named().values(), strict=True))
        answers = dict(zip((o.name for o in session.get_outputs()), session.run(None, raw), strict=True))
        if task == "regression":
            truth = test.target * STD + MEAN
            assert 1 - np.mean((answers["value"] - truth) ** 2) / np.var(truth) > 0.7
        else:
            truth = np.array(made.examples.signature.classes)[test.target]
            assert np.mean(answers["label"] == truth) > (0.85 if task == "binary" else 0.75)

    @pytest.mark.parametrize("count", [1, 7, None])
    def test_exported_scores_are_the_trained_ones(self, name: str, task: str, count: int | None, trained) -> None:
        made = trained(name, task)
        tensors = open_split(made.examples, "test").named(slice(0, count))
        exported = run(made.folder / "network.onnx", tensors)
        np.testing.assert_allclose(exported, made.scores(tensors), rtol=0, atol=2e-5)

    def test_it_says_what_it_did_in_model_json(self, name: str, task: str, trained) -> None:
        made = trained(name, task)
        facts = json.loads((made.folder / "model.json").read_text())
        assert facts["architecture"] == made.architecture.settings()
        assert facts["recipe"] == recipe_of(made.architecture).settings()
        assert facts["trained"]["rows"] == 400 and facts["trained"]["stopped"] and facts["passes"] == []
        assert made.context.told["bytes"] == (made.folder / "model.onnx").stat().st_size

    def test_it_tells_the_rows_a_second_and_the_seconds_left(self, name: str, task: str, trained) -> None:
        made = trained(name, task)
        assert made.context.reports
        if made.architecture.recipe != "estimator":  # one call of somebody else's code
            assert {"rows_per_s", "seconds_left", "valid_loss"} <= set().union(*made.context.reports)
            assert min(report["seconds_left"] for report in made.context.reports) >= 0
            positions = [report["at"] for report in made.context.reports]
            assert positions == sorted(positions)

    def test_the_same_task_twice_gives_the_same_bytes(self, name: str, task: str, trained, tmp_path: Path) -> None:
        made = trained(name, task)
        again = Trained(name, task, tmp_path, made.examples)
        assert files_of(again.folder) == files_of(made.folder)


@pytest.mark.parametrize("name", TAKES)
class TestEveryArchitecture:
    def test_three_rows_suffice_and_no_validation_rows_are_needed(self, name: str, make_examples, context) -> None:
        examples, made = make_examples("binary", *TAKES[name], rows=(3, 0, 0)), context("a")
        architecture = architecture_of(name, "binary")
        train.body(made, examples, model=architecture, recipe=recipe_of(architecture, **few(architecture)))
        assert (made.folder / "model.onnx").exists()

    def test_rows_that_are_no_numbers_are_an_error_that_names_a_setting(
        self, name: str, make_examples, context
    ) -> None:
        def spoil(arrays: dict[str, np.ndarray]) -> None:
            for array in arrays.values():
                if array.dtype == np.float32:
                    array[::3] = np.inf

        kinds = ("numbers", *(kind for kind in TAKES[name] if kind != "numbers"))
        examples = make_examples("regression", *kinds, change=spoil)
        architecture = architecture_of(name, "regression")
        with pytest.raises(InputError) as caught:
            train.body(context("a"), examples, model=architecture, recipe=recipe_of(architecture))
        assert caught.value.key in ("learning_rate", "model", "columns")
        assert caught.value.todo

    def test_the_test_rows_are_never_read(self, name: str, make_examples, context, monkeypatch) -> None:
        read: list[str] = []
        monkeypatch.setattr(
            cache, "read_split", lambda folder, split: (read.append(split), read_split(folder, split))[1]
        )
        architecture = architecture_of(name, "binary")
        recipe = recipe_of(architecture, **few(architecture))
        train.body(context("a"), make_examples("binary", *TAKES[name]), model=architecture, recipe=recipe)
        assert set(read) in ({"train"}, {"train", "valid"})


class TestTheVerb:
    def test_an_architecture_brings_its_recipe(self) -> None:
        for name, recipe in (("mlp", "gradient"), ("xgboost", "boosting"), ("guest", "estimator")):
            assert default_recipe(architecture_of(name, "binary")).settings()["use"] == recipe

    def test_a_recipe_for_other_architectures_is_refused(self, make_examples, context) -> None:
        with pytest.raises(InputError, match="boosting cannot fit mlp"):
            train.body(
                context("a"),
                make_examples("binary", "numbers"),
                model=architecture_of("mlp", "binary"),
                recipe=recipe_of(architecture_of("xgboost", "binary")),
            )

    def test_one_answer_in_all_training_rows_is_refused(self, make_examples, context) -> None:
        examples = make_examples("binary", "numbers", change=lambda arrays: arrays["target"].fill(1))
        with pytest.raises(InputError, match="every training row has the same answer: yes"):
            train.body(context("a"), examples, model=architecture_of("mlp", "binary"))

    def test_features_that_never_change_are_refused(self, make_examples, context) -> None:
        examples = make_examples("binary", "numbers", change=lambda arrays: arrays["x.numbers"].fill(np.nan))
        with pytest.raises(InputError, match="every feature is constant"):
            train.body(context("a"), examples, model=architecture_of("xgboost", "binary"))

    def test_one_row_is_refused(self, make_examples, context) -> None:
        with pytest.raises(InputError, match="there are 1 rows to train on"):
            train.body(
                context("a"), make_examples("binary", "numbers", rows=(1, 1, 1)), model=architecture_of("mlp", "binary")
            )

    def test_it_leaves_torch_as_it_found_it(self, make_examples, context) -> None:
        torch.manual_seed(11)
        expected = torch.rand(3)
        torch.manual_seed(11)
        threads = torch.get_num_threads()
        architecture = architecture_of("mlp", "binary")
        train.body(
            context("a"),
            make_examples("binary", "numbers"),
            model=architecture,
            recipe=recipe_of(architecture, epochs=1),
        )
        assert torch.equal(torch.rand(3), expected)
        assert torch.get_num_threads() == threads and not torch.are_deterministic_algorithms_enabled()
