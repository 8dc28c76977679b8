"""The engine: what it answers, and how it says that a file or an input is wrong."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from aimass.core.errors import InputError
from aimass.core.part import resolve
from aimass.engines.host import Hosted
from aimass.engines.onnxruntime import OnnxRuntime, session


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """`value` = 2 a + b, and `same` repeats the word."""
    graph = h.make_graph(
        [
            h.make_node("Mul", ["a", "two"], ["twice"]),
            h.make_node("Add", ["twice", "b"], ["value"]),
            h.make_node("Identity", ["word"], ["same"]),
        ],
        "model",
        [
            h.make_tensor_value_info("a", T.DOUBLE, ["N"]),
            h.make_tensor_value_info("b", T.DOUBLE, ["N"]),
            h.make_tensor_value_info("word", T.STRING, ["N"]),
        ],
        [h.make_tensor_value_info("value", T.DOUBLE, ["N"]), h.make_tensor_value_info("same", T.STRING, ["N"])],
        [h.make_tensor("two", T.DOUBLE, [], [2.0])],
    )
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10), tmp_path / "model.onnx")
    return tmp_path


ROWS = {"a": np.array([1.0, 2.0]), "b": np.array([0.5, 0.0]), "word": np.array(["é", "b"], dtype=object)}


def test_a_model_folder_answers_named_columns_with_named_outputs(model: Path) -> None:
    answer = OnnxRuntime().load(model)(ROWS)
    assert answer["value"].tolist() == [2.5, 4.0]
    assert list(answer["same"]) == ["é", "b"]


def test_the_engine_is_found_by_name_and_its_knobs_have_ranges(model: Path) -> None:
    engine = resolve("engine", "onnxruntime").from_settings({"use": "onnxruntime", "threads": 2})
    assert engine.load(model)(ROWS)["value"].tolist() == [2.5, 4.0]
    with pytest.raises(InputError, match="threads must lie in"):
        OnnxRuntime.from_settings({"use": "onnxruntime", "threads": 0})


def test_threads_and_spinning_reach_the_session(model: Path) -> None:
    options = session(model / "model.onnx", threads=2).get_session_options()
    assert options.intra_op_num_threads == 2
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    spinning = session(model / "model.onnx", spinning=True).get_session_options()
    assert spinning.get_session_config_entry("session.intra_op.allow_spinning") == "1"


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_that_is_not_here_is_refused_with_those_that_are(model: Path, provider: str) -> None:
    there = dict(zip(("cuda", "tensorrt"), ("CUDAExecutionProvider", "TensorrtExecutionProvider"), strict=True))
    if there[provider] not in ort.get_available_providers():
        with pytest.raises(InputError, match=f"the provider '{provider}'") as caught:
            OnnxRuntime(provider=provider).load(model)
        assert "cpu" in caught.value.expected
    assert OnnxRuntime(provider="cpu").load(model)(ROWS)["value"].tolist() == [2.5, 4.0]


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    """64 numbers a row become 4096 on their way to one."""
    nodes = [h.make_node("MatMul", ["x", "w"], ["wide"]), h.make_node("ReduceSum", ["wide", "axis"], ["y"])]
    weights = numpy_helper.from_array(np.ones((64, 4096), np.float32), "w")
    graph = h.make_graph(
        nodes,
        "wide",
        [h.make_tensor_value_info("x", T.FLOAT, ["N", 64])],
        [h.make_tensor_value_info("y", T.FLOAT, ["N", 1])],
        [weights, h.make_tensor("axis", T.INT64, [1], [1])],
    )
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 18)], ir_version=10), tmp_path / "model.onnx")
    return tmp_path


@pytest.mark.parametrize("arena", [True, False])
def test_without_the_arena_a_large_call_leaves_no_memory_behind(wide: Path, arena: bool) -> None:
    with Hosted(OnnxRuntime(arena=arena), wide) as there:
        there({"x": np.ones((1, 64), np.float32)})
        before = there.held or 0
        assert there({"x": np.ones((8000, 64), np.float32)})["y"].tolist() == [[64 * 4096.0]] * 8000
        kept = ((there.held or 0) - before) / 1e6
    assert kept > 100 if arena else kept < 20


def test_columns_the_model_does_not_take_are_ignored(model: Path) -> None:
    assert "value" in OnnxRuntime().load(model)({**ROWS, "unused": np.zeros(2)})


def test_a_missing_column_is_named(model: Path) -> None:
    with pytest.raises(InputError, match="no column 'b'"):
        OnnxRuntime().load(model)({"a": ROWS["a"], "word": ROWS["word"]})


@pytest.mark.parametrize("wrong", [np.zeros((2, 2)), np.zeros(2, dtype=np.float32)], ids=["shape", "dtype"])
def test_a_column_of_the_wrong_shape_or_type_is_refused_in_one_sentence(model: Path, wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="refused its input") as caught:
        OnnxRuntime().load(model)({**ROWS, "a": wrong})
    assert "\n" not in caught.value.what


@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_a_damaged_file_is_said_to_be_damaged(model: Path, damage: str) -> None:
    path = model / "model.onnx"
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "noise": b"\x00not onnx" * 50, "empty": b""}[damage])
    with pytest.raises(InputError, match=r"model.onnx cannot be loaded") as caught:
        OnnxRuntime().load(model)
    assert caught.value.todo


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        OnnxRuntime().load(tmp_path)
