"""An ONNX file from anywhere is whole, known and self-contained, or it is refused with the reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto as T
from onnx import helper as h
from tests.imports.conftest import W, model_of

from aimass.core.errors import InputError
from aimass.imports.file import checked, network_in, parsed


@pytest.fixture
def outside(linear: onnx.ModelProto, tmp_path: Path) -> Path:
    """A model whose weights lie in a file beside it."""
    (tmp_path / "m").mkdir()
    path = tmp_path / "m" / "model.onnx"
    onnx.save(linear, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "secret.bin").write_bytes(W.tobytes())
    return path


def pointed(path: Path, **entries: str) -> Path:
    """PATH, its weights pointing elsewhere."""
    model = onnx.load(path, load_external_data=False)
    (weight,) = model.graph.initializer
    kept = {entry.key: entry.value for entry in weight.external_data} | entries
    del weight.external_data[:]
    for key, value in kept.items():
        weight.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_in_a_file_beside_the_model_come_inside_it(outside: Path) -> None:
    (weight,) = network_in(outside).graph.initializer
    assert weight.data_location == T.DEFAULT
    assert np.array_equal(onnx.numpy_helper.to_array(weight), W)


@pytest.mark.parametrize(
    "location", ["../secret.bin", "/etc/passwd", "..\\secret.bin", "C:\\secret.bin", "a/../../secret.bin", "", ".",
                 "gone.bin", "link.bin", "folder/secret.bin", "*/_ORT_MEM_ADDR_/*", "\0"],
)  # fmt: skip
def test_weights_anywhere_else_are_refused(outside: Path, location: str) -> None:
    (outside.parent / "link.bin").symlink_to(outside.parent.parent / "secret.bin")
    (outside.parent / "folder").symlink_to(outside.parent.parent)
    with pytest.raises(InputError, match="which is no file beside it"):
        network_in(pointed(outside, location=location))


@pytest.mark.parametrize("entry", [{"offset": "-4"}, {"offset": "9999"}, {"length": "99999999999"}, {"length": "8"},
                                   {"offset": "x"}, {"length": "-1"}])  # fmt: skip
def test_a_place_that_does_not_fit_its_file_is_refused(outside: Path, entry: dict[str, str]) -> None:
    with pytest.raises(InputError, match="do not fit"):
        network_in(pointed(outside, **entry))


def test_weights_inside_branches_are_looked_at_too(tmp_path: Path) -> None:
    branch = h.make_graph([h.make_node("Constant", [], ["y"], value=h.make_tensor("t", T.FLOAT, [1], [1.0]))], "b", [],
                          [h.make_tensor_value_info("y", T.FLOAT, [1])])  # fmt: skip
    tensor = branch.node[0].attribute[0].t
    tensor.ClearField("float_data")
    tensor.data_location = T.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    node = h.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    model = model_of([node], [("c", T.BOOL, ["N"])], [("y", T.FLOAT, [1])])
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InputError, match="which is no file beside it"):
        network_in(tmp_path / "model.onnx")


@given(at=st.integers(0, 199), junk=st.binary(min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_are_refused_in_words_or_are_still_a_model(at: int, junk: bytes) -> None:
    node = h.make_node("MatMul", ["x", "W"], ["y"])
    model = model_of([node], [("x", T.FLOAT, ["N", 4])], [("y", T.FLOAT, ["N", 3])], {"W": W})
    content = model.SerializeToString()
    hurt = content[:at] + junk + content[at + len(junk) :]
    try:
        checked(parsed(hurt, "m"), "m")
    except InputError as error:
        assert error.what.startswith("m ")


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"\x80\x04cos\nsystem\n."])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"no whole ONNX file|holds no graph"):
        parsed(content, "m")


@pytest.mark.parametrize(
    ("change", "says"),
    [({"opset": 99}, "opset 99, which is too new"), ({"opset": 3}, "opset 3, which is too old"),
     ({"ir": 99}, "IR version 99, which is too new")],
)  # fmt: skip
def test_a_version_nobody_knows_is_named(change: dict[str, int], says: str) -> None:
    node = h.make_node("Relu", ["x"], ["y"])
    model = model_of([node], [("x", T.FLOAT, ["N"])], [("y", T.FLOAT, ["N"])], **change)
    with pytest.raises(InputError, match=says):
        checked(model, "m")


@pytest.mark.parametrize(
    ("node", "says"),
    [(h.make_node("Magic", ["x"], ["y"], domain="my.ops"), "operators of its own: my.ops.Magic"),
     (h.make_node("EPContext", ["x"], ["y"], domain="com.microsoft"), "compiled for one device"),
     (h.make_node("NoSuchOperator", ["x"], ["y"]), "not valid ONNX"),
     (h.make_node("Relu", ["nobody"], ["y"]), "not valid ONNX")],
)  # fmt: skip
def test_an_operator_nobody_knows_is_named(node: onnx.NodeProto, says: str) -> None:
    domains = (("my.ops", 1), ("com.microsoft", 1))
    model = model_of([node], [("x", T.FLOAT, ["N"])], [("y", T.FLOAT, ["N"])], domains=domains)
    with pytest.raises(InputError, match=says):
        checked(model, "m")


def test_functions_of_a_model_are_written_out(linear: onnx.ModelProto) -> None:
    body = h.make_function("my.ops", "Twice", ["a"], ["b"], [h.make_node("Add", ["a", "a"], ["b"])],
                           [h.make_opsetid("", 17)])  # fmt: skip
    model = model_of([h.make_node("Twice", ["x"], ["y"], domain="my.ops")], [("x", T.FLOAT, ["N"])],
                     [("y", T.FLOAT, ["N"])], domains=(("my.ops", 1),))  # fmt: skip
    model.functions.append(body)
    assert [node.op_type for node in checked(model, "m").graph.node] == ["Add"]


def test_sparse_weights_are_refused(linear: onnx.ModelProto) -> None:
    values = h.make_tensor("S", T.FLOAT, [1], [1.0])
    indices = h.make_tensor("i", T.INT64, [1], [0])
    linear.graph.sparse_initializer.append(h.make_sparse_tensor(values, indices, [4]))
    with pytest.raises(InputError, match="sparse weights"):
        checked(linear, "m")
