"""An ONNX file as it comes from anywhere: parsed, checked, whole, and nothing in it that points outside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, checker, defs, helper, inliner

from aimass.core.errors import InputError

LARGEST = (1 << 31) - (1 << 20)  # bytes: what one protobuf file can hold, less its own words
OLDEST = 7  # opset: ONNX Runtime promises nothing before it
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")  # whose operators are part of ONNX Runtime
NAMED_FILES = ("EPContext",)  # operators that name a file to load
EXPORT = "export it again with opset 20 or lower: every exporter has such a setting"


def network_in(path: Path) -> onnx.ModelProto:
    """The network in the ONNX file PATH, its external data inside it.  Raises InputError for whatever is wrong."""
    size = path.stat().st_size
    if size > LARGEST:
        raise _too_large(path.name, size)
    model = parsed(path.read_bytes(), path.name)
    embed(model, path.parent, path.name)
    return checked(model, path.name)


def parsed(content: bytes, name: str) -> onnx.ModelProto:
    """CONTENT as a model.  Raises InputError for a truncated or foreign file."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise InputError(f"{name} is no whole ONNX file: {error}", expected="an ONNX model",
                         todo="export or copy it again; a Git LFS pointer is no model") from error  # fmt: skip
    if not model.HasField("graph") or not model.opset_import or not model.graph.output:
        raise InputError(f"{name} holds no graph", expected="an ONNX model with operators and outputs",
                         todo="export or copy it again")  # fmt: skip
    return model


def checked(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """MODEL, its functions written out where they are called.  Raises InputError for what cannot be served."""
    _check_versions(model, name)
    del model.training_info[:]
    if model.functions:
        model = inliner.inline_local_functions(model)
    _check_operators(model, name)
    if model.graph.sparse_initializer:
        raise InputError(f"{name} holds sparse weights", expected="dense tensors", todo="export it with dense weights")
    try:
        checker.check_model(model)
    except (checker.ValidationError, ValueError) as error:
        why = str(error).strip().splitlines()[0][:300]
        raise InputError(f"{name} is not valid ONNX: {why}", expected="a model that onnx.checker passes",
                         todo="export it again with the newest version of its exporter") from error  # fmt: skip
    return model


def _check_versions(model: onnx.ModelProto, name: str) -> None:
    if model.ir_version > onnx.IR_VERSION:
        raise InputError(f"{name} has IR version {model.ir_version}, which is too new",
                         expected=f"at most {onnx.IR_VERSION}", todo=EXPORT)  # fmt: skip
    for opset in model.opset_import:
        if opset.domain not in DOMAINS[:2]:
            continue
        if not OLDEST <= opset.version <= defs.onnx_opset_version():
            age = "new" if opset.version > OLDEST else "old"
            raise InputError(f"{name} has opset {opset.version}, which is too {age}",
                             expected=f"opset {OLDEST} to {defs.onnx_opset_version()}", todo=EXPORT)  # fmt: skip


def _check_operators(model: onnx.ModelProto, name: str) -> None:
    strange = sorted({f"{n.domain}.{n.op_type}" for n in nodes_of(model.graph) if n.domain not in DOMAINS})
    if strange:
        raise InputError(f"{name} needs operators of its own: {', '.join(strange[:5])}",
                         expected="operators of ONNX, ai.onnx.ml or ONNX Runtime",
                         todo="export it without custom operators; their code is not loaded")  # fmt: skip
    for node in nodes_of(model.graph):
        if node.op_type in NAMED_FILES:
            raise InputError(f"{name} holds {node.op_type}, compiled for one device", expected="plain operators",
                             todo="export the model itself, not what a device made of it")  # fmt: skip


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Every node of GRAPH and of the graphs inside its nodes."""
    for node in graph.node:
        yield node
        for inner in inner_graphs(node):
            yield from nodes_of(inner)


def inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The branches and bodies of NODE."""
    for attribute in node.attribute:
        yield from attribute.graphs
        if attribute.HasField("g"):
            yield attribute.g


# -- external data --------------------------------------------------------------------------------------------


def embed(model: onnx.ModelProto, folder: Path, name: str) -> None:
    """Read the tensors of MODEL that lie in files of FOLDER.  In place.

    Raises InputError for a place outside FOLDER, a link, a file that is missing or too short, and for too much.
    """
    total = 0
    for tensor in _tensors(model):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        said = {entry.key: entry.value for entry in tensor.external_data}
        file = _inside(folder, said.get("location", ""), name)
        begin, length = _place(said, file, tensor, name)
        total += length
        if total > LARGEST:
            raise _too_large(name, total)
        with file.open("rb") as stream:
            stream.seek(begin)
            tensor.raw_data = stream.read(length)
        del tensor.external_data[:]
        tensor.data_location = TensorProto.DEFAULT


def _inside(folder: Path, location: str, name: str) -> Path:
    parts = PureWindowsPath(location).parts  # reads / and \, and knows drives
    rooted = PureWindowsPath(location).root or PureWindowsPath(location).drive
    path = folder.joinpath(*parts) if parts and not rooted else folder
    links = any(step.is_symlink() for step in (path, *path.parents) if step.is_relative_to(folder) and step != folder)
    if rooted or ".." in parts or "\0" in location or links or not path.is_file():
        raise InputError(
            f"{name} keeps weights at {location!r}, which is no file beside it",
            expected="external data in the folder of the model",
            todo="put the files that were exported with it beside it, or export it as one file",
            key="path",
        )
    return path


def _place(said: dict[str, str], file: Path, tensor: onnx.TensorProto, name: str) -> tuple[int, int]:
    """Where TENSOR lies in FILE: its first byte and its bytes."""
    size = file.stat().st_size
    texts = (said.get("offset", "0"), said.get("length", ""))
    try:
        begin, length = int(texts[0]), int(texts[1]) if texts[1] else size - int(texts[0])
        needed = _bytes_of(tensor)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(name, tensor) from error
    if begin < 0 or length < 0 or begin + length > size or (needed is not None and needed != length):
        raise _damaged(name, tensor)
    return begin, length


def _bytes_of(tensor: onnx.TensorProto) -> int | None:
    """What its dims ask for; None where values share bytes (4 bits)."""
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    if kind.kind == "O" or any(size < 0 for size in tensor.dims):
        raise ValueError
    packed = "4" in TensorProto.DataType.Name(tensor.data_type)[-4:] and kind.itemsize == 1
    return None if packed else math.prod(tensor.dims) * kind.itemsize


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor of MODEL, wherever it stands."""
    graphs = [model.graph, *(g for info in model.training_info for g in (info.initialization, info.algorithm))]
    loose = [node for function in model.functions for node in function.node]
    nodes = [*(node for graph in graphs for node in nodes_of(graph)), *loose]
    graphs += [inner for node in nodes for inner in inner_graphs(node)]
    nodes += [node for outer in loose for inner in inner_graphs(outer) for node in nodes_of(inner)]
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _damaged(name: str, tensor: onnx.TensorProto) -> InputError:
    return InputError(f"{name}: the external data of {tensor.name or 'a constant'} do not fit its file",
                      expected="the files that were exported together", todo="export or copy them again")  # fmt: skip


def _too_large(name: str, size: int) -> InputError:
    return InputError(f"{name} holds {size / 2**30:.1f} GB", expected=f"at most {LARGEST / 2**30:.1f} GB, weights "
                      "included", todo="export it with float16 weights, or a smaller model", key="path")  # fmt: skip
