"""The Open Inference Protocol V2 over REST: metadata, readiness and inference of one model.

github.com/kserve/open-inference-protocol, with the binary tensor extension that tritonclient uses by default.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from aimass.core.errors import suggest
from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.serve.base import request_id
from aimass.serve.messages import Answer, Refused, Request, json_answer, parsed, to_json
from aimass.serve.predictor import Served
from aimass.serve.records import check_rows
from aimass.serve.tensors import checked_shape, datatype, described, from_bytes, from_json, to_bytes

EXTENSIONS = ["binary_tensor_data", "model_configuration", "statistics"]
HEADER = b"inference-header-content-length"
BINARY = b"application/octet-stream"
# Parameters that ask for something else than a plain answer: ignoring them would answer another question.
UNKNOWN = ("sequence_id", "sequence_start", "sequence_end", "classification")


class V2:
    """The V2 protocol of one model."""

    def __init__(self, served: Served, max_rows: int) -> None:
        self.served, self.max_rows = served, max_rows
        self.inputs = {field.name: field for field in served.signature.rows}
        self.outputs = {field.name: field for field in served.signature.outputs}

    # -- what it is -----------------------------------------------------------------------------------------

    def metadata(self) -> dict[str, Any]:
        return {
            "name": self.served.name,
            "versions": [self.served.version] if self.served.version else [],
            "platform": "onnxruntime_onnx",
            "inputs": [described(field) for field in self.inputs.values()],
            "outputs": [described(field) for field in self.outputs.values()],
        }

    def config(self) -> dict[str, Any]:
        """In the words of the model configuration extension; the rows are part of the dims."""
        return {
            "name": self.served.name,
            "platform": "onnxruntime_onnx",
            "backend": "onnxruntime",
            "max_batch_size": 0,
            "input": [_configured(field) for field in self.inputs.values()],
            "output": [_configured(field) for field in self.outputs.values()],
        }

    def index(self) -> dict[str, str]:
        return {"name": self.served.name, "version": self.served.version, "state": "READY", "reason": ""}

    # -- what it answers ------------------------------------------------------------------------------------

    async def infer(self, request: Request) -> Answer:
        """Tensors by column name in, outputs by name out.  Names, datatypes and shapes are checked; 400 names them."""
        raw = await request.body()
        head, tail = _split(raw, request.headers.get(HEADER))
        body = _checked(parsed(head))
        tensors, rows = self._inputs(body, memoryview(tail))
        wanted = self._wanted(body)
        request_id.set(body.get("id") or request.id)
        outputs = await self.served.answer(tensors, rows, len(raw))
        answer: dict[str, Any] = {"model_name": self.served.name}
        if self.served.version:
            answer["model_version"] = self.served.version
        if body.get("id"):
            answer["id"] = body["id"]
        return _encoded(answer, [(self.outputs[name], outputs[name], binary) for name, binary in wanted])

    def _inputs(self, body: dict[str, Any], tail: memoryview) -> tuple[Tensors, int]:
        """The columns of BODY and their number of rows.  Raises Refused."""
        tensors: dict[str, np.ndarray] = {}
        for tensor in _objects(body, "inputs"):
            field = self._field(tensor, tensors)
            shape = checked_shape(field, tensor)
            check_rows(shape[0], self.max_rows)
            size = _size(field, tensor)
            if size is None:
                tensors[field.name] = from_json(field, shape, tensor.get("data"))
                continue
            if size > len(tail):
                raise Refused(400, f"input {field.name!r} wants {size} bytes, the body has {len(tail)} left")
            tensors[field.name], tail = from_bytes(field, shape, tail[:size]), tail[size:]
        if len(tail):
            raise Refused(400, f"{len(tail)} bytes are left over", expected="binary_data_size of each input to add up")
        missing = [name for name in self.inputs if name not in tensors]
        if missing:
            raise Refused(400, f"no input {missing[0]!r}", expected=f"all of: {', '.join(self.inputs)}")
        counts = {name: len(array) for name, array in tensors.items()}
        if len(set(counts.values())) > 1:
            raise Refused(400, f"the inputs differ in rows: {counts}", expected="the same number of rows in each")
        return tensors, next(iter(counts.values()))

    def _field(self, tensor: dict[str, Any], seen: Iterable[str]) -> Field:
        name = tensor.get("name")
        if not isinstance(name, str) or name not in self.inputs:
            near = suggest(str(name), self.inputs)
            raise Refused(400, f"no input is called {name!r}{near}", expected=f"one of: {', '.join(self.inputs)}")
        if name in seen:
            raise Refused(400, f"input {name!r} is given twice", expected="each input once")
        return self.inputs[name]

    def _wanted(self, body: dict[str, Any]) -> list[tuple[str, bool]]:
        """(name, binary?) of each output asked for; all of them when none is named.  Raises Refused."""
        default = bool(_parameters(body).get("binary_data_output", False))
        found = []
        for output in _objects(body, "outputs") if body.get("outputs") else []:
            name = output.get("name")
            if not isinstance(name, str) or name not in self.outputs:
                near = suggest(str(name), self.outputs)
                raise Refused(400, f"no output is called {name!r}{near}", expected=f"of: {', '.join(self.outputs)}")
            found.append((name, bool(_parameters(output).get("binary_data", default))))
        return found or [(name, default) for name in self.outputs]


def _split(body: bytes, length: bytes | None) -> tuple[bytes, bytes]:
    """The JSON and the tensors behind it.  Raises Refused."""
    if length is None:
        return body, b""
    if not length.isdigit() or int(length) > len(body):
        said = length.decode("latin-1")
        raise Refused(400, f"inference-header-content-length is {said!r}", expected=f"a number of 0..{len(body)}")
    return body[: int(length)], body[int(length) :]


def _checked(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refused(400, "the body is not an object", expected='{"inputs": [{"name", "shape", "datatype", "data"}]}')
    if not isinstance(body.get("id", ""), str):
        raise Refused(400, f"the id is {body['id']!r}", expected="text")
    _parameters(body)
    return body


def _objects(body: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = body.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise Refused(400, f"{key!r} is not a list of tensors", expected=f"{key}: at least one object with a name")
    return found


def _parameters(item: dict[str, Any]) -> dict[str, Any]:
    found = item.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refused(400, "'parameters' is not an object", expected="an object")
    for key in UNKNOWN:
        if found.get(key):
            raise Refused(400, f"the parameter {key!r} cannot be honoured here", to_do="leave it out")
    return found


def _size(field: Field, tensor: dict[str, Any]) -> int | None:
    """Bytes of TENSOR behind the JSON; None when its data is in the JSON.  Raises Refused."""
    size = _parameters(tensor).get("binary_data_size")
    if size is None:
        return None
    if type(size) is not int or size < 0:
        raise Refused(400, f"input {field.name!r} has binary_data_size {size!r}", expected="a number of bytes")
    if "data" in tensor:
        raise Refused(400, f"input {field.name!r} has both data and binary_data_size", expected="one of them")
    return size


def _configured(field: Field) -> dict[str, Any]:
    kind = datatype(field).replace("BYTES", "STRING")
    return {"name": field.name, "data_type": f"TYPE_{kind}", "dims": described(field)["shape"]}


def _encoded(answer: dict[str, Any], outputs: list[tuple[Field, np.ndarray, bool]]) -> Answer:
    """ANSWER with OUTPUTS (field, array, binary?); the binary ones stand behind the JSON in their order."""
    tail, told = [], []
    for field, array, binary in outputs:
        fact = {"name": field.name, "datatype": datatype(field), "shape": list(array.shape)}
        if binary:
            tail.append(to_bytes(array))
            told.append({**fact, "parameters": {"binary_data_size": len(tail[-1])}})
        else:
            told.append({**fact, "data": array.ravel().tolist()})
    head = {**answer, "outputs": told}
    if not tail:
        return json_answer(head)
    text = to_json(head)
    return Answer(b"".join((text, *tail)), kind=BINARY, headers=((HEADER, str(len(text)).encode()),))
