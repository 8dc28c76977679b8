"""The Open Inference Protocol V2 of one model: what it is, and what it answers."""

from __future__ import annotations

from functools import partial
from typing import Any

from aimass.core.signature import Field
from aimass.serve.batch.base import Ask
from aimass.serve.explaining.word import Explains
from aimass.serve.failures import Then
from aimass.serve.images import beside, is_image
from aimass.serve.known import Known
from aimass.serve.messages import body_of, parsed
from aimass.serve.predictor import Served
from aimass.serve.v2.forms import Given
from aimass.serve.v2.read import Asked, read, split
from aimass.serve.v2.said import HEADER, Said
from aimass.serve.v2.templates import Templates
from aimass.serve.v2.tensors import datatype, described

KEPT = 64  # ways to answer
BYTES = b'"BYTES"'


class V2:
    """The V2 protocol of one model."""

    def __init__(self, served: Served, max_rows: int, max_body: int, explains: Explains) -> None:
        self.served, self.max_rows, self.max_body, self.explains = served, max_rows, max_body, explains
        self.inputs = {field.name: field for field in served.signature.rows}
        self.outputs = {field.name: field for field in served.signature.outputs}
        self.pictures = any(is_image(field) for field in self.inputs.values())
        self.templates = Templates(self.inputs)
        self.facts = {"model_name": served.name, **({"model_version": served.version} if served.version else {})}
        self.given = Known[tuple[tuple[str, bool], ...], Given](KEPT)  # by what is wanted

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

    # -- what it answers ------------------------------------------------------------------------------------

    def ask(self, exchange: Any, then: Then) -> None:
        """Tensors by column name in, outputs by name out.  Names, datatypes and shapes are checked, and named."""
        body = body_of(exchange, self.max_body)
        if self.pictures and BYTES in body:
            read = partial(self._pictures, exchange, body)
            beside(self.served.thread, read, lambda asked: then(self._asked(exchange, asked)), exchange)
        else:
            then(self._ask(exchange, body))

    def _pictures(self, exchange: Any, body: bytes) -> Asked:
        """What is asked in BODY, where pictures may be packed.  Raises Refused."""
        said, tail = split(body, exchange.head.get(HEADER))
        return read(parsed(said), tail, self.inputs, self.outputs, self.max_rows, pictures=True)

    def _ask(self, exchange: Any, body: bytes) -> Ask:
        """What is asked in BODY.  Raises Refused."""
        length = exchange.head.get(HEADER)
        if length is None:
            found = self.templates.find_values(body)
            if found is not None:
                form, texts = found
                return Ask(form, texts, form.rows, exchange, timeout=form.timeout)
            return self._read(exchange, body, memoryview(b""))
        said, tail = split(body, length)
        known = self.templates.bytes.get(said)
        if known is not None and known.size == len(tail):
            return Ask(known, tail, known.rows, exchange, timeout=known.timeout)
        return self._read(exchange, said, tail)

    def _read(self, exchange: Any, said: bytes, tail: memoryview) -> Ask:
        """What is asked, read with care, and remembered."""
        body = parsed(said)
        asked = read(body, tail, self.inputs, self.outputs, self.max_rows)
        self.templates.learn(said, body, asked, self._form(asked).said)
        return self._asked(exchange, asked)

    def _form(self, asked: Asked) -> Given:
        """Who gives what is wanted."""
        form = self.given.get(asked.wanted)
        if form is None:
            wanted = [(self.outputs[name], binary) for name, binary in asked.wanted]
            form = self.given.keep(asked.wanted, Given(Said(self.facts, wanted)))
        return form

    def _asked(self, exchange: Any, asked: Asked) -> Ask:
        ask = Ask(self._form(asked), asked.tensors, asked.rows, exchange, id=asked.id, timeout=asked.timeout)
        return ask if asked.explain is None else self.explains(ask, asked.explain, within="parameters")


def _configured(field: Field) -> dict[str, Any]:
    kind = datatype(field).replace("BYTES", "STRING")
    return {"name": field.name, "data_type": f"TYPE_{kind}", "dims": described(field)["shape"]}
