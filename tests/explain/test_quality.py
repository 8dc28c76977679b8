"""Explanations that can be believed, and what a model relies on as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.explain.conftest import (
    IMAGE,
    OUTPUTS,
    TEXT,
    brightness,
    chance,
    columns,
    numbers,
    opinion,
    valued,
)

from aimass.core.part import resolve
from aimass.core.signature import Field, Signature
from aimass.explain.auto import Auto
from aimass.explain.base import Budget, Share
from aimass.explain.clusters import clusters
from aimass.explain.importance import importance
from aimass.explain.quality import complete, figures, insertion_deletion, likeness, ranked
from aimass.explain.shapley import Shapley

PATIENT = Budget(seconds=1e9, evaluations=3000)
WEIGHTS = np.array([3.0, -2.0, 1.0, 0.2, 0.0, 0.5])
BACKGROUND = columns(np.random.default_rng(0).normal(size=(16, 6)))
ROW = columns(np.array([[1.0, 1.5, -1.0, 2.0, 3.0, 0.1]]))


def linear(weights: np.ndarray):
    return valued(lambda x: x @ weights)


def explain(predict):
    return Shapley().explain(predict, ROW, numbers(6), BACKGROUND, budget=PATIENT)


def test_what_does_not_add_up_is_seen() -> None:
    found = explain(linear(WEIGHTS))
    assert complete(found)
    first = replace(found.attributions[0], attribution=found.attributions[0].attribution + 1)
    assert not complete(replace(found, attributions=(first, *found.attributions[1:])))


def test_another_model_has_other_reasons_and_the_same_model_the_same() -> None:
    mine, again = explain(linear(WEIGHTS)), explain(linear(2 * WEIGHTS))
    assert likeness(mine, again) == pytest.approx(1)
    others = [explain(linear(np.random.default_rng(seed).normal(size=6))) for seed in range(20)]
    assert abs(np.mean([likeness(mine, other) for other in others])) < 0.4
    assert likeness(mine, explain(linear(np.zeros(6)))) is None


def test_another_model_looks_elsewhere_in_an_image(bright, photos) -> None:
    def elsewhere(tensors):
        return 8 * (tensors["photo"][:, 20:25, 20:25, 0].mean(axis=(1, 2)) / 255 - 0.1)

    asked = Budget(seconds=1e9, evaluations=1000)
    mine, again, other = (
        Auto().explain(chance(model), bright, IMAGE, photos, target="yes", budget=asked, seed=seed)
        for model, seed in ((brightness, 0), (brightness, 1), (elsewhere, 0))
    )
    assert likeness(mine, again) > 0.6 > 0.3 > likeness(mine, other)


@pytest.mark.parametrize("kind", ["columns", "image", "text"])
def test_the_order_of_an_explanation_moves_the_answer_more_than_chance(kind: str, bright, photos) -> None:
    predict, row, signature, background = {
        "columns": (linear(WEIGHTS), ROW, numbers(6), BACKGROUND),
        "image": (chance(brightness), bright, IMAGE, photos),
        "text": (
            chance(opinion), {"body": np.array(["not great but great fun and nothing awful in it"], object)}, TEXT,
            {"body": np.array([""], object)},
        ),
    }[kind]  # fmt: skip
    found = Auto().explain(predict, row, signature, background, budget=PATIENT)
    curves = insertion_deletion(predict, row, signature, background, found)
    assert curves.faithful
    turned = replace(
        found,
        attributions=tuple(replace(s, attribution=-s.attribution) for s in found.attributions),
        tokens={n: tuple(replace(t, attribution=-t.attribution) for t in v) for n, v in found.tokens.items()},
        regions={n: tuple(replace(r, attribution=-r.attribution) for r in v) for n, v in found.regions.items()},
    )
    wrong = insertion_deletion(predict, row, signature, background, turned)
    assert not wrong.faithful and wrong.insertion < wrong.random < wrong.deletion


def test_figures_are_those_of_the_finest_level() -> None:
    found = explain(linear(WEIGHTS))
    np.testing.assert_allclose(figures(found), [share.attribution for share in found.attributions])
    assert isinstance(found.attributions[0], Share)


def test_equal_values_share_the_mean_of_their_ranks() -> None:
    assert ranked(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0, 2.5, 1]


# -- the whole model ------------------------------------------------------------------------------------------

FIELDS = (
    Field("a", "float64", kind="number", sent="number"),
    Field("a_too", "float64", kind="number", sent="number"),
    Field("b", "float64", kind="number", sent="number"),
    Field("word", "string", kind="category", sent="string"),
    Field("word_too", "string", kind="category", sent="string"),
    Field("when", "int64", kind="date", sent="date"),
    Field("text", "string", kind="text", sent="string"),
)


def rows(count: int = 800) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    a, word = random.normal(size=count), random.choice(np.array(["x", "y", "z"], object), count)
    return {
        "a": np.where(random.random(count) < 0.05, np.nan, a),
        "a_too": np.exp(a) + 0.01 * random.normal(size=count),  # Spearman sees through the curve
        "b": random.normal(size=count),
        "word": word,
        "word_too": np.where(random.random(count) < 0.05, "w", np.char.upper(word.astype(str))).astype(object),
        "when": np.where(word == "x", 0, np.where(word == "y", 10**12, 10**13)) + random.integers(0, 10**11, count),
        "text": np.array([f"text {i}" for i in range(count)], object),
    }


def test_columns_that_say_the_same_stand_together_whatever_their_kind() -> None:
    found = clusters(rows(), FIELDS, 0.7)
    assert found == [["a", "a_too"], ["b"], ["word", "word_too", "when"], ["text"]]
    assert clusters(rows(), FIELDS, 1.01) == [[field.name] for field in FIELDS]


def test_columns_of_chance_stand_alone() -> None:
    random = np.random.default_rng(1)
    values = {
        "a": random.normal(size=50), "a_too": np.ones(50), "b": np.full(50, np.nan),
        "word": np.array([f"w{i}" for i in range(50)], object),
        "word_too": random.choice(np.array(["p", "q"], object), 50),
        "when": random.integers(0, 9, 50), "text": np.array(["t"] * 50, object),
    }  # fmt: skip
    assert clusters(values, FIELDS, 0.7) == [[field.name] for field in FIELDS]


def test_mixing_correlated_columns_together_shows_what_they_are_worth() -> None:
    signature = Signature("binary", "y", FIELDS[:3], (), OUTPUTS)
    random, held = np.random.default_rng(5), rows(1500)
    columns_ = {name: np.nan_to_num(held[name]) for name in ("a", "a_too", "b")}

    def model(tensors):
        return 2 * (np.log(np.maximum(tensors["a_too"], 1e-3)) + tensors["a"]) + 0.0 * tensors["b"]

    truth = (random.random(1500) < 1 / (1 + np.exp(-model(columns_)))).astype(int)
    metric = resolve("metric", "roc_auc").from_settings("roc_auc")
    found = importance(chance(model), columns_, truth, signature, metric, repeats=3)
    assert [each.columns for each in found] == [("a", "a_too"), ("b",)]
    first, last = (each.loss for each in found)
    assert 0.3 < first.low < first.value < first.high < 0.6  # the AUC falls to one half
    assert last.value == last.low == last.high == 0.0
    alone = importance(chance(model), columns_, truth, signature, metric, repeats=3, threshold=1.01)
    assert max(each.loss.value for each in alone) < first.low


def test_of_a_metric_that_counts_errors_the_loss_is_what_it_grows_by() -> None:
    x = np.random.default_rng(2).normal(size=(400, 2))
    metric = resolve("metric", "rmse").from_settings("rmse")
    truth = x @ np.array([2.0, 0.0]) + np.random.default_rng(3).normal(size=400)
    found = importance(valued(lambda v: v @ np.array([2.0, 0.0])), columns(x), truth, numbers(2), metric)
    assert found[0].columns == ("x0",) and found[0].loss.low > 1
    assert found[0].as_json()["columns"] == ["x0"]
