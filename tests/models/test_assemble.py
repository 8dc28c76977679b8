"""graph + network + head in one file: raw columns in, answers out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto as T
from onnx import helper as h

from aimass.core.errors import InputError
from aimass.core.signature import Field, Signature
from aimass.models.assemble import assemble
from aimass.models.merge import same_versions

COLUMNS = ("size", "colour")


def graph_of(columns: tuple[str, ...] = COLUMNS, opset: int = 20) -> onnx.ModelProto:
    """Two raw columns -> x.numbers and x.categories, and a tensor that no network takes."""
    size, colour = columns
    nodes = [
        h.make_node("Cast", [size], ["small"], to=T.FLOAT, name="cast"),
        h.make_node("Unsqueeze", ["small", "axis"], ["x.numbers"]),
        h.make_node("LabelEncoder", [colour], ["index"], domain="ai.onnx.ml", keys_strings=["red", "blau ü"],
                    values_int64s=[1, 2], default_int64=0),
        h.make_node("Cast", ["index"], ["index32"], to=T.INT32),
        h.make_node("Unsqueeze", ["index32", "axis"], ["x.categories"]),
        h.make_node("Mul", ["x.numbers", "ballast"], ["x.unused"]),
    ]  # fmt: skip
    graph = h.make_graph(
        nodes,
        "graph",
        [h.make_tensor_value_info(size, T.DOUBLE, ["N"]), h.make_tensor_value_info(colour, T.STRING, ["N"])],
        [
            h.make_tensor_value_info("x.numbers", T.FLOAT, ["N", 1]),
            h.make_tensor_value_info("x.categories", T.INT32, ["N", 1]),
            h.make_tensor_value_info("x.unused", T.FLOAT, ["N", 1]),
        ],
        [h.make_tensor("axis", T.INT64, [1], [1]), h.make_tensor("ballast", T.FLOAT, [1, 1], [2.0])],
        doc_string="a long story",
    )
    opsets = [h.make_opsetid("", opset), h.make_opsetid("ai.onnx.ml", 4)]
    return h.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="somebody")


def network_of(width: int, opset: int = 20) -> onnx.ModelProto:
    """scores = weights * (number + category); names as they stand in the graph, to see that they do not clash."""
    nodes = [
        h.make_node("Cast", ["x.categories"], ["small"], to=T.FLOAT),
        h.make_node("Add", ["x.numbers", "small"], ["index"]),
        h.make_node("MatMul", ["index", "axis"], ["scores"]),
    ]
    weights = np.arange(-1, width - 1, dtype=np.float32) if width > 1 else np.ones(1, np.float32)
    graph = h.make_graph(
        nodes,
        "network",
        [
            h.make_tensor_value_info("x.numbers", T.FLOAT, ["N", 1]),
            h.make_tensor_value_info("x.categories", T.INT32, ["N", 1]),
        ],
        [h.make_tensor_value_info("scores", T.FLOAT, ["N", width])],
        [h.make_tensor("axis", T.FLOAT, [1, width], weights)],
    )
    return h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)


Make = Callable[..., Path]


@pytest.fixture
def parts(tmp_path: Path) -> Make:
    """A folder with all that `assemble` reads."""

    def make(*classes: str, columns: tuple[str, ...] = COLUMNS, opsets: tuple[int, int] = (20, 20)) -> Path:
        task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
        outputs: tuple[Field, ...] = (Field("value", "float32"),)
        if classes:
            outputs = (Field("label", "string", values=classes), Field("probabilities", "float32", (len(classes),)))
        inputs = (Field("x.numbers", "float32", (1,)), Field("x.categories", "int32", (1,), sizes=(3,)))
        rows = (Field(columns[0], "float64"), Field(columns[1], "string"))
        signature = Signature(task, "y", rows, inputs, outputs)  # type: ignore[arg-type]
        head = {"task": task, "classes": list(classes), "mean": 100.0, "std": 10.0}
        onnx.save(graph_of(columns, opsets[0]), tmp_path / "graph.onnx")
        onnx.save(network_of(signature.width, opsets[1]), tmp_path / "network.onnx")
        (tmp_path / "signature.json").write_text(json.dumps(signature.as_json()))
        (tmp_path / "head.json").write_text(json.dumps(head))
        return tmp_path

    return make


RAW = {"size": np.array([-3.0, 0.0, 2.5]), "colour": np.array(["red", "blau ü", "never seen"], dtype=object)}
SCORE = np.array([-2.0, 2.0, 2.5])  # number + category


def answers(folder: Path, raw: dict[str, np.ndarray] = RAW) -> dict[str, np.ndarray]:
    session = ort.InferenceSession(str(folder / "model.onnx"))
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(None, raw), strict=True))


def test_two_classes_get_a_label_and_both_probabilities(parts: Make) -> None:
    folder = parts("nein", "ja ✓")
    assemble(folder)
    answer = answers(folder)
    second = 1 / (1 + np.exp(-SCORE))
    np.testing.assert_allclose(answer["probabilities"], np.stack([1 - second, second], 1), atol=1e-6)
    assert answer["label"].tolist() == ["nein", "ja ✓", "ja ✓"]
    assert list(answer) == ["label", "probabilities"]


def test_several_classes_get_a_softmax(parts: Make) -> None:
    folder = parts("a", "b", "c")
    assemble(folder)
    answer = answers(folder)
    power = np.exp(SCORE[:, None] * [-1, 0, 1])
    np.testing.assert_allclose(answer["probabilities"], power / power.sum(axis=1, keepdims=True), atol=1e-6)
    assert answer["label"].tolist() == ["a", "c", "c"]


def test_a_value_comes_back_in_its_own_unit(parts: Make) -> None:
    folder = parts()
    assemble(folder)
    np.testing.assert_allclose(answers(folder)["value"], SCORE * 10 + 100, rtol=1e-6)


def test_one_row_is_answered_as_it_is_among_many(parts: Make) -> None:
    folder = parts("a", "b", "c")
    assemble(folder)
    for i in range(3):
        single = answers(folder, {name: column[i : i + 1] for name, column in RAW.items()})
        assert np.array_equal(single["probabilities"], answers(folder)["probabilities"][i : i + 1])


@pytest.mark.parametrize("opsets", [(20, 18), (18, 20), (21, 20), (20, 22)])
def test_files_of_other_operator_versions_are_brought_to_one(parts: Make, opsets: tuple[int, int]) -> None:
    folder = parts("no", "yes", opsets=opsets)
    assemble(folder)
    assert answers(folder)["label"].tolist() == ["no", "yes", "yes"]
    versions = {o.domain: o.version for o in onnx.load(folder / "model.onnx").opset_import}
    assert versions[""] == max(*opsets, 20)


def test_an_operator_that_changed_between_versions_is_converted() -> None:
    node = h.make_node("ReduceMean", ["x"], ["y"], axes=[1])  # axes became an input in version 18
    graph = h.make_graph(
        [node],
        "g",
        [h.make_tensor_value_info("x", T.FLOAT, ["N", 2])],
        [h.make_tensor_value_info("y", T.FLOAT, ["N", 1])],
    )
    old = h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8)
    new = network_of(1)
    raised = same_versions([old, new])[0]
    assert raised.opset_import[0].version == 20
    session = ort.InferenceSession(raised.SerializeToString())
    np.testing.assert_allclose(session.run(None, {"x": np.array([[1, 3]], np.float32)})[0], [[2]])


def test_nothing_is_in_the_file_that_is_not_computed_with(parts: Make) -> None:
    folder = parts("no", "yes")
    assemble(folder)
    model = onnx.load(folder / "model.onnx")
    assert not any("ballast" in c.name for c in model.graph.initializer)
    assert not model.producer_name and not model.graph.doc_string and not model.graph.value_info
    assert not any(node.name or node.doc_string for node in model.graph.node)
    assert [i.name for i in model.graph.input] == list(COLUMNS)
    assert sorted(p.name for p in folder.iterdir() if p.suffix == ".data") == []


def test_assembling_twice_gives_the_same_bytes(parts: Make) -> None:
    folder = parts("no", "yes")
    assemble(folder)
    first = (folder / "model.onnx").read_bytes()
    assemble(folder)
    assert (folder / "model.onnx").read_bytes() == first


def test_raw_columns_may_have_the_names_of_inner_tensors(parts: Make) -> None:
    folder = parts("no", "yes", columns=("scores", "index_"))
    assemble(folder)
    assert answers(folder, dict(zip(("scores", "index_"), RAW.values(), strict=True)))["label"][1] == "yes"


def test_a_raw_column_called_as_an_answer_is_refused(parts: Make) -> None:
    with pytest.raises(InputError, match="label has the name of an answer"):
        assemble(parts("no", "yes", columns=("size", "label")))


@pytest.mark.parametrize("name", ["graph.onnx", "network.onnx", "head.json", "signature.json"])
def test_a_missing_file_is_named(parts: Make, name: str) -> None:
    folder = parts("no", "yes")
    (folder / name).unlink()
    with pytest.raises(InputError, match=name):
        assemble(folder)


def test_a_network_for_other_examples_is_refused(parts: Make) -> None:
    folder = parts("no", "yes")
    network = onnx.load(folder / "network.onnx")
    network.graph.input[0].name = network.graph.node[1].input[0] = "x.words.body"
    onnx.save(network, folder / "network.onnx")
    with pytest.raises(InputError, match=r"x\.words\.body"):
        assemble(folder)


def test_models_meet_in_a_version_that_has_the_operators_of_all() -> None:
    """Version 5 of ai.onnx.ml dropped the trees of version 3; a LabelEncoder means the same in both."""
    from aimass.models.merge import same_versions

    trees = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 3]> g (float[N, 1] x) => (float[N, 1] y) {
            y = ai.onnx.ml.TreeEnsembleRegressor <n_targets = 1> (x)
        }""")
    words = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17, "ai.onnx.ml" : 5]> g (string[N] w) => (int64[N] i) {
            i = ai.onnx.ml.LabelEncoder <keys_strings = ["a"], values_int64s = [1]> (w)
        }""")
    for model in same_versions([trees, words]):
        assert {opset.domain: opset.version for opset in model.opset_import} == {"": 17, "ai.onnx.ml": 3}
