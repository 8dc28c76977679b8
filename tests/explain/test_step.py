"""The verb `explain`: what its report holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from tests.explain.conftest import OUTPUTS
from tests.measure.conftest import FakeContext

from aimass.core.artifact import Examples, Model, open_artifact, seal
from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.core.signature import Field, Signature
from aimass.explain.step import explain

ROWS = (
    Field("size", "float64", kind="number", sent="number"),
    Field("photo", "uint8", (8, 8, 1), kind="image", sent="image"),
)
SIGNATURE = Signature("binary", "answer", ROWS, (), OUTPUTS)


def model_of(folder: Path, steep: float) -> Model:
    """ "yes" with probability sigmoid(STEEP * size + brightness of the whole image)."""
    folder.mkdir()
    nodes = [
        h.make_node("Cast", ["size"], ["x"], to=T.FLOAT),
        h.make_node("Mul", ["x", "steep"], ["wide"]),
        h.make_node("Cast", ["photo"], ["pixels"], to=T.FLOAT),
        h.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0),
        h.make_node("Div", ["mean", "hundred"], ["light"]),
        h.make_node("Add", ["wide", "light"], ["logit"]),
        h.make_node("Sigmoid", ["logit"], ["yes"]),
        h.make_node("Sub", ["one", "yes"], ["no"]),
        h.make_node("Unsqueeze", ["yes", "axis"], ["yes_"]),
        h.make_node("Unsqueeze", ["no", "axis"], ["no_"]),
        h.make_node("Concat", ["no_", "yes_"], ["probabilities"], axis=1),
        h.make_node("ArgMax", ["probabilities"], ["index"], axis=1, keepdims=0),
        h.make_node("Gather", ["names", "index"], ["label"]),
    ]
    takes = [("size", T.DOUBLE, ["N"]), ("photo", T.UINT8, ["N", 8, 8, 1])]
    gives = [("label", T.STRING, ["N"]), ("probabilities", T.FLOAT, ["N", 2])]
    constants = [
        h.make_tensor("steep", T.FLOAT, [], [steep]),
        h.make_tensor("hundred", T.FLOAT, [], [100.0]),
        h.make_tensor("one", T.FLOAT, [], [1.0]),
        h.make_tensor("axes", T.INT64, [3], [1, 2, 3]),
        h.make_tensor("axis", T.INT64, [1], [1]),
        h.make_tensor("names", T.STRING, [2], [b"no", b"yes"]),
    ]
    graph = h.make_graph(nodes, "model", [h.make_tensor_value_info(*f) for f in takes],
                         [h.make_tensor_value_info(*f) for f in gives], constants)  # fmt: skip
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10), folder / "model.onnx")
    (folder / "signature.json").write_text(json.dumps(SIGNATURE.as_json()))
    seal("model", folder, [])
    return open_artifact(folder)  # type: ignore[return-value]


@pytest.fixture
def examples(tmp_path: Path) -> Examples:
    folder, random = tmp_path / "examples", np.random.default_rng(0)
    folder.mkdir()
    size = random.normal(size=400)
    images = random.integers(0, 255, size=(400, 64)).astype(np.uint8)
    answer = np.where(random.random(400) < 1 / (1 + np.exp(-2 * size)), "yes", "no")
    table = pa.table({"size": size, "photo": [image.tobytes() for image in images], "answer": answer})
    pq.write_table(table, folder / "test.parquet")
    (folder / "signature.json").write_text(json.dumps(SIGNATURE.as_json()))
    seal("examples", folder, [])
    return open_artifact(folder)  # type: ignore[return-value]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return model_of(tmp_path / "model", 2.0)


@pytest.fixture
def context(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path / "out")


def told(context: FakeContext) -> dict:
    return json.loads((context.folder / "explanation.json").read_text())


def test_a_report_holds_rows_that_add_up_and_what_the_model_relies_on(context, model, examples) -> None:
    explain.body(context, model, examples, rows=3, evaluations=2000)
    report = told(context)
    assert (report["model"], report["examples"]) == (model.digest, examples.digest)
    assert len(report["explanations"]) == 3 and report["explainer"]["use"] == "auto"
    for each in report["explanations"]:
        whole = each["base_value"] + sum(share["attribution"] for share in each["attributions"])
        assert whole == pytest.approx(each["prediction"], abs=1e-5) and "elapsed_ms" not in each
    assert [each["columns"] for each in report["importance"]] == [["size"], ["photo"]]
    assert report["importance"][0]["low"] > 0.1 and report["metric"]["use"] == "roc_auc"
    assert context.told == {"rows": 3, "first": "size"} and report["against_baseline"] is None


def test_the_same_task_gives_the_same_report(tmp_path, model, examples) -> None:
    texts = []
    for name in ("one", "other"):
        context = FakeContext(tmp_path / name)
        explain.body(context, model, examples, rows=2, evaluations=400, repeats=2)
        texts.append((context.folder / "explanation.json").read_bytes())
    assert texts[0] == texts[1]


def test_images_lie_beside_the_report_with_their_attributions_over_them(context, model, examples) -> None:
    explain.body(context, model, examples, rows=2, evaluations=500, repeats=0,
                 explainer=resolve("explainer", "occlusion")())  # fmt: skip
    assert sorted(path.name for path in context.folder.glob("*.png")) == ["row-0-image-0.png", "row-1-image-0.png"]
    assert told(context)["importance"] == [] and told(context)["explanations"][0]["regions"]["photo"]


def test_a_changed_model_is_asked_whether_its_reasons_changed(tmp_path, context, model, examples) -> None:
    other = model_of(tmp_path / "other", -2.0)
    explain.body(context, model, examples, other, rows=4, evaluations=300, repeats=0)
    against = told(context)["against_baseline"]
    assert against["model"] == other.digest and len(against["rank_correlation"]["rows"]) == 4
    again = FakeContext(tmp_path / "again")
    explain.body(again, model, examples, model, rows=4, evaluations=300, repeats=0)
    assert told(again)["against_baseline"]["rank_correlation"]["median"] == pytest.approx(1)
    assert against["rank_correlation"]["median"] < 1


@pytest.mark.parametrize("name", ["rows", "evaluations", "repeats"])
def test_a_count_below_nothing_is_refused_by_name(name: str, context, model, examples) -> None:
    with pytest.raises(InputError, match=f"explain.{name} must be at least 0"):
        explain.body(context, model, examples, **{name: -1})


def test_a_metric_of_another_task_is_refused_before_any_work(context, model, examples) -> None:
    with pytest.raises(InputError, match="rmse cannot score a binary task"):
        explain.body(context, model, examples, metric=resolve("metric", "rmse")())
