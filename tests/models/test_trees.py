"""An exported booster asks the questions XGBoost asks: same side at a threshold, same side for a missing value."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
import xgboost as xgb

from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.models.network import run
from aimass.models.trees import base_margins, network_of

ROWS = 1500


def tables(seed: int) -> dict[str, np.ndarray]:
    """Numbers on a coarse grid, so that many equal a threshold; a tenth of them missing."""
    random = np.random.default_rng(seed)
    numbers = np.round(random.normal(size=(ROWS, 4)), 1).astype(np.float32)
    numbers[random.random(numbers.shape) < 0.1] = np.nan
    categories = np.stack([random.integers(0, 5, ROWS), random.integers(0, 30, ROWS)], 1).astype(np.int32)
    return {"x.numbers": numbers, "x.categories": categories}


def target_of(tensors: dict[str, np.ndarray], task: str) -> np.ndarray:
    numbers, categories = np.nan_to_num(tensors["x.numbers"], nan=0.7), tensors["x.categories"]
    signal = numbers[:, 0] * numbers[:, 1] + np.isin(categories[:, 0], (1, 3)) - 0.1 * (categories[:, 1] % 7)
    if task == "regression":
        return signal.astype(np.float32)
    return (signal > 0.3).astype(int) if task == "binary" else np.digitize(signal, [-0.2, 0.6])


def fitted(task: str, signature_of, **settings):
    signature = signature_of(task, "numbers", "categories")
    boosted = resolve("architecture", "xgboost").from_settings({"use": "xgboost", **settings}).build(signature)
    tensors = tables(0)
    rows = xgb.QuantileDMatrix(boosted.features(tensors), target_of(tensors, task), nthread=1)
    return signature, boosted, xgb.train({**boosted.parameters, "seed": 1, "nthread": 1}, rows, 20)


@pytest.mark.parametrize("settings", [{}, {"one_by_one": 0}, {"one_by_one": 40, "leaf_weight": 0.0}])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_exported_trees_give_the_margins_of_the_booster(task, settings, signature_of, tmp_path) -> None:
    signature, boosted, booster = fitted(task, signature_of, **settings)
    onnx.save(network_of(bytes(booster.save_raw("json")), signature, boosted.sources), tmp_path / "network.onnx")
    for tensors in (tables(0), tables(1)):
        rows = xgb.DMatrix(boosted.features(tensors))
        expected = booster.predict(rows, output_margin=True).reshape(-1, signature.width)
        np.testing.assert_allclose(run(tmp_path / "network.onnx", tensors), expected, rtol=0, atol=1e-5)


def test_a_value_at_a_threshold_and_a_missing_one_go_where_xgboost_sends_them(signature_of, tmp_path) -> None:
    signature, boosted, booster = fitted("regression", signature_of, one_by_one=0)
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    nodes = [
        (feature, threshold)
        for tree in trees
        for feature, threshold, left in zip(
            tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
        )
        if left != -1 and feature < 4
    ]
    numbers = np.zeros((len(nodes), 4), np.float32)
    for row, (feature, threshold) in enumerate(nodes):
        numbers[row, feature] = threshold
    below, above = np.nextafter(numbers, np.float32(-np.inf)), np.nextafter(numbers, np.float32(np.inf))
    numbers = np.concatenate([numbers, below, above, np.where(numbers, np.nan, numbers)]).astype(np.float32)
    tensors = {"x.numbers": numbers, "x.categories": np.zeros((len(numbers), 2), np.int32)}
    onnx.save(network_of(bytes(booster.save_raw("json")), signature, boosted.sources), tmp_path / "network.onnx")
    expected = booster.predict(xgb.DMatrix(boosted.features(tensors)), output_margin=True)
    np.testing.assert_allclose(run(tmp_path / "network.onnx", tensors)[:, 0], expected, rtol=0, atol=1e-5)


def test_a_small_category_is_one_question_on_its_index_and_no_column_more(signature_of, tmp_path) -> None:
    signature, boosted, booster = fitted("binary", signature_of, one_by_one=8)
    assert len(boosted.sources) == 4 + 5 + 1
    proto = network_of(bytes(booster.save_raw("json")), signature, boosted.sources)
    modes = next(a.strings for n in proto.graph.node for a in n.attribute if a.name == "nodes_modes")
    assert set(modes) == {b"LEAF", b"BRANCH_LT", b"BRANCH_NEQ"}


def test_a_network_of_categories_alone_or_of_numbers_alone_is_built(signature_of, tmp_path) -> None:
    for kind in ("numbers", "categories"):
        signature = signature_of("binary", kind)
        boosted = resolve("architecture", "xgboost")().build(signature)
        tensors = {f.name: tables(0)[f.name] for f in signature.inputs}
        booster = xgb.train(
            boosted.parameters, xgb.DMatrix(boosted.features(tensors), target_of(tables(0), "binary")), 5
        )
        onnx.save(network_of(bytes(booster.save_raw("json")), signature, boosted.sources), tmp_path / "network.onnx")
        expected = booster.predict(xgb.DMatrix(boosted.features(tensors)), output_margin=True)
        np.testing.assert_allclose(run(tmp_path / "network.onnx", tensors)[:, 0], expected, atol=1e-5)


def test_the_base_score_of_a_classifier_is_kept_as_a_probability() -> None:
    learner = {"objective": {"name": "binary:logistic"}, "learner_model_param": {"base_score": "[2.5E-1]"}}
    assert base_margins(learner, 1) == [pytest.approx(np.log(0.25 / 0.75))]
    learner = {"objective": {"name": "multi:softprob"}, "learner_model_param": {"base_score": "[1E-1,2E-1,3E-1]"}}
    assert base_margins(learner, 3) == pytest.approx([0.1, 0.2, 0.3])
    learner = {"objective": {"name": "reg:squarederror"}, "learner_model_param": {"base_score": "5E-1"}}
    assert base_margins(learner, 1) == [0.5]


def test_an_objective_with_an_unknown_base_score_is_refused() -> None:
    learner = {"objective": {"name": "survival:cox"}, "learner_model_param": {"base_score": "[1]"}}
    with pytest.raises(InputError, match="survival:cox"):
        base_margins(learner, 1)


def test_wider_categories_move_the_columns_behind_them(signature_of) -> None:
    signature = signature_of("binary", "numbers", "categories")
    flipped = replace(signature, inputs=signature.inputs[::-1])
    sources = (
        resolve("architecture", "xgboost").from_settings({"use": "xgboost", "one_by_one": 8}).build(flipped).sources
    )
    assert [s.column for s in sources] == [0] * 5 + [1, 2, 3, 4, 5]
