"""Models as objects: scikit-learn, boosters, torch and Keras, held against what they answered where they lived."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from aimass.core.errors import InputError
from aimass.imports.base import Importer
from aimass.imports.live import captured, framework_of
from aimass.runner.workspace import Workspace

os.environ.setdefault("KERAS_BACKEND", "torch")

R = np.random.default_rng(0)
X = R.normal(size=(90, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def capture(model: Any, place: Workspace, **given: Any) -> dict[str, Any]:
    return captured(model, given, place)


@pytest.fixture
def kept(place: Workspace, imported: Any) -> Any:
    """The artifact of a live model, without the process between."""

    def make(model: Any, **given: Any) -> Any:
        found = captured(model, given, place)
        use = {"onnx": "onnx", "ubj": "xgboost", "txt": "lightgbm"}[found["path"].rpartition(".")[2]]
        return imported(Path(found.pop("path")), use, **found)

    return make


@pytest.mark.parametrize("names", [np.array(["no", "yes"]), np.array([3, 7]), np.array([False, True])])
def test_a_classifier_keeps_its_labels(kept: Any, names: np.ndarray) -> None:
    model = kept(RandomForestClassifier(9, random_state=0, n_jobs=1).fit(X, names[Y]), rows=X)
    assert model.signature.classes == tuple(str(n).lower() for n in names.tolist())
    report = model.read_json("parity.json")
    assert (report["outputs"]["label"]["agreement"], report["rows_from"]) == (1.0, "given, with answers")


def test_a_regressor_answers_its_value(kept: Any) -> None:
    model = kept(GradientBoostingRegressor(n_estimators=5).fit(X, X[:, 0]), rows=X, target="height")
    assert (model.signature.task, model.signature.target) == ("regression", "height")


def test_a_classifier_without_probabilities_answers_labels_alone(kept: Any) -> None:
    model = kept(LinearSVC().fit(X, np.array(["a", "b", "c"])[Y + (X[:, 2] > 0)]), rows=X)
    assert [field.name for field in model.signature.outputs] == ["label"]


def test_a_pipeline_over_a_table_takes_its_columns(kept: Any) -> None:
    table = pandas.DataFrame({"age": R.integers(18, 80, 90), "plan": R.choice(["a", "ü"], 90), "spend": X[:, 0]})
    steps = make_column_transformer((StandardScaler(), ["age", "spend"]), (OneHotEncoder(), ["plan"]))
    model = kept(make_pipeline(steps, LogisticRegression()).fit(table, Y), rows=table)
    assert [(f.name, f.dtype, f.sent) for f in model.signature.rows] == [
        ("age", "float64", "number"), ("plan", "string", "string"), ("spend", "float64", "number"),
    ]  # fmt: skip
    assert model.read_json("sample.json")[0]["plan"] in ("a", "ü")


@pytest.mark.parametrize(
    ("model", "rows", "says"),
    [
        (LogisticRegression(), X, "cannot be converted|is not fitted"),
        (make_pipeline(FunctionTransformer(np.sin), LogisticRegression()).fit(X, Y), X, "cannot be converted"),
        (LogisticRegression().fit(X, Y), None, "with some rows"),
        (LogisticRegression().fit(X, Y), X[0], "the rows are float64"),
        ({"a": 1}, X, "a builtins.dict cannot be imported"),
        (lambda x: x, X, "cannot be imported"),
    ],
)
def test_what_cannot_be_converted_is_refused(place: Workspace, model: Any, rows: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        capture(model, place, **({} if rows is None else {"rows": rows}))


def test_boosters_are_kept_in_their_own_format_up_to_the_best_round(kept: Any, place: Workspace) -> None:
    import lightgbm as lgb
    import xgboost as xgb

    early = xgb.XGBClassifier(n_estimators=60, early_stopping_rounds=2, n_jobs=1)
    early.fit(X[:60], Y[:60], eval_set=[(X[60:], Y[60:])], verbose=False)
    assert early.best_iteration < 59
    model = kept(early, rows=X)
    from aimass.engines.onnxruntime import OnnxRuntime

    got = OnnxRuntime.from_settings("onnxruntime").load(model.folder)({"x": X.astype(np.float32)})
    assert np.allclose(got["probabilities"], early.predict_proba(X), atol=1e-6)
    light = lgb.LGBMClassifier(n_estimators=5, verbosity=-1, n_jobs=1).fit(X, np.array(["no", "yes"])[Y])
    assert kept(light).signature.classes == ("no", "yes")


def net() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(), torch.nn.Linear(8, 3))


def exported() -> Any:
    rows = {0: torch.export.Dim("N")}
    return torch.export.export(net().eval(), (torch.zeros(2, 4),), dynamic_shapes=(rows,))


@pytest.mark.parametrize(
    "make", [net, lambda: torch.jit.script(net()), lambda: torch.jit.trace(net().eval(), torch.zeros(2, 4)), exported],
    ids=["module", "script", "trace", "program"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")  # TorchScript and its exporter are deprecated, and still what people have
def test_torch_answers_as_before(kept: Any, make: Any) -> None:
    rows = torch.from_numpy(X.astype(np.float32))
    model = kept(make(), rows={"features": rows}, answers={"scores": "output"}, classes=["a", "b", "c"])
    assert [(f.name, f.shape) for f in model.signature.rows] == [("features", (4,))]
    assert model.read_json("parity.json")["source"].startswith("ONNX (PyTorch 2.")


def test_a_module_of_two_tensors_and_two_answers(kept: Any) -> None:
    class Two(torch.nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return a + b[:, :1], b * 2

    model = kept(Two(), rows=[torch.rand(5, 3), torch.rand(5, 2)])
    assert [f.name for f in model.signature.rows] == ["input_0", "input_1"]
    assert [(f.name, f.shape) for f in model.signature.outputs] == [("output_0", (3,)), ("output_1", (2,))]


def test_a_branch_on_values_is_refused(place: Workspace) -> None:
    class Branch(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(InputError, match="torch cannot export"):
        capture(Branch(), place, rows=torch.rand(3, 2))


@pytest.mark.filterwarnings("ignore")  # Keras exports through torch's older exporter
def test_keras_answers_as_before(kept: Any) -> None:
    import keras

    a, b = keras.layers.Input((4,), name="a"), keras.layers.Input((5, 2), name="b")
    both = keras.layers.Concatenate()([a, keras.layers.Flatten()(b)])
    model = keras.Model([a, b], keras.layers.Dense(3, activation="softmax")(both))
    rows = {"a": R.normal(size=(6, 4)), "b": R.normal(size=(6, 5, 2))}
    made = kept(model, rows=rows, task="multiclass", classes=["x", "y", "z"])
    assert [(f.name, f.shape) for f in made.signature.rows] == [("a", (4,)), ("b", (5, 2))]
    assert made.read_json("parity.json")["source"].startswith("ONNX (Keras 3.")


def test_an_onnx_object_is_read_like_its_file(kept: Any, linear: onnx.ModelProto) -> None:
    for model in (linear, linear.SerializeToString()):
        assert [f.name for f in kept(model).signature.outputs] == ["scores"]


def test_a_booster_is_known_before_the_estimator_it_also_is() -> None:
    import xgboost as xgb

    assert framework_of(xgb.XGBClassifier()) == "xgboost"
    assert framework_of(b"") == "onnx"


@pytest.mark.parametrize("use", ["sklearn", "torch", "keras"])
def test_importers_of_objects_read_no_file(tmp_path: Path, use: str) -> None:
    with pytest.raises(InputError, match="not read from files"):
        Importer.from_settings(use).read(tmp_path / "model.onnx")
