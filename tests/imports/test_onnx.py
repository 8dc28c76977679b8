"""What an ONNX file takes and gives becomes a signature; the answers stay what they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from tests.imports.conftest import W, model_of

from aimass.core.artifact import Model
from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.engines.onnxruntime import OnnxRuntime
from aimass.imports.fields import fields_of

Imported = Callable[..., Model]
X = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)


def answers(model: Model, **tensors: np.ndarray) -> Any:
    return OnnxRuntime.from_settings("onnxruntime").load(model.folder)(tensors)


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_an_onnx_file_keeps_its_tensors_under_their_names(imported: Imported, linear: onnx.ModelProto) -> None:
    model = imported(linear)
    signature = model.signature
    assert (signature.task, signature.target) == ("other", "")
    assert signature.rows == (Field("x", "float32", (4,), sent="tensor"),)
    assert signature.outputs == (Field("scores", "float32", (3,)),)
    assert np.allclose(answers(model, x=X)["scores"], X @ W, atol=1e-6)


def test_scores_become_labels_and_probabilities(imported: Imported, linear: onnx.ModelProto) -> None:
    model = imported(linear, answers={"scores": "scores"}, classes=["a", "b", "ü"], target="letter")
    got, right = answers(model, x=X), softmax(X @ W)
    assert (model.signature.task, model.signature.classes) == ("multiclass", ("a", "b", "ü"))
    assert np.allclose(got["probabilities"], right, atol=1e-6)
    assert got["label"].tolist() == [("a", "b", "ü")[i] for i in right.argmax(axis=1)]


def test_named_columns_become_the_row_of_one_matrix(imported: Imported, linear: onnx.ModelProto) -> None:
    model = imported(linear, columns=["one", "two", "three", "four"], answers={"out": "scores"})
    assert [(f.name, f.dtype, f.shape, f.sent) for f in model.signature.rows] == [
        (name, "float64", (), "number") for name in ("one", "two", "three", "four")
    ]
    columns = dict(zip(("one", "two", "three", "four"), X.T.astype(np.float64), strict=True))
    assert np.allclose(answers(model, **columns)["out"], X @ W, atol=1e-6)


@pytest.mark.parametrize(
    "columns", [["a"], ["a", "a", "b", "c"], ["scores", "a", "b", "c"], ["", "a", "b", "c"], ["its/x", "a", "b", "c"]]
)
def test_names_that_cannot_be_columns_are_refused(
    imported: Imported, linear: onnx.ModelProto, columns: list[str]
) -> None:
    with pytest.raises(InputError):
        imported(linear, columns=columns)


@pytest.mark.parametrize("shape", [["N"], ["N", 1]])
def test_one_number_is_a_value_or_the_probability_of_the_second_class(imported: Imported, shape: list[Any]) -> None:
    axis = np.array([1], np.int64)
    nodes = [h.make_node("ReduceMean", ["x"], ["m"], axes=[1], keepdims=int(len(shape) == 2)),
             h.make_node("Sigmoid", ["m"], ["p"])]  # fmt: skip
    model = model_of(nodes, [("x", T.FLOAT, ["N", 4])], [("p", T.FLOAT, shape)], {"axis": axis})
    right = 1 / (1 + np.exp(-X.mean(axis=1)))
    assert np.allclose(answers(imported(model, task="regression"), x=X)["value"], right, atol=1e-6)
    binary = answers(imported(model, task="binary", classes=["no", "yes"]), x=X)
    assert np.allclose(binary["probabilities"], np.stack([1 - right, right], axis=1), atol=1e-6)
    assert binary["label"].tolist() == ["yes" if p > 0.5 else "no" for p in right]


@pytest.mark.parametrize("classes", [["red", "green", "blue"], ["7", "-3", "5"]])
def test_a_zipmap_becomes_a_tensor_and_names_the_classes(imported: Imported, classes: list[str]) -> None:
    texts = classes[0] == "red"
    whole = [] if texts else [int(name) for name in classes]
    own = {"classlabels_strings": classes} if texts else {"classlabels_ints": whole}
    labels = {"classlabels_strings": classes} if texts else {"classlabels_int64s": whole}
    nodes = [h.make_node("LinearClassifier", ["x"], ["label", "raw"], domain="ai.onnx.ml", post_transform="SOFTMAX",
                         coefficients=W.T.ravel().tolist(), intercepts=[0.0] * 3, **own),
             h.make_node("ZipMap", ["raw"], ["tables"], domain="ai.onnx.ml", **labels)]  # fmt: skip
    model = model_of(nodes, [("x", T.FLOAT, ["N", 4])], [("label", T.STRING if texts else T.INT64, ["N"])],
                     domains=(("ai.onnx.ml", 2),))  # fmt: skip
    key = T.STRING if texts else T.INT64
    model.graph.output.append(h.make_value_info("tables", h.make_sequence_type_proto(
        h.make_map_type_proto(key, h.make_tensor_type_proto(T.FLOAT, [])))))  # fmt: skip
    made = imported(model)
    assert (made.signature.task, made.signature.classes) == ("multiclass", tuple(classes))
    got, right = answers(made, x=X), softmax(X @ W)
    assert np.allclose(got["probabilities"], right, atol=1e-6)
    assert got["label"].tolist() == [classes[i] for i in right.argmax(axis=1)]


def test_probabilities_that_are_none_are_refused_with_what_to_say(imported: Imported, linear: onnx.ModelProto) -> None:
    with pytest.raises(InputError, match="not between 0 and 1") as caught:
        imported(linear, task="multiclass")
    assert "scores" in caught.value.todo


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"answers": {"value": "gone"}}, "no output 'gone'"),
        ({"task": "regression"}, "which output is the answer"),
        ({"answers": {"scores": "scores"}, "classes": ["a"]}, "1 classes are named"),
        ({"answers": {"scores": "scores"}, "classes": ["a", "a", "b"]}, "3 classes are named"),
        ({"answers": {"value": "scores"}, "task": "binary"}, "cannot answer value"),
        ({"answers": {"x": "scores"}}, "'x' is what the model takes and what it gives"),
    ],
)
def test_answers_that_do_not_fit_are_refused(
    imported: Imported, linear: onnx.ModelProto, asked: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        imported(linear, **asked)


def test_a_fixed_batch_is_made_free(imported: Imported) -> None:
    nodes = [h.make_node("Flatten", ["x"], ["flat"], axis=1), h.make_node("MatMul", ["flat", "W"], ["y"])]
    model = imported(model_of(nodes, [("x", T.FLOAT, [1, 2, 2])], [("y", T.FLOAT, [1, 3])], {"W": W}))
    assert model.read_json("parity.json")["rows_in_a_call"] == [1, 3, 64, 256]
    assert np.allclose(answers(model, x=X.reshape(5, 2, 2))["y"], X @ W, atol=1e-6)


@pytest.mark.parametrize(
    "nodes",
    [
        [h.make_node("Reshape", ["x", "one row"], ["y"])],  # a shape that says 1
        [h.make_node("ReduceSum", ["x", "rows"], ["y"], keepdims=1)],  # rows are added up
    ],
)
def test_a_batch_that_cannot_be_freed_is_refused(imported: Imported, nodes: list[Any]) -> None:
    weights = {"one row": np.array([1, -1], np.int64), "rows": np.array([0], np.int64)}
    with pytest.raises(InputError, match=r"whatever goes in|cannot be made free"):
        imported(model_of(nodes, [("x", T.FLOAT, [1, 4])], [("y", T.FLOAT, [1, 4])], weights))


def test_rows_that_look_at_each_other_are_refused(imported: Imported) -> None:
    nodes = [h.make_node("ReduceMean", ["x"], ["m"], axes=[0], keepdims=1), h.make_node("Sub", ["x", "m"], ["y"])]
    with pytest.raises(InputError, match="does not answer as the original"):
        imported(model_of(nodes, [("x", T.FLOAT, ["N", 4])], [("y", T.FLOAT, ["N", 4])]))


def test_chance_is_refused(imported: Imported) -> None:
    nodes = [h.make_node("RandomNormalLike", ["x"], ["noise"]), h.make_node("Add", ["x", "noise"], ["y"])]
    with pytest.raises(InputError, match="does not answer as the original"):
        imported(model_of(nodes, [("x", T.FLOAT, ["N", 4])], [("y", T.FLOAT, ["N", 4])]))


@pytest.mark.parametrize("kind", [T.FLOAT16, T.DOUBLE, T.INT8, T.INT64, T.UINT8, T.BOOL, T.STRING])
def test_every_datatype_of_v2_passes_through(imported: Imported, kind: int) -> None:
    model = imported(model_of([h.make_node("Identity", ["x"], ["y"])], [("x", kind, ["N", 2, "free"])],
                              [("y", kind, ["N", 2, "free"])]))  # fmt: skip
    (taken,), (given,) = model.signature.rows, model.signature.outputs
    assert (taken.shape, taken.dtype) == ((2, 0), given.dtype)
    assert len(model.read_json("sample.json")) == 5


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (h.make_value_info("v", h.make_sequence_type_proto(h.make_tensor_type_proto(T.FLOAT, [1]))), "is a sequence"),
        (h.make_value_info("v", h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, [1]))), "is a optional"),
        (h.make_sparse_tensor_value_info("v", T.FLOAT, ["N", 4]), "is a sparse tensor"),
        (h.make_tensor_value_info("v", T.BFLOAT16, ["N"]), "holds bfloat16"),
        (h.make_tensor_value_info("v", T.FLOAT, []), "has no dimension"),
        (h.make_tensor_value_info("v", T.FLOAT, None), "says nothing of its shape"),
    ],
)
def test_what_is_no_tensor_of_rows_is_named(value: onnx.ValueInfoProto, says: str) -> None:
    with pytest.raises(InputError, match=says):
        fields_of([value], "output")


def test_an_output_without_rows_may_be_left_out(imported: Imported) -> None:
    nodes = [h.make_node("Relu", ["x"], ["y"]), h.make_node("ReduceSum", ["x"], ["total"], keepdims=0)]
    model = model_of(nodes, [("x", T.FLOAT, ["N", 4])], [("y", T.FLOAT, ["N", 4]), ("total", T.FLOAT, [])])
    with pytest.raises(InputError, match="has no dimension") as caught:
        imported(model)
    assert "answers" in caught.value.todo
    assert [f.name for f in imported(model, answers={"y": "y"}).signature.outputs] == ["y"]


def test_weights_that_old_files_list_as_inputs_are_no_inputs(imported: Imported, linear: onnx.ModelProto) -> None:
    linear.ir_version = 3
    linear.graph.input.append(h.make_tensor_value_info("W", T.FLOAT, [4, 3]))
    for asked in ({}, {"answers": {"scores": "scores"}}):
        assert [f.name for f in imported(linear, **asked).signature.rows] == ["x"]


@pytest.mark.parametrize("opset", [7, 11, 13, 21])
def test_heads_fit_every_opset(imported: Imported, opset: int) -> None:
    model = model_of([h.make_node("MatMul", ["x", "W"], ["s"])], [("x", T.FLOAT, ["N", 4])],
                     [("s", T.FLOAT, ["N", 3])], {"W": W}, opset=opset)  # fmt: skip
    made = imported(model, answers={"scores": "s"}, columns=list("abcd"))
    got = answers(made, **dict(zip("abcd", X.T.astype(np.float64), strict=True)))
    assert np.allclose(got["probabilities"], softmax(X @ W), atol=1e-6)


def test_a_saved_model_of_tensorflow_comes_with_the_answers_it_gave(imported: Imported) -> None:
    """Made by TensorFlow 2.21 and tf2onnx 1.17 as docs/imports.md says, in an environment of their own."""
    here = Path(__file__).parent / "tensorflow"
    model = imported(here / "model.onnx", rows=str(here / "rows.npz"), task="multiclass", classes=["a", "b", "c"])
    report = model.read_json("parity.json")
    assert (report["source"][:14], report["rows_from"], report["rows"]) == ("ONNX (tf2onnx ", "given, with answers", 70)
    with np.load(here / "rows.npz") as recorded:
        got = answers(model, x=recorded["x"])["probabilities"]
        assert np.allclose(got, recorded["answer.output_0"], atol=1e-6)
        np.savez(model.folder / "wrong.npz", x=recorded["x"], **{"answer.output_0": recorded["answer.output_0"][::-1]})
    with pytest.raises(InputError, match="does not answer as the original: "):
        imported(here / "model.onnx", rows=str(model.folder / "wrong.npz"), task="multiclass")


def test_the_file_is_served_as_it_was_optimised_or_not(imported: Imported, linear: onnx.ModelProto) -> None:
    model = imported(linear)
    plain = ort.InferenceSession(linear.SerializeToString())
    assert np.array_equal(answers(model, x=X)["scores"], plain.run(None, {"x": X})[0])
