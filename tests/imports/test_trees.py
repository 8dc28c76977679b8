"""Boosters from their own files answer to the last threshold; what ONNX cannot say is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb

from aimass.core.artifact import Model
from aimass.core.errors import InputError
from aimass.imports.lightgbm_trees import TINY, parsed

Imported = Callable[..., Model]
R = np.random.default_rng(0)
X = R.normal(size=(400, 5))
X[R.random(X.shape) < 0.05] = np.nan
X[:, 2] = R.integers(0, 40, 400)
Y = (np.nan_to_num(X[:, 0]) + (X[:, 2] % 3 == 0) > 0.5).astype(int)
Y3 = np.digitize(np.nan_to_num(X[:, 0]), [-0.5, 0.5])
QUIET = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}


def boosted(objective: str, target: np.ndarray, **more: Any) -> xgb.Booster:
    rows = xgb.DMatrix(X.astype(np.float32), target)
    return xgb.train({"objective": objective, "nthread": 1, **more}, rows, 8)


def light(target: np.ndarray, categories: Any = "auto", rows: Any = X, **more: Any) -> lgb.Booster:
    data = lgb.Dataset(rows, target, categorical_feature=categories, params=QUIET)
    return lgb.train({**QUIET, **more}, data, 8)


XGB = {
    "binary:logistic": Y, "binary:logitraw": Y, "reg:logistic": Y, "reg:squarederror": Y3, "reg:absoluteerror": Y3,
    "count:poisson": Y3, "reg:gamma": Y3 + 1, "reg:tweedie": Y3, "rank:pairwise": Y,
}  # fmt: skip
LGB: dict[str, dict[str, Any]] = {
    "binary": {"target": Y, "objective": "binary"},
    "steep": {"target": Y, "objective": "binary", "sigmoid": 2.5},
    "multiclass": {"target": Y3, "objective": "multiclass", "num_class": 3},
    "regression": {"target": Y3, "objective": "regression"},
    "poisson": {"target": Y3, "objective": "poisson"},
    "shares": {"target": Y, "objective": "cross_entropy"},
    "categories": {"target": Y, "objective": "binary", "categories": [2], "min_data_per_group": 1},
    "nothing missing": {"target": Y, "objective": "binary", "use_missing": False},
    "forest": {"target": Y, "objective": "binary", "boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
    "dart": {"target": Y, "objective": "binary", "boosting": "dart"},
}


@pytest.mark.parametrize(("objective", "ending"), [("binary:logistic", "ubj"), *((name, "json") for name in XGB)])
def test_xgboost_answers_as_before(imported: Imported, tmp_path: Path, objective: str, ending: str) -> None:
    boosted(objective, XGB[objective]).save_model(tmp_path / f"m.{ending}")
    model = imported(tmp_path / f"m.{ending}", "xgboost")
    report = model.read_json("parity.json")
    assert report["rows"] == 256
    assert model.signature.task == ("binary" if objective == "binary:logistic" else "regression")
    assert max(f["distance"] for f in report["outputs"].values() if "distance" in f) < 2e-6


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_xgboost_classes_have_probabilities_and_names(imported: Imported, tmp_path: Path, objective: str) -> None:
    boosted(objective, Y3, num_class=3).save_model(tmp_path / "m.json")
    model = imported(tmp_path / "m.json", "xgboost", classes=["low", "mid", "high"], target="height")
    assert (model.signature.task, model.signature.classes) == ("multiclass", ("low", "mid", "high"))
    assert model.read_json("parity.json")["outputs"]["label"]["agreement"] == 1.0


@pytest.mark.parametrize("case", LGB)
def test_lightgbm_answers_as_before(imported: Imported, tmp_path: Path, case: str) -> None:
    light(**LGB[case]).save_model(tmp_path / "m.txt")
    report = imported(tmp_path / "m.txt", "lightgbm").read_json("parity.json")
    assert max(f["distance"] for f in report["outputs"].values() if "distance" in f) < 2e-6


def test_features_that_have_names_become_columns(imported: Imported, tmp_path: Path) -> None:
    names = ["age", "spend", "plan", "zip", "seen"]
    rows = xgb.DMatrix(X.astype(np.float32), Y, feature_names=names)
    xgb.train({"objective": "binary:logistic", "nthread": 1}, rows, 3).save_model(tmp_path / "m.json")
    assert [f.name for f in imported(tmp_path / "m.json", "xgboost").signature.rows] == names
    light(Y, rows=X, objective="binary").save_model(tmp_path / "m.txt")
    unnamed = imported(tmp_path / "m.txt", "lightgbm").signature.rows
    assert [(f.name, f.dtype, f.shape) for f in unnamed] == [("x", "float64", (5,))]


def test_what_lies_nearest_to_zero_goes_where_zero_goes_in_lightgbm() -> None:
    text = light(Y, objective="binary").model_to_string()
    splits = [split for trees, _ in parsed(text).trees for split in trees]
    assert not any(abs(split.threshold) < TINY or split.threshold == -TINY for split in splits)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: boosted("binary:logistic", Y, booster="gblinear"), "booster gblinear"),
        (lambda: boosted("binary:logistic", Y, booster="dart"), "booster dart"),
        (lambda: boosted("survival:cox", Y3 + 1), "objective survival:cox"),
        (lambda: xgb.train({"nthread": 1, "multi_strategy": "multi_output_tree"},
                           xgb.DMatrix(X, np.stack([Y, Y3], 1)), 2), "leaves of several values"),
        (lambda: xgb.train({"nthread": 1, "max_cat_to_onehot": 1},
                           xgb.DMatrix(X, Y, feature_types=["q", "q", "c", "q", "q"], enable_categorical=True), 3),
         "categorical splits"),
    ],
)  # fmt: skip
def test_boosters_that_onnx_cannot_say_are_refused(
    imported: Imported, tmp_path: Path, make: Callable[[], xgb.Booster], says: str
) -> None:
    make().save_model(tmp_path / "m.json")
    with pytest.raises(InputError, match=says):
        imported(tmp_path / "m.json", "xgboost")


@pytest.mark.parametrize(
    ("more", "says"),
    [({"zero_as_missing": True}, "zeros as missing"), ({"linear_tree": True}, "linear trees"),
     ({"objective": "regression", "reg_sqrt": True}, "objective regression sqrt")],
)  # fmt: skip
def test_light_boosters_that_onnx_cannot_say_are_refused(
    imported: Imported, tmp_path: Path, more: dict[str, Any], says: str
) -> None:
    light(Y, **{"objective": "binary", **more}).save_model(tmp_path / "m.txt")
    with pytest.raises(InputError, match=says):
        imported(tmp_path / "m.txt", "lightgbm")


@pytest.mark.parametrize("content", ["", "{}", '{"learner": {}}', '{"learner": 1, "version": [3, 0, 0]}', "tree\n", "x",
                                     "tree\nversion=v4\nnum_class=1\n"])  # fmt: skip
@pytest.mark.parametrize(("use", "name"), [("xgboost", "m.json"), ("lightgbm", "m.txt")])
def test_files_that_are_no_boosters_are_refused(
    imported: Imported, tmp_path: Path, content: str, use: str, name: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=r"cannot read|is no LightGBM model"):
        imported(tmp_path / name, use)


def test_a_booster_with_a_threshold_changed_no_longer_answers_as_the_original(
    imported: Imported, tmp_path: Path
) -> None:
    """Parity would notice a converter that reads one number wrongly."""
    boosted("binary:logistic", Y).save_model(tmp_path / "m.json")
    model = json.loads((tmp_path / "m.json").read_text())
    rows = X.astype(np.float32)
    right = xgb.Booster(model_file=str(tmp_path / "m.json")).predict(xgb.DMatrix(rows))
    np.savez(tmp_path / "rows.npz", x=rows, **{"answer.probabilities": right})
    imported(tmp_path / "m.json", "xgboost", rows=str(tmp_path / "rows.npz"))
    model["learner"]["gradient_booster"]["model"]["trees"][0]["split_conditions"][0] += 0.05
    (tmp_path / "m.json").write_text(json.dumps(model))
    with pytest.raises(InputError, match="does not answer as the original"):
        imported(tmp_path / "m.json", "xgboost", rows=str(tmp_path / "rows.npz"))
