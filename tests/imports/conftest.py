"""Small networks made by hand, and the work of an import without a process around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

from aimass.core.artifact import Model, seal
from aimass.imports.base import Importer
from aimass.imports.work import work
from aimass.runner.workspace import Workspace

W = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def model_of(
    nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: dict[str, np.ndarray] | None = None,
    *, opset: int = 17, ir: int = 8, domains: tuple[tuple[str, int], ...] = (),
) -> onnx.ModelProto:  # fmt: skip
    """A model of NODES; inputs and outputs are (name, type, shape)."""
    held = [numpy_helper.from_array(value, name) for name, value in (weights or {}).items()]
    infos = [[h.make_tensor_value_info(*value) for value in part] for part in (inputs, outputs)]
    graph = h.make_graph(nodes, "g", *infos, held)
    opsets = [h.make_opsetid(domain, version) for domain, version in (("", opset), *domains)]
    return h.make_model(graph, opset_imports=opsets, ir_version=ir)


@pytest.fixture
def linear() -> onnx.ModelProto:
    """scores = x W, of any number of rows."""
    return model_of([h.make_node("MatMul", ["x", "W"], ["scores"])], [("x", T.FLOAT, ["N", 4])],
                    [("scores", T.FLOAT, ["N", 3])], {"W": W})  # fmt: skip


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., Model]:
    """The artifact that FILE becomes, made in this process."""

    def make(file: Path | onnx.ModelProto, use: str = "onnx", **asked: Any) -> Model:
        if isinstance(file, onnx.ModelProto):
            onnx.save(file, tmp_path / "given.onnx")
            file = tmp_path / "given.onnx"
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        usual: dict[str, Any] = {"rows": "", "task": "auto", "target": "", "classes": [], "columns": [], "answers": {},
                                 "tolerance": 1e-4}  # fmt: skip
        source = Importer.from_settings(use).settings()
        work({"path": str(file), "source": source, "asked": usual | asked, "out": str(out), "seed": 0})
        return Model(out, seal("model", out, []))

    return make


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")
