"""Verbs: `@step` reads annotations: artifacts are inputs, the rest settings.  Every face ends in `Workspace.run`."""

import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, get_args, get_origin, overload

from aimass.core.artifact import Artifact
from aimass.core.errors import InputError, inside, pick, unknown
from aimass.core.part import load
from aimass.core.settings import coerce, hints, plain
from aimass.core.stages import VERBS
from aimass.core.task import Ref, Task, each

Setting = inspect.Parameter  # of a step: what is not an artifact, its annotation resolved
REQUIRED = Setting.empty
Body = Callable[..., Any]
After = Callable[[Any, Artifact, Mapping[str, Any]], dict[str, Any]]  # workspace, artifact, settings -> facts to say


class Context(Protocol):
    """All that a step's body may touch.

    `report` records live metrics at position AT (epoch, step, rows) and raises Stopped when asked to stop; `log` adds
    a line to the run's log; `tell` puts small facts (rows, score) in the manifest: listed by `aimass ls`, not hashed;
    `gang` calls WORK(rank, **ARGUMENTS) on each of `workers` ranks that talk; their answers (JSON) in rank order.
    """

    folder: Path  # scratch; what is in it when the body returns becomes the artifact
    resume: Path  # kept between attempts at the same task: checkpoints live here, gone after success
    seed: int
    workers: int  # ranks of a gang; a place, never a meaning
    lake: str  # URL of the folder of Delta tables

    def report(self, at: float | None = None, **numbers: float) -> None: ...
    def log(self, message: str) -> None: ...
    def tell(self, **facts: Any) -> None: ...
    def gang(self, work: Callable[..., Any], **arguments: Any) -> list[Any]: ...


class Place(Protocol):
    """What a step needs of a workspace."""

    def run(self, task: Task, *, needs: Any = None, on: str | None = None, save_as: str | None = None) -> Artifact: ...
    def get(self, ref: str, kind: str | None = None) -> Artifact: ...


current: ContextVar[Place | None] = ContextVar("aimass_workspace", default=None)


@dataclass(frozen=True)
class Input:
    """An artifact parameter: one, a list, or a table of them by name."""

    name: str
    kind: type[Artifact]
    shape: str  # "one" | "list" | "dict"
    optional: bool


class Step:
    """A verb.  Call it with artifacts and settings; it runs in the current workspace and returns an artifact.

    Every step also takes `workspace`, `seed`, `save_as` (a name), `on` (a runner) and `needs` (cpus, gpus, memory).
    """

    def __init__(self, body: Body, revision: int, reuse: bool, after: After | None = None) -> None:
        self.body, self.revision, self.reuse, self.after, self.name = body, revision, reuse, after, body.__name__
        self.place = self.name if body.__module__.startswith("aimass.") else f"{body.__module__}:{self.name}"
        self.__doc__, self.__module__, self.__name__ = body.__doc__, body.__module__, body.__name__
        self.inputs: dict[str, Input] = {}
        self.settings: dict[str, Setting] = {}
        types = hints(body)
        self.returns: type[Artifact] = types["return"]
        for name, parameter in list(inspect.signature(body).parameters.items())[1:]:  # the first is ctx
            if found := _as_input(name, types[name], parameter.default):
                self.inputs[name] = found
            else:
                self.settings[name] = parameter.replace(annotation=types[name])

    def task(self, inputs: Mapping[str, Ref], settings: Mapping[str, Any], seed: int = 0, label: str = "") -> Task:
        """The task of this step: settings checked and spelled out, so that equal meaning is equal identity."""
        for name in {**inputs, **settings}:
            if name not in self.inputs and name not in self.settings:
                raise unknown(f"setting of {self.name}", name, [*self.inputs, *self.settings], key=name)
        for name, spec in self.inputs.items():
            if inputs.get(name) is None and not spec.optional:
                raise InputError(f"{self.name}: no {name}", expected=f"a {spec.kind.kind}")
        spelled = plain(self._objects(settings))
        return Task(self.place, self.revision, spelled, {n: inputs.get(n) for n in self.inputs}, seed, label)

    def arguments(self, task: Task) -> dict[str, Any]:
        """The body's settings, as objects, from a task's JSON."""
        return self._objects(task.settings)

    def _objects(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found = {}
        for name, spec in self.settings.items():
            value = given.get(name, spec.default)
            if value is REQUIRED:
                raise InputError(f"{self.name}: setting {name!r} is missing")
            is_default = value is None and name not in given
            with inside(name):
                found[name] = value if is_default else coerce(spec.annotation, plain(value), f"{self.name}.{name}")
        return found

    def __call__(self, *artifacts: Any, workspace: Place | None = None, seed: int = 0, **given: Any) -> Any:
        place = workspace or current.get()
        if place is None:
            raise InputError(f"{self.name}: no workspace", todo="open one first: aimass.Workspace('.aimass')")
        if len(artifacts) > len(self.inputs):
            what = f"{self.name} takes at most {len(self.inputs)} artifacts, got {len(artifacts)}"
            raise InputError(what, expected=", ".join(self.inputs), todo="give settings by name")
        how = {word: given.pop(word, None) for word in ("needs", "on", "save_as")}
        named = {**dict(zip(self.inputs, artifacts, strict=False)), **given}
        inputs = each({n: named.pop(n) for n in list(named) if n in self.inputs}, lambda ref: _digest(place, ref))
        return self.run(place, self.task(inputs, named, seed, how["save_as"] or ""), **how)[0]

    def run(self, place: Place, task: Task, **how: Any) -> tuple[Artifact, dict[str, Any]]:
        """TASK's artifact, made or reused, and what there is to say of what came after it (a version's number)."""
        artifact = place.run(task, **how)
        return artifact, self.after(place, artifact, task.settings) if self.after else {}


def _as_input(name: str, annotation: Any, default: Any) -> Input | None:
    origin, inner = get_origin(annotation), [a for a in get_args(annotation) if a is not type(None)]
    kind = inner[-1] if origin in (list, dict) or len(inner) == 1 else annotation  # list[X], dict[str, X], X | None, X
    if isinstance(kind, type) and issubclass(kind, Artifact):
        return Input(name, kind, origin.__name__ if origin in (list, dict) else "one", default is not REQUIRED)
    return None


def _digest(place: Place, ref: Any) -> Any:
    """What is no reference stays: the workspace, which knows kinds, refuses it by name."""
    return place.get(ref).digest if isinstance(ref, str) else getattr(ref, "digest", ref)


@overload
def step(body: Body) -> Step: ...
@overload
def step(*, revision: int = 1, reuse: bool = True, after: After | None = None) -> Callable[[Body], Step]: ...
def step(body: Body | None = None, *, revision: int = 1, reuse: bool = True, after: After | None = None) -> Any:
    """Make a step of a function `f(ctx, artifact, ..., *, setting, ...) -> Artifact`.

    Raise REVISION when the same settings give other results: it is in every task's identity.
    REUSE=False for a step that looks at the outside world (`collect`): it is never answered from memory.
    AFTER is called in the workspace where the step was asked for, each time, also when the artifact was reused.
    """
    return Step(body, revision, reuse, after) if body else lambda b: Step(b, revision, reuse, after)


def load_step(verb: str) -> Step:
    """The step called VERB, or at the place "package.module:verb".  Raises InputError with the nearest verb."""
    place = verb if ":" in verb else f"aimass.{pick('step', verb, VERBS).folder}.step:{verb}"
    found = load(place, f"step {verb!r}")
    if not isinstance(found, Step):
        raise InputError(f"{verb} is a {type(found).__name__}, not a step", expected="a function with @aimass.step")
    return found
