"""inference.GRPCInferenceService: what each method answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any

from google.protobuf.message import DecodeError

from aimass.core.errors import suggest
from aimass.serve.batch.base import Ask
from aimass.serve.failures import REFUSALS
from aimass.serve.grpc.messages import CLASSES, PACKAGE
from aimass.serve.grpc.said import CONTENTS, Said, refuse
from aimass.serve.grpc.templates import Templates
from aimass.serve.http2.call import Call
from aimass.serve.messages import Refused
from aimass.serve.v2.forms import Bytes, Given
from aimass.serve.v2.model import EXTENSIONS, V2
from aimass.serve.v2.read import read
from aimass.serve.v2.tensors import datatype

TYPES = ("INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
         "FP16", "FP32", "FP64", "STRING")  # fmt: skip


class Service:
    """MODELS by name; READY says whether the server is."""

    def __init__(self, models: Mapping[str, V2], ready: Callable[[], bool]) -> None:
        self.models, self.ready = models, ready
        self.templates: Templates[tuple[V2, Bytes]] = Templates()
        self.given: dict[tuple[str, tuple[str, ...], bool], Given] = {}
        answers: dict[str, Callable[[Any], dict[str, Any]]] = {
            "ServerLive": lambda asked: {"live": True},
            "ServerReady": lambda asked: {"ready": self.ready()},
            "ModelReady": lambda asked: {"ready": bool(self._model(asked.name, asked.version)) and self.ready()},
            "ServerMetadata": lambda asked: {"name": "aimass", "version": version("aimass"), "extensions": EXTENSIONS},
            "ModelMetadata": lambda asked: self._model(asked.name, asked.version).metadata(),
            "ModelConfig": lambda asked: {"config": _config(self._model(asked.name, asked.version).config())},
            "ModelStatistics": self._statistics,
            "RepositoryIndex": lambda asked: {"models": [model.index() for model in self.models.values()]},
        }
        self.methods: dict[bytes, Callable[[Call], None]] = {
            f"/{PACKAGE}.GRPCInferenceService/{name}".encode(): partial(_answered, name, answer)
            for name, answer in answers.items()
        }
        self.methods[f"/{PACKAGE}.GRPCInferenceService/ModelInfer".encode()] = self.infer

    # -- inference --------------------------------------------------------------------------------------------

    def infer(self, call: Call) -> None:
        """Raw or typed tensors in, the same out."""
        try:
            found = self.templates.find(call.body)
            if found is None:
                model, ask = self._read(call)
            else:
                (model, form), values = found
                timeout = call.timeout or form.timeout
                ask = Ask(form, memoryview(values), form.rows, call, timeout=timeout)
            call.counts = model.served.counts
            model.served.batcher.add(ask)
        except REFUSALS as error:
            refuse(call, error)

    def _read(self, call: Call) -> tuple[V2, Ask]:
        """Which model is asked for what.  Raises Refused."""
        asked = _parsed("ModelInferRequest", call.body)
        model = self._model(asked.model_name, asked.model_version)
        raw = bool(asked.raw_input_contents) or not _can_be_typed(model)
        body = _as_json(asked)
        tail = b"".join(asked.raw_input_contents)
        found = read(body, memoryview(tail), model.inputs, model.outputs, model.max_rows)
        names = tuple(name for name, _ in found.wanted)
        form = self._given(model, names, raw)
        if asked.raw_input_contents and not asked.id:
            self._learn(call.body, asked, model, found, form)
        timeout = call.timeout or found.timeout
        return model, Ask(form, found.tensors, found.rows, call, id=found.id, timeout=timeout)

    def _given(self, model: V2, names: tuple[str, ...], raw: bool) -> Given:
        key = (f"{model.served.label}", names, raw)
        form = self.given.get(key)
        if form is None:
            form = Given(Said(model.facts, [model.outputs[name] for name in names], raw=raw))
            if len(self.given) < 256:
                self.given[key] = form
        return form

    def _learn(self, body: bytes, asked: Any, model: V2, found: Any, form: Given) -> None:
        stated = tuple((model.inputs[tensor.name], found.shapes[tensor.name]) for tensor in asked.inputs)
        if all(field.dtype != "string" for field, _ in stated):
            known = Bytes(stated, form.said, found.timeout)
            self.templates.learn(body, list(asked.raw_input_contents), (model, known))

    def _model(self, name: str, wanted: str) -> V2:
        found = self.models.get(name)
        if found is None:
            raise Refused(404, f"no model is called {name!r}{suggest(name, self.models)}")
        if wanted and wanted != found.served.version:
            raise Refused(404, f"{name} has no version {wanted!r} here", expected=found.served.version or "none")
        return found

    def _statistics(self, asked: Any) -> dict[str, Any]:
        models = [self._model(asked.name, asked.version)] if asked.name else list(self.models.values())
        return {"model_stats": [m.served.counts.as_stats(m.served.name, m.served.version) for m in models]}


def _can_be_typed(model: V2) -> bool:
    """Typed contents have no place for numbers of 16 bits."""
    return all(datatype(field) in CONTENTS for field in model.outputs.values())


def _answered(name: str, answer: Callable[[Any], dict[str, Any]], call: Call) -> None:
    try:
        message = CLASSES[f"{name}Response"](**answer(_parsed(f"{name}Request", call.body)))
    except Refused as error:
        refuse(call, error)
    else:
        call.reply(message.SerializeToString())


def _parsed(name: str, body: bytes) -> Any:
    try:
        return CLASSES[name].FromString(bytes(body))
    except DecodeError as error:
        raise Refused(400, f"the message is no {name}: {error}") from error


def _as_json(asked: Any) -> dict[str, Any]:
    """ASKED in the words of the REST protocol, so that one reader checks both."""
    raw = [len(value) for value in asked.raw_input_contents]
    if raw and len(raw) != len(asked.inputs):
        raise Refused(400, f"{len(raw)} raw values for {len(asked.inputs)} inputs", expected="one for each, in order")
    inputs = []
    for i, tensor in enumerate(asked.inputs):
        facts: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if raw and tensor.HasField("contents"):
            raise Refused(400, f"input {tensor.name!r} has both contents and raw values", expected="one of them")
        more = {"parameters": {"binary_data_size": raw[i]}} if raw else {"data": _contents(tensor)}
        inputs.append({**facts, **more})
    outputs = [{"name": output.name, "parameters": _parameters(output)} for output in asked.outputs]
    return {"id": asked.id, "inputs": inputs, "outputs": outputs, "parameters": _parameters(asked)}


def _contents(tensor: Any) -> list[Any]:
    name = CONTENTS.get(tensor.datatype)
    if name is None:
        raise Refused(400, f"input {tensor.name!r} has datatype {tensor.datatype!r}", expected="raw values for it")
    values = list(getattr(tensor.contents, name))
    if tensor.datatype != "BYTES":
        return values
    try:
        return [str(value, "utf-8") for value in values]
    except UnicodeDecodeError as error:
        raise Refused(400, f"input {tensor.name!r} has a text that is not UTF-8") from error


def _parameters(item: Any) -> dict[str, Any]:
    found = {}
    for key, value in item.parameters.items():
        kind = value.WhichOneof("parameter_choice")
        if kind:
            found[key] = getattr(value, kind)
    return found


def _config(facts: dict[str, Any]) -> dict[str, Any]:
    """FACTS of a model's configuration with types as numbers."""

    def typed(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**field, "data_type": TYPES.index(field["data_type"].removeprefix("TYPE_"))} for field in fields]

    return {**facts, "input": typed(facts["input"]), "output": typed(facts["output"])}
