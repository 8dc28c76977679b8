"""inference.GRPCInferenceService: what each method answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aimass.serve.access.sight import seen, sees
from aimass.serve.batch.base import Ask
from aimass.serve.failures import REFUSALS, Then, no_model
from aimass.serve.grpc.messages import CLASSES, PACKAGE
from aimass.serve.grpc.read import asked_of, parameters, parsed
from aimass.serve.grpc.said import CONTENTS, Said, refuse
from aimass.serve.grpc.templates import Templates
from aimass.serve.grpc.turn import Turn
from aimass.serve.http2.call import UNIMPLEMENTED, Call
from aimass.serve.images import beside
from aimass.serve.known import Known
from aimass.serve.messages import Refused
from aimass.serve.tasks import Tasks
from aimass.serve.v2.facts import Facts
from aimass.serve.v2.forms import Bytes, Given
from aimass.serve.v2.lacking import CALLS
from aimass.serve.v2.model import V2
from aimass.serve.v2.read import Asked
from aimass.serve.v2.tensors import datatype
from aimass.serve.versions.api import Api
from aimass.serve.versions.api import parameters as allowed
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
        self.tasks = Tasks()
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
            self._ask(call, target, version, values, self._then(call, target, version, values))
        except REFUSALS as error:
            refuse(call, error)

    def _target(self, call: Call | Turn) -> Target:
        asked = parsed("ModelInferRequest", call.body)
        return Target(self.facts.deployment(asked.model_name), asked.model_version)

    def _then(self, call: Call | Turn, target: Target, version: Version, values: bytes | None) -> Then:
        """Where what is asked of VERSION goes on; a shadow is asked the same."""
        add, shadow = version.served.batcher.add, None if target.word else target.deployment.shadow
        if shadow is None:
            return add
        copied = shadow.version
        return lambda ask: add(
            shadow.mirror(ask, call, lambda copy, then: self._ask(copy, target, copied, values, then))
        )

    def _ask(self, call: Call | Turn, target: Target, version: Version, values: bytes | None, then: Then) -> None:
        """Call THEN with what is asked of VERSION, now or when pictures are unpacked beside the event loop.

        Looked up, where VALUES were found in a message like one that was read before; else read with care.
        """
        form = target.forms.get(version)
        if form is not None and values is not None:
            then(Ask(form, memoryview(values), form.rows, call, timeout=call.timeout or form.timeout))
            return
        asked, model = parsed("ModelInferRequest", call.body), version.v2
        if model.pictures and any(tensor.datatype == "BYTES" for tensor in asked.inputs):
            read = partial(asked_of, model, asked, pictures=True)
            beside(
                version.served.thread, read, lambda found: then(self._asked(call, model, asked, found)), call, refuse
            )
            return
        found = asked_of(model, asked)
        ask = self._asked(call, model, asked, found)
        self._learn(call.body, target, version, asked, found)
        then(ask)

    def _asked(self, call: Call | Turn, model: V2, asked: Any, found: Asked) -> Ask:
        form = self._form(model, asked, found)
        return Ask(form, found.tensors, found.rows, call, id=found.id, timeout=call.timeout or found.timeout)

    def _learn(self, body: bytes, target: Target, version: Version, asked: Any, found: Asked) -> None:
        """Remember how BODY, which ASKED and was FOUND to be right, is read."""
        if asked.id or not asked.raw_input_contents or any(tensor.datatype == "BYTES" for tensor in asked.inputs):
            return
        stated = tuple((version.v2.inputs[tensor.name], found.shapes[tensor.name]) for tensor in asked.inputs)
        target.forms[version] = Bytes(stated, self._form(version.v2, asked, found).said, found.timeout)
        self.templates.learn(body, list(asked.raw_input_contents), target)

    def _form(self, model: V2, asked: Any, found: Asked) -> Given:
        """Who gives what is wanted."""
        key = model, tuple(name for name, _ in found.wanted), bool(asked.raw_input_contents) or not _can_be_typed(model)
        form = self.given.get(key)
        if form is None:
            _, names, raw = key
            said = Said(model.facts, [model.outputs[name] for name in names], raw=raw)
            form = self.given.keep(key, Given(said))
        return form

    # -- what takes time --------------------------------------------------------------------------------------

    def _later(self, name: str, answer: Callable[[Any], Awaitable[dict[str, Any]]], call: Call) -> None:
        self.tasks.begin(_awaited(name, answer, call))


async def _awaited(name: str, answer: Callable[[Any], Awaitable[dict[str, Any]]], call: Call) -> None:
    try:
        message = CLASSES[f"{name}Response"](**await answer(parsed(f"{name}Request", call.body)))
    except Exception as error:  # told to the caller; what is ours is logged there
        refuse(call, error)
    else:
        call.reply(message.SerializeToString())


async def _index(api: Api, asked: Any) -> dict[str, Any]:
    return {"models": await api.index(ready=asked.ready)}


async def _changed(change: Change, asked: Any) -> dict[str, Any]:
    await change(asked.model_name, allowed({"parameters": parameters(asked)}, CHANGES))
    return {}


def _can_be_typed(model: V2) -> bool:
    """Typed contents have no place for numbers of 16 bits."""
    return all(datatype(field) in CONTENTS for field in model.outputs.values())


def _lacking(why: str, call: Call) -> None:
    call.refuse(UNIMPLEMENTED, why)


def _answered(name: str, answer: Callable[[Any], dict[str, Any]], call: Call) -> None:
    try:
        message = CLASSES[f"{name}Response"](**answer(parsed(f"{name}Request", call.body)))
    except Refused as error:
        refuse(call, error)
    else:
        call.reply(message.SerializeToString())


def _config(facts: dict[str, Any]) -> dict[str, Any]:
    """FACTS of a model's configuration with types as numbers."""

    def typed(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**field, "data_type": TYPES.index(field["data_type"].removeprefix("TYPE_"))} for field in fields]

    return {**facts, "input": typed(facts["input"]), "output": typed(facts["output"])}
