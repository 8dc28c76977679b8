"""One version of a model in V1: instances in rows, or inputs by column.

https://www.tensorflow.org/tfx/serving/api_rest and https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol
Tensors are plain: probabilities are a list in the order of the classes, which the metadata names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from aimass.core.errors import InputError
from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.prepare.rows import from_records
from aimass.serve.batch.base import Ask, Form, spans
from aimass.serve.explaining.word import Explains, explaining, taken
from aimass.serve.failures import Then, failed
from aimass.serve.images import Images, bytes_of, is_image, is_packed, telling
from aimass.serve.messages import Refused, body_of, parsed
from aimass.serve.predictor import Served
from aimass.serve.records import check_rows

DEFAULT = "serving_default"  # the only signature
UNPUBLISHED = "0"  # the version of a model that has no number: clients want one
TAKES = '{"instances": [...]} or {"inputs": {...}}'
DATATYPES = {
    "bool": "DT_BOOL", "uint8": "DT_UINT8", "uint16": "DT_UINT16", "uint32": "DT_UINT32", "uint64": "DT_UINT64",
    "int8": "DT_INT8", "int16": "DT_INT16", "int32": "DT_INT32", "int64": "DT_INT64", "float16": "DT_HALF",
    "float32": "DT_FLOAT", "float64": "DT_DOUBLE", "string": "DT_STRING",
}  # fmt: skip


class V1:
    """The V1 protocol of one version of a model."""

    def __init__(self, served: Served, max_rows: int, max_body: int, explains: Explains) -> None:
        self.served, self.max_rows, self.max_body, self.explains = served, max_rows, max_body, explains
        self.fields = served.signature.rows
        self.images = Images(self.fields, served.thread)
        self.rows, self.columns = Rows(served), Columns(served)

    def metadata(self) -> dict[str, Any]:
        """In TensorFlow Serving's words; `classes` beside it names the probabilities in their order."""
        signature = {
            "inputs": {field.name: _described(field) for field in self.fields},
            "outputs": {field.name: _described(field) for field in self.served.signature.outputs},
            "method_name": "tensorflow/serving/predict",
        }
        spec = {"name": self.served.name, "signature_name": "", "version": self.served.version or UNPUBLISHED}
        defined = {"signature_def": {"signature_def": {DEFAULT: signature}}}
        return {"model_spec": spec, "metadata": defined, "classes": list(self.served.signature.classes)}

    def ask(self, exchange: Any, then: Then) -> None:
        """Instances by column name, or the bare values of a model of one column; or columns of values."""
        body = parsed(body_of(exchange, self.max_body))
        said = taken(body)
        if said is not None:
            then = explaining(self.explains, said, then)
        form, records = self.read(body)
        check_rows(len(records), self.max_rows)
        records = texts_of(records, self.fields)
        self.images.read(exchange, records, lambda read: then(Ask(form, read, len(read), exchange)))

    def read(self, body: Any) -> tuple[Form, list[Any]]:
        """Who answers BODY, and its rows as records.  Raises Refused."""
        if not isinstance(body, dict) or len(body.keys() & {"instances", "inputs"}) != 1:
            raise Refused(400, "the body is not one of instances and inputs", expected=TAKES)
        unknown = sorted(body.keys() - {"instances", "inputs", "signature_name"})
        if unknown:
            raise Refused(400, f"{unknown[0]!r} is not understood", expected=TAKES)
        if body.get("signature_name") not in (None, "", DEFAULT):
            raise Refused(400, f"no signature is called {body['signature_name']!r}", expected=DEFAULT)
        if "instances" in body:
            return self.rows, self._instances(body["instances"])
        return self.columns, self._inputs(body["inputs"])

    def _instances(self, instances: Any) -> list[Any]:
        if not isinstance(instances, list):
            raise Refused(400, "'instances' is not a list", expected=TAKES)
        if len(self.fields) > 1:
            for i, instance in enumerate(instances):
                if not isinstance(instance, dict):
                    names = ", ".join(field.name for field in self.fields[:12])
                    raise Refused(400, f"instance {i} is not an object", expected=f"an object with {names}")
            return instances
        name = self.fields[0].name
        return [x if isinstance(x, dict) and not is_packed(x) else {name: x} for x in instances]

    def _inputs(self, inputs: Any) -> list[Any]:
        """Rows out of columns.  Raises Refused."""
        if len(self.fields) == 1 and not (isinstance(inputs, dict) and not is_packed(inputs)):
            inputs = {self.fields[0].name: inputs}
        if not isinstance(inputs, dict) or not inputs:
            raise Refused(400, "'inputs' is not an object", expected='{"inputs": {"column": [...], ...}}')
        for name, values in inputs.items():
            if not isinstance(values, list):
                raise Refused(400, f"input {name!r} is not a list", expected="a list with a value for each row")
        counts = {name: len(values) for name, values in inputs.items()}
        if len(set(counts.values())) > 1:
            raise Refused(400, f"the inputs differ in rows: {counts}", expected="the same number of rows in each")
        return [dict(zip(inputs, row, strict=True)) for row in zip(*inputs.values(), strict=True)]


class Rows(Form):
    """Answers {"predictions": [...]}: an object a row, or the bare value of a model with one output."""

    def __init__(self, served: Served) -> None:
        self.served, self.signature = served, served.signature
        self.names = [field.name for field in self.signature.outputs]

    def join(self, parts: Sequence[list[Any]]) -> Tensors:
        """Raises InputError naming the record of a part, when it is the only one."""
        return from_records([record for part in parts for record in part], self.signature.rows)

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        columns = {name: outputs[name].tolist() for name in self.names}
        for ask, (begin, end) in zip(asks, spans(asks), strict=True):
            ask.exchange.reply(orjson.dumps(self.said({name: c[begin:end] for name, c in columns.items()})))

    def said(self, columns: dict[str, list[Any]]) -> dict[str, Any]:
        """The answer for COLUMNS of outputs."""
        if len(columns) == 1:
            return {"predictions": columns[self.names[0]]}
        return {"predictions": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]}

    def fail(self, ask: Ask, error: Exception) -> None:
        failed(ask.exchange, error)


class Columns(Rows):
    """Answers {"outputs": ...}: a list an output, or the only list."""

    def said(self, columns: dict[str, list[Any]]) -> dict[str, Any]:
        return {"outputs": columns[self.names[0]] if len(columns) == 1 else columns}


def texts_of(records: list[Any], fields: Sequence[Field]) -> list[Any]:
    """RECORDS in which texts that came as bytes, {"b64": "..."}, are texts.  Raises InputError naming the record."""
    names = [field for field in fields if not is_image(field)]
    found = []
    for i, record in enumerate(records):
        packed = [f for f in names if is_packed(record.get(f.name))]
        made = {}
        for field in packed:
            with telling(i, field):
                made[field.name] = _text(bytes_of(record[field.name]))
        found.append({**record, **made} if made else record)
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InputError("not UTF-8", expected="a text in UTF-8", todo="encode it so") from error


def _described(field: Field) -> dict[str, Any]:
    """FIELD as TensorFlow Serving describes a tensor; -1 is a size that is free."""
    sizes = ["-1", *(str(size) if size > 0 else "-1" for size in field.shape)]
    shape = {"dim": [{"size": size, "name": ""} for size in sizes], "unknown_rank": False}
    return {"dtype": DATATYPES[field.dtype], "tensor_shape": shape, "name": field.name}
