"""Messages of callers, and a ModelInferRequest in the words of the REST protocol: one reader checks both."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError

from aimass.serve.grpc.messages import CLASSES
from aimass.serve.grpc.said import CONTENTS
from aimass.serve.messages import Refused
from aimass.serve.v2.model import V2
from aimass.serve.v2.read import Asked, read
from aimass.serve.v2.tensors import LENGTH


def parsed(name: str, body: bytes) -> Any:
    """The message NAME that BODY is.  Raises Refused."""
    try:
        return CLASSES[name].FromString(bytes(body))
    except DecodeError as error:
        raise Refused(400, f"the message is no {name}: {error}") from error


def asked_of(model: V2, asked: Any, *, pictures: bool = False) -> Asked:
    """What ASKED, a ModelInferRequest, wants of MODEL.  PICTURES may be packed, which takes time.  Raises Refused."""
    raw = list(asked.raw_input_contents)
    if raw and len(raw) != len(asked.inputs):
        raise Refused(400, f"{len(raw)} raw values for {len(asked.inputs)} inputs", expected="one for each, in order")
    behind: list[bytes] = []
    inputs = []
    for i, tensor in enumerate(asked.inputs):
        if raw and tensor.HasField("contents"):
            raise Refused(400, f"input {tensor.name!r} has both contents and raw values", expected="one of them")
        inputs.append(_input(tensor, raw[i] if raw else None, behind))
    outputs = [{"name": output.name, "parameters": parameters(output)} for output in asked.outputs]
    body = {"id": asked.id, "inputs": inputs, "outputs": outputs, "parameters": parameters(asked)}
    tail = memoryview(b"".join(behind))
    found = read(body, tail, model.inputs, model.outputs, model.max_rows, pictures=pictures)
    if found.explain is not None:
        raise Refused(400, "explanations are not given over gRPC", to_do="ask /v2/models/NAME/explain for them")
    return found


def _input(tensor: Any, raw: bytes | None, behind: list[bytes]) -> dict[str, Any]:
    """TENSOR, whose values are RAW or its contents; BEHIND is what stands behind the JSON."""
    facts = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
    values = [] if raw is not None else _contents(tensor)
    if raw is None and tensor.datatype == "BYTES":  # no text yet: they may be pictures
        raw = b"".join(LENGTH.pack(len(value)) + value for value in values)
    if raw is None:
        return {**facts, "parameters": parameters(tensor), "data": values}
    behind.append(raw)
    return {**facts, "parameters": {**parameters(tensor), "binary_data_size": len(raw)}}


def _contents(tensor: Any) -> list[Any]:
    name = CONTENTS.get(tensor.datatype)
    if name is None:
        raise Refused(400, f"input {tensor.name!r} has datatype {tensor.datatype!r}", expected="raw values for it")
    return list(getattr(tensor.contents, name))


def parameters(item: Any) -> dict[str, Any]:
    """Of a message, a tensor or an output, by name."""
    kinds = {key: value.WhichOneof("parameter_choice") for key, value in item.parameters.items()}
    return {key: getattr(item.parameters[key], kind) for key, kind in kinds.items() if kind}
