"""inference.GRPCInferenceService: what each method answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from google.protobuf.message import DecodeError

from aimass.serve.access.sight import seen, sees
from aimass.serve.batch.base import Ask
from aimass.serve.failures import REFUSALS, no_model
from aimass.serve.grpc.messages import CLASSES, PACKAGE
from aimass.serve.grpc.said import CONTENTS, Said, refuse
from aimass.serve.grpc.templates import Templates
from aimass.serve.grpc.turn import Turn
from aimass.serve.http2.call import UNIMPLEMENTED, Call
from aimass.serve.known import Known
from aimass.serve.messages import Refused
from aimass.serve.v2.facts import Facts
from aimass.serve.v2.forms import Bytes, Given
from aimass.serve.v2.lacking import CALLS
from aimass.serve.v2.model import V2
from aimass.serve.v2.read import read
from aimass.serve.v2.tensors import datatype
from aimass.serve.versions.api import Api, parameters
from aimass.serve.versions.deployment import Deployment
from aimass.serve.versions.version import Version

TYPES = ("INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
         "FP16", "FP32", "FP64", "STRING")  # fmt: skip
KEPT = 256  # ways to answer
CHANGES = ("version", "unload_dependents")  # parameters of a change of versions

Change = Callable[[str, dict[str, Any]], Awaitable[None]]


def method(name: str) -> bytes:
    return f"/{PACKAGE}.GRPCInferenceService/{name}".encode()


class Target:
    """A model a message names, and a version if it does; what is known of such messages by the version that answers."""

    def __init__(self, deployment: Deployment, word: str) -> None:
        self.deployment, self.word = deployment, word
        self.forms: dict[Version, Bytes] = {}

    def version(self, call: Call | Turn) -> Version:
        """Who answers CALL.  Raises Refused."""
        return self.deployment.find(self.word) if self.word else self.deployment.pick(call)


class Service:
    """What FACTS says, what the versions of its models answer, and what API changes."""

    def __init__(self, facts: Facts, api: Api) -> None:
        self.facts = facts
        self.templates: Templates[Target] = Templates()
        self.given: Known[tuple[V2, tuple[str, ...], bool], Given] = Known(KEPT)
        self.tasks: set[asyncio.Task[None]] = set()
        answers: dict[str, Callable[[Any], dict[str, Any]]] = {
            "ServerLive": lambda asked: {"live": True},
            "ServerReady": lambda asked: {"ready": facts.ready()},
            "ModelReady": lambda asked: {"ready": facts.model_ready(asked.name, asked.version)},
            "ServerMetadata": lambda asked: facts.server(),
            "ModelMetadata": lambda asked: facts.metadata(asked.name, asked.version),
            "ModelConfig": lambda asked: {"config": _config(facts.config(asked.name, asked.version))},
        }
        awaited: dict[str, Callable[[Any], Awaitable[dict[str, Any]]]] = {
            "ModelStatistics": lambda asked: facts.stats(asked.name, asked.version),
            "RepositoryIndex": partial(_index, api),
            "RepositoryModelLoad": partial(_changed, api.load),
            "RepositoryModelUnload": partial(_changed, api.unload),
        }
        self.methods: dict[bytes, Callable[[Call], None]] = {
            method(name): partial(_answered, name, answer) for name, answer in answers.items()
        }
        self.methods[method("ModelInfer")] = self.infer
        self.methods.update({method(name): partial(self._later, name, answer) for name, answer in awaited.items()})
        self.turns: dict[bytes, Callable[[Turn], None]] = {method("ModelStreamInfer"): self.infer}
        for name, why in CALLS.items():
            self.methods[method(name)] = partial(_lacking, why)

    def forget(self) -> None:
        """Other versions answer from now on."""
        self.templates.forget()
        self.given.clear()

    # -- inference --------------------------------------------------------------------------------------------

    def infer(self, call: Call | Turn) -> None:
        """Raw or typed tensors in, the same out."""
        try:
            target, values = self.templates.find(call.body) or (self._target(call), None)
            if not sees(target.deployment.name):  # it is known from another caller
                raise no_model(target.deployment.name, seen(self.facts.life.deployments))
            version = target.version(call)
            call.counts = version.served.counts
            ask = self._ask(call, target, version, values)
            shadow = None if target.word else target.deployment.shadow
            if shadow:
                copied = shadow.version
                ask = shadow.mirror(ask, call, lambda copy, then: then(self._ask(copy, target, copied, values)))
            version.served.batcher.add(ask)
        except REFUSALS as error:
            refuse(call, error)

    def _target(self, call: Call | Turn) -> Target:
        asked = _parsed("ModelInferRequest", call.body)
        return Target(self.facts.deployment(asked.model_name), asked.model_version)

    def _ask(self, call: Call | Turn, target: Target, version: Version, values: bytes | None) -> Ask:
        """What is asked of VERSION: looked up, where VALUES were found in a message like one that was read before."""
        form = target.forms.get(version)
        if form is None or values is None:
            return self._read(call, target, version)
        return Ask(form, memoryview(values), form.rows, call, timeout=call.timeout or form.timeout)

    def _read(self, call: Call | Turn, target: Target, version: Version) -> Ask:
        """The same, read with care.  Raises Refused."""
        asked, model = _parsed("ModelInferRequest", call.body), version.v2
        raw = bool(asked.raw_input_contents) or not _can_be_typed(model)
        tail = memoryview(b"".join(asked.raw_input_contents))
        found = read(_as_json(asked), tail, model.inputs, model.outputs, model.max_rows)
        form = self._given(model, tuple(name for name, _ in found.wanted), raw)
        if asked.raw_input_contents and not asked.id:
            stated = tuple((model.inputs[tensor.name], found.shapes[tensor.name]) for tensor in asked.inputs)
            if all(field.dtype != "string" for field, _ in stated):
                target.forms[version] = Bytes(stated, form.said, found.timeout)
                self.templates.learn(call.body, list(asked.raw_input_contents), target)
        timeout = call.timeout or found.timeout
        return Ask(form, found.tensors, found.rows, call, id=found.id, timeout=timeout)

    def _given(self, model: V2, names: tuple[str, ...], raw: bool) -> Given:
        form = self.given.get((model, names, raw))
        if form is None:
            said = Said(model.facts, [model.outputs[name] for name in names], raw=raw)
            form = self.given.keep((model, names, raw), Given(said))
        return form

    # -- what takes time --------------------------------------------------------------------------------------

    def _later(self, name: str, answer: Callable[[Any], Awaitable[dict[str, Any]]], call: Call) -> None:
        task = asyncio.get_running_loop().create_task(_awaited(name, answer, call))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def _awaited(name: str, answer: Callable[[Any], Awaitable[dict[str, Any]]], call: Call) -> None:
    try:
        message = CLASSES[f"{name}Response"](**await answer(_parsed(f"{name}Request", call.body)))
    except Exception as error:  # told to the caller; what is ours is logged there
        refuse(call, error)
    else:
        call.reply(message.SerializeToString())


async def _index(api: Api, asked: Any) -> dict[str, Any]:
    return {"models": await api.index(ready=asked.ready)}


async def _changed(change: Change, asked: Any) -> dict[str, Any]:
    await change(asked.model_name, parameters({"parameters": _parameters(asked)}, CHANGES))
    return {}


def _can_be_typed(model: V2) -> bool:
    """Typed contents have no place for numbers of 16 bits."""
    return all(datatype(field) in CONTENTS for field in model.outputs.values())


def _lacking(why: str, call: Call) -> None:
    call.refuse(UNIMPLEMENTED, why)


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
