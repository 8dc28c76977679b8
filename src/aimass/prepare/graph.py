"""One ONNX graph from raw columns to tensors: the only implementation of preprocessing there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.prepare.base import Fitted, Preparer

OPSET, OPSET_ML, IR_VERSION = 20, 3, 10
TYPES = {
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "string": TensorProto.STRING,
    "uint8": TensorProto.UINT8,
    "float32": TensorProto.FLOAT,
    "int32": TensorProto.INT32,
}


class Builder:
    """Collects nodes, constants and the tensors they end in.  N rows, D numbers, C categories, T words."""

    def __init__(self, prefix: str = "prepare") -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._numbers: list[tuple[str, int]] = []
        self._categories: list[tuple[str, int]] = []
        self._ready: list[tuple[str, Field]] = []

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """The name of what operator KIND gives for INPUTS."""
        name = f"{self.prefix}/{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def const(self, value: Any, dtype: Any = None) -> str:
        """The name of a constant."""
        name = f"{self.prefix}/c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def column(self, name: str) -> str:
        """[N] -> [N, 1]"""
        return self.op("Unsqueeze", name, self.const([1], np.int64))

    def side_by_side(self, names: Sequence[str]) -> str:
        """[N, a], [N, b] ... -> [N, a + b ...]"""
        return names[0] if len(names) == 1 else self.op("Concat", *names, axis=1)

    def each_row(self, column: str, width: int, row: Callable[[Builder, str], str]) -> str:
        """[N] -> int32 [N, WIDTH]: what ROW adds for one value [1] of COLUMN, giving int32 [1, WIDTH], row after row.

        For operators whose memory grows with the longest value of a batch times its rows.
        """
        inner = Builder(f"{self.prefix}/row")
        number, go_on = f"{inner.prefix}/number", f"{inner.prefix}/go_on"
        one = inner.op("Unsqueeze", inner.op("Gather", column, number), inner.const([0], np.int64))
        found = inner.op("Squeeze", row(inner, one), inner.const([0], np.int64))
        still = inner.op("Identity", go_on)
        takes = [helper.make_tensor_value_info(number, TensorProto.INT64, []),
                 helper.make_tensor_value_info(go_on, TensorProto.BOOL, [])]  # fmt: skip
        gives = [helper.make_tensor_value_info(still, TensorProto.BOOL, []),
                 helper.make_tensor_value_info(found, TensorProto.INT32, [width])]  # fmt: skip
        body = helper.make_graph(inner.nodes, "row", takes, gives, inner.constants)
        return self.op("Loop", self.op("Size", column), self.const(True), body=body)

    # -- what a preparer hands over -------------------------------------------------------------------------

    def numbers(self, name: str, width: int) -> None:
        """NAME is float32 [N, WIDTH] for x.numbers."""
        self._numbers.append((name, width))

    def category(self, name: str, size: int) -> None:
        """NAME is int32 [N, 1] for x.categories, below SIZE."""
        self._categories.append((name, size))

    def words(self, column: str, name: str, length: int, size: int) -> None:
        """NAME is int32 [N, LENGTH] for x.words.COLUMN, below SIZE."""
        self._ready.append((name, Field(f"x.words.{column}", "int32", (length,), sizes=(size,))))

    def image(self, column: str, name: str, shape: tuple[int, ...]) -> None:
        """NAME is float32 [N, *SHAPE] (C, H, W) for x.image.COLUMN."""
        self._ready.append((name, Field(f"x.image.{column}", "float32", shape)))

    def tensors(self) -> tuple[Field, ...]:
        """Join what was handed over; the fields of the graph's outputs."""
        found: list[tuple[str, Field]] = []
        if self._numbers:
            joined = self.side_by_side([name for name, _ in self._numbers])
            found.append((joined, Field("x.numbers", "float32", (sum(w for _, w in self._numbers),))))
        if self._categories:
            joined = self.side_by_side([name for name, _ in self._categories])
            sizes = tuple(size for _, size in self._categories)
            found.append((joined, Field("x.categories", "int32", (len(sizes),), sizes=sizes)))
        found += self._ready
        for name, field in found:
            self.nodes.append(helper.make_node("Identity", [name], [field.name]))
        return tuple(field for _, field in found)


def compiled(fitted: Sequence[tuple[type[Preparer], Fitted]]) -> tuple[onnx.ModelProto, tuple[Field, ...]]:
    """The graph of all FITTED columns, each with the class that fitted it, and the fields of the tensors it gives.

    Raises InputError for a column that cannot have its name in a graph.
    """
    build = Builder()
    for preparer in dict.fromkeys(by for by, _ in fitted):
        preparer.compile([f for by, f in fitted if by is preparer], build)
    tensors = build.tensors()
    fields = [f.field for _, f in fitted]
    _check_names([field.name for field in fields], {field.name for field in tensors})
    inputs = [_info(field.dtype, field.name, field.shape) for field in fields]
    outputs = [_info(field.dtype, field.name, field.shape) for field in tensors]
    graph = helper.make_graph(build.nodes, "prepare", inputs, outputs, build.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    used = _domains(build.nodes)
    opsets += [helper.make_opsetid(d, v) for d, v in (("ai.onnx.ml", OPSET_ML), ("com.microsoft", 1)) if d in used]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="")
    onnx.checker.check_model(model)
    return model, tensors


def _domains(nodes: Iterable[onnx.NodeProto]) -> set[str]:
    """The operator sets of NODES and of the graphs inside them."""
    found: set[str] = set()
    for node in nodes:
        inside = (_domains(attribute.g.node) for attribute in node.attribute if attribute.HasField("g"))
        found = found.union({node.domain}, *inside)
    return found


def _check_names(columns: Sequence[str], tensors: set[str]) -> None:
    for name in columns:
        if not name or name in tensors or name.startswith("prepare/"):
            raise InputError(f"a column cannot be called {name!r}", expected="a name the graph does not use itself",
                             todo="rename it in a sql transform, or drop it", key="columns")  # fmt: skip


def _info(dtype: str, name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TYPES[dtype], ["N", *shape])


class Graph:
    """A graph that runs: raw columns by name -> tensors by name, through onnxruntime as everywhere else."""

    def __init__(self, model: Path | onnx.ModelProto, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        source = str(model) if isinstance(model, Path) else model.SerializeToString()
        self.session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]

    def __call__(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(self.outputs, self.session.run(self.outputs, dict(columns)), strict=True))
