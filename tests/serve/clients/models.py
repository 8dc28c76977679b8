"""Models of the shapes that clients' own examples ask for: sums and differences of 16 numbers, also as texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import NodeProto, TensorProto
from onnx import TensorProto as T
from onnx import helper as h

from aimass.core.signature import Field, Signature

KINDS = {
    "bool": T.BOOL, "uint8": T.UINT8, "int32": T.INT32, "int64": T.INT64, "float16": T.FLOAT16, "float32": T.FLOAT,
    "float64": T.DOUBLE, "string": T.STRING,
}  # fmt: skip
WIDE = (16,)
NAMES = ("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1")


def write_numbers(folder: Path, dtype: str = "int32") -> Path:
    """OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1: what the examples call `simple`."""
    nodes = [h.make_node(kind, NAMES[:2], [name]) for kind, name in zip(("Add", "Sub"), NAMES[2:], strict=True)]
    return _write(folder, nodes, [Field(name, dtype, WIDE) for name in NAMES])


def write_texts(folder: Path) -> Path:
    """The same of numbers that are written as texts; no text is 0."""
    nodes, numbers = [], [f"{name}.number" for name in NAMES[:2]]
    for name, number in zip(NAMES[:2], numbers, strict=True):
        nodes.append(h.make_node("Equal", [name, "nothing"], [f"{name}.lost"]))
        nodes.append(h.make_node("Where", [f"{name}.lost", "zero", name], [f"{name}.said"]))
        nodes.append(h.make_node("Cast", [f"{name}.said"], [number], to=T.INT32))
    for kind, name in zip(("Add", "Sub"), NAMES[2:], strict=True):
        nodes.append(h.make_node(kind, numbers, [f"{name}.number"]))
        nodes.append(h.make_node("Cast", [f"{name}.number"], [name], to=T.STRING))
    known = [h.make_tensor(name, T.STRING, [], [text]) for name, text in (("nothing", b""), ("zero", b"0"))]
    return _write(folder, nodes, [Field(name, "string", WIDE) for name in NAMES], known=known)


def write_echo(folder: Path, dtype: str = "string") -> Path:
    """OUTPUT0 = INPUT0, of any width: what the examples call `simple_identity`."""
    fields = [Field(name, dtype, (-1,)) for name in ("INPUT0", "OUTPUT0")]
    return _write(folder, [h.make_node("Identity", ["INPUT0"], ["OUTPUT0"])], fields, takes=1)


def write_table(folder: Path) -> Path:
    """spent = price * pieces, said = word: a row of plain columns, as a data frame holds them."""
    fields = [Field("price", "float64"), Field("pieces", "int64"), Field("word", "string")]
    nodes = [
        h.make_node("Cast", ["pieces"], ["many"], to=T.DOUBLE),
        h.make_node("Mul", ["price", "many"], ["spent"]),
        h.make_node("Identity", ["word"], ["said"]),
    ]
    return _write(folder, nodes, [*fields, Field("spent", "float64"), Field("said", "string")], takes=3)


def _write(
    folder: Path, nodes: Sequence[NodeProto], fields: Sequence[Field], *, takes: int = 2,
    known: Sequence[TensorProto] = (),
) -> Path:  # fmt: skip
    """A model that TAKES the first so many of FIELDS and gives the others."""
    infos = [
        h.make_tensor_value_info(f.name, KINDS[f.dtype], ["N", *(size if size > 0 else None for size in f.shape)])
        for f in fields
    ]
    graph = h.make_graph(list(nodes), "model", infos[:takes], infos[takes:], list(known))
    folder.mkdir(parents=True)
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 19)], ir_version=10), folder / "model.onnx")
    rows, outputs = tuple(fields[:takes]), tuple(fields[takes:])
    (folder / "signature.json").write_text(json.dumps(Signature("regression", "y", rows, rows, outputs).as_json()))
    return folder
