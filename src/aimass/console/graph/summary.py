"""An ONNX graph as a table of its nodes, with sums by operator and by the first part of their names.

Nothing is executed and no tensor is unpacked: shapes and counts are read from the file's own words.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

import onnx

from aimass.store.base import Damaged

FILE = "model.onnx"
LARGEST = 512 << 20  # bytes of a file that is looked into
DRAWN = 3000  # nodes that Netron draws in seconds; more may stop a browser's tab
ROWS = 5000  # nodes that are listed
GROUPS = 200


def summary_of(path: Path, digest: str) -> dict[str, Any]:
    """The graph in the file at PATH, of the artifact DIGEST.

    {"count", "parameters", "bytes", "drawn": whether Netron will manage, "operators", "groups": [{"name", "nodes",
    "parameters"}], "nodes": [{"name", "operator", "parameters", "shapes", "output"}], "inputs", "outputs"}
    Raises Damaged when there is no such file, or it is too large or no ONNX.
    """
    graph = _loaded(path, digest[:12]).graph
    sizes = {one.name: tuple(one.dims) for one in graph.initializer}
    shapes = {one.name: _shape(one) for one in (*graph.value_info, *graph.output)}
    nodes = [_node(node, sizes, shapes) for node in graph.node]
    return {
        "count": len(nodes),
        "parameters": sum(map(prod, sizes.values())) + sum(_numbers(node) for node in graph.node),
        "bytes": path.stat().st_size,
        "drawn": len(nodes) <= DRAWN,
        "operators": _sums(nodes, "operator"),
        "groups": _sums(nodes, "group"),
        "nodes": nodes[:ROWS],
        "inputs": [{"name": one.name, "shape": _shape(one)} for one in graph.input if one.name not in sizes],
        "outputs": [{"name": one.name, "shape": _shape(one)} for one in graph.output],
    }


def _loaded(path: Path, digest: str) -> onnx.ModelProto:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise Damaged(f"the graph of {digest} has {size / 1e6:.0f} MB", expected=f"at most {LARGEST / 1e6:.0f} MB",
                          todo="download the file and look at it with Netron")  # fmt: skip
        return onnx.load(path, load_external_data=False)
    except Damaged:
        raise
    except Exception as error:  # protobuf has errors of its own for each way to be broken
        raise Damaged(f"the graph of {digest} cannot be read: {error}", expected=FILE, todo="make it again") from error


def _node(node: onnx.NodeProto, sizes: dict[str, tuple[int, ...]], shapes: dict[str, str]) -> dict[str, Any]:
    own = [sizes[name] for name in node.input if name in sizes]
    first = next((name for name in node.output if name), "")
    name = node.name or first
    return {
        "name": name,
        "operator": f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type,
        "group": name.strip("/").replace(".", "/").partition("/")[0] or node.op_type,
        "parameters": sum(map(prod, own)) + _numbers(node),
        "shapes": [_words(shape) for shape in own],
        "output": shapes.get(first, ""),
    }


def _numbers(node: onnx.NodeProto) -> int:
    """Numbers that NODE keeps in its own attributes, as trees do."""
    tensors = (prod(one.t.dims) for one in node.attribute if one.HasField("t"))
    return int(sum(len(one.floats) + len(one.ints) for one in node.attribute) + sum(tensors))


def _shape(value: onnx.ValueInfoProto) -> str:
    """'N x 24'; '' where nothing is said."""
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return ""
    dims = value.type.tensor_type.shape.dim
    return _words([dim.dim_param or (dim.dim_value if dim.HasField("dim_value") else "?") for dim in dims])


def _words(shape: Any) -> str:
    return " × ".join(map(str, shape)) or "scalar"


def _sums(nodes: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """Nodes and parameters of each value of BY, the most nodes first."""
    count: Counter[str] = Counter(node[by] for node in nodes)
    parameters: Counter[str] = Counter()
    for node in nodes:
        parameters[node[by]] += node["parameters"]
    return [{"name": name, "nodes": n, "parameters": parameters[name]} for name, n in count.most_common(GROUPS)]
