"""Verbs: `@step` reads a function's annotations; artifacts are inputs, everything else is a setting.

One verb, three ways in: Python, command line and project file all end in `Step.task` and `Workspace.run`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, get_args, get_origin

from aimass.core.artifact import Artifact
from aimass.core.errors import InputError, suggest
from aimass.core.settings import coerce, hints, plain
from aimass.core.stages import stage_of_verb
from aimass.core.task import Ref, Task

REQUIRED = inspect.Parameter.empty


class Context(Protocol):
    """All that a step's body may touch.

    folder  scratch; what is in it when the body returns becomes the artifact
    resume  kept between attempts at the same task: checkpoints live here, gone after success
    seed    the task's seed
    lake    URL of the folder of Delta tables
    """

    folder: Path
    resume: Path
    seed: int
    lake: str

    def report(self, at: float | None = None, **numbers: float) -> None:
        """Record live metrics at position AT (epoch, step, rows).  Raises Stopped when asked to stop."""

    def log(self, message: str) -> None:
        """Add a line to the run's log."""

    def tell(self, **facts: Any) -> None:
        """Small facts for the manifest (rows, score): listed by `aimass ls`, not hashed."""


class Place(Protocol):
    """What a step needs of a workspace."""

    def run(
        self, task: Task, *, needs: Mapping[str, Any] | None = None, on: str | None = None, save_as: str | None = None
    ) -> Artifact: ...

    def get(self, ref: str, kind: str | None = None) -> Artifact: ...


current: ContextVar[Place | None] = ContextVar("aimass_workspace", default=None)


@dataclass(frozen=True)
class Input:
    """An artifact parameter: one, a list, or a table of them by name."""

    name: str
    kind: type[Artifact]
    shape: str  # "one" | "list" | "dict"
    optional: bool


@dataclass(frozen=True)
class Setting:
    """A parameter that is not an artifact."""

    name: str
    annotation: Any
    default: Any


class Step:
    """A verb.  Call it with artifacts and settings; it runs in the current workspace and returns an artifact."""

    def __init__(self, body: Callable[..., Any], revision: int, reuse: bool) -> None:
        self.body, self.revision, self.reuse, self.name = body, revision, reuse, body.__name__
        self.__doc__, self.__module__, self.__name__ = body.__doc__, body.__module__, body.__name__
        self.inputs: dict[str, Input] = {}
        self.settings: dict[str, Setting] = {}
        types = hints(body)
        self.returns: type[Artifact] = types.pop("return")
        for parameter in list(inspect.signature(body).parameters.values())[1:]:  # the first is ctx
            annotation = types[parameter.name]
            found = _as_input(parameter.name, annotation, parameter.default)
            if found:
                self.inputs[parameter.name] = found
            else:
                self.settings[parameter.name] = Setting(parameter.name, annotation, parameter.default)

    def task(self, inputs: Mapping[str, Ref], settings: Mapping[str, Any], seed: int = 0, label: str = "") -> Task:
        """The task of this step: settings checked and spelled out, so that equal meaning is equal identity."""
        for name in {**inputs, **settings}:
            if name not in self.inputs and name not in self.settings:
                known = [*self.inputs, *self.settings]
                raise InputError(
                    f"{self.name}: unknown setting {name!r}{suggest(name, known)}",
                    expected=f"one of: {', '.join(known)}",
                    key=name,
                )
        for name, spec in self.inputs.items():
            if inputs.get(name) is None and not spec.optional:
                raise InputError(f"{self.name}: no {name}", expected=f"a {spec.kind.kind}")
        spelled = {n: plain(self._setting(n, settings)) for n in self.settings}
        return Task(self.name, self.revision, spelled, {n: inputs.get(n) for n in self.inputs}, seed, label)

    def _setting(self, name: str, given: Mapping[str, Any]) -> Any:
        spec = self.settings[name]
        if name not in given:
            if spec.default is REQUIRED:
                raise InputError(f"{self.name}: setting {name!r} is missing")
            if not isinstance(spec.default, (str, list, dict, tuple)):
                return spec.default
        value = plain(given.get(name, spec.default))
        return coerce(spec.annotation, value, f"{self.name}.{name}")

    def arguments(self, task: Task) -> dict[str, Any]:
        """The body's settings, as objects, from a task's JSON."""
        return {n: self._setting(n, task.settings) for n in self.settings}

    def __call__(
        self,
        *artifacts: Any,
        workspace: Place | None = None,
        seed: int = 0,
        save_as: str | None = None,
        needs: Mapping[str, Any] | None = None,
        on: str | None = None,
        **given: Any,
    ) -> Any:
        place = workspace or current.get()
        if place is None:
            raise InputError(f"{self.name}: no workspace", todo="open one first: aimass.Workspace('.aimass')")
        named = {**dict(zip(self.inputs, artifacts, strict=False)), **given}
        inputs = {n: _refs(place, named.pop(n)) for n in list(named) if n in self.inputs}
        task = self.task(inputs, named, seed, save_as or "")
        return place.run(task, needs=needs, on=on, save_as=save_as)

    def __repr__(self) -> str:
        return f"<step {self.name}>"


def _as_input(name: str, annotation: Any, default: Any) -> Input | None:
    options = [a for a in get_args(annotation) if a is not type(None)]
    optional = default is not REQUIRED
    if optional and len(options) == 1 and get_origin(annotation) not in (list, dict):
        annotation = options[0]
    if isinstance(annotation, type) and issubclass(annotation, Artifact):
        return Input(name, annotation, "one", optional)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (list, dict) and isinstance(args[-1], type) and issubclass(args[-1], Artifact):
        return Input(name, args[-1], "list" if origin is list else "dict", optional)
    return None


def _refs(place: Place, value: Any) -> Ref:
    if isinstance(value, Artifact):
        return value.digest
    if isinstance(value, str):
        return place.get(value).digest
    if isinstance(value, (list, tuple)):
        return [str(_refs(place, v)) for v in value]
    if isinstance(value, dict):
        return {k: str(_refs(place, v)) for k, v in value.items()}
    return None


def step(body: Callable[..., Any] | None = None, *, revision: int = 1, reuse: bool = True) -> Any:
    """Make a step of a function `f(ctx, artifact, ..., *, setting, ...) -> Artifact`.

    Raise REVISION when the same settings give other results: it is in every task's identity.
    REUSE=False for a step that looks at the outside world (`collect`): it is never answered from memory.
    """
    return Step(body, revision, reuse) if body else lambda b: Step(b, revision, reuse)


def load_step(verb: str) -> Step:
    """The step called VERB, or at the dotted place "package.module:verb"; imported when first used.

    Raises InputError with the nearest verb.
    """
    place, _, name = verb.rpartition(":")
    module = importlib.import_module(place or f"aimass.{stage_of_verb(verb).folder}.step")
    found: Step = getattr(module, name)
    return found
