"""What is written into a form, looked at as the step will: every setting that cannot be, and the task that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, get_args, get_origin

from aimass.console.forms.command import command_of
from aimass.console.jobs.work import check_name
from aimass.core.artifact import KINDS, Artifact
from aimass.core.errors import InputError, inside, unknown
from aimass.core.settings import coerce
from aimass.core.step import REQUIRED, Step, load_step
from aimass.runner.inputs import check

MOST = 50  # problems that are told


def checked(draft: dict[str, Any]) -> dict[str, Any]:
    """DRAFT as {"problems"} by setting, or as {"problems": [], "task", "digest", "reuse", "command"}.

    DRAFT is {"step", "settings", "inputs", "seed", "save_as", "kinds": digest -> kind, "names": digest -> name}.
    Raises InputError when there is no such step.
    """
    step = load_step(draft["step"])
    settings = {name: current(value) for name, value in draft["settings"].items()}
    found = (*_problems(step, settings), *_absent(step, draft["inputs"]), *_of_name(draft["save_as"]))
    problems = {error.key: error for error in found}
    task = None
    if not problems:
        try:
            task = step.task(draft["inputs"], settings, draft["seed"], draft["save_as"])
            check(step, task, lambda digest: _kind(draft["kinds"], digest))
        except InputError as error:
            problems[error.key or next(iter(step.inputs), "")] = error
    told = [{**error.as_json(), "key": key} for key, error in list(problems.items())[:MOST]]
    if told or task is None:
        return {"problems": told}
    command = command_of(step, task, draft["names"], draft["save_as"])
    work = {**asdict(task), "save_as": draft["save_as"]}
    return {"problems": [], "task": work, "digest": task.digest, "reuse": step.reuse, "command": command}


def current(value: Any) -> Any:
    """VALUE with its parts as they are now: a run from before may have been told of another revision of them."""
    if isinstance(value, dict):
        return {key: current(one) for key, one in value.items() if not (key == "revision" and "use" in value)}
    return [current(one) for one in value] if isinstance(value, list) else value


def _problems(step: Step, settings: dict[str, Any]) -> Iterator[InputError]:
    """What is wrong with SETTINGS, each with its place as key."""
    for name in settings:
        if name not in step.settings:
            yield unknown(f"setting of {step.name}", name, step.settings, key=name)
    for name, spec in step.settings.items():
        if name in settings:
            yield from _of_value(spec.annotation, settings[name], name)
        elif spec.default is REQUIRED:
            yield InputError("it has to be said", expected=f"a value for {name}", key=name)


def _absent(step: Step, inputs: dict[str, Any]) -> Iterator[InputError]:
    for name, spec in step.inputs.items():
        if not spec.optional and not inputs.get(name):
            kind = spec.kind.kind
            yield InputError("nothing is chosen", expected=f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}", key=name)


def _of_value(annotation: Any, value: Any, name: str) -> Iterator[InputError]:
    """What is wrong with VALUE; items of a list, settings of a table are tried alone: all is told at once."""
    error = _wrong(annotation, value, name)
    if error is None:
        return
    found: list[InputError] = []
    if isinstance(value, list) and (inner := _item(annotation)) is not None:
        found = [each for i, one in enumerate(value) for each in _of_value(inner, one, f"{name}.{i}")]
    elif isinstance(value, dict):
        use = {"use": value["use"]} if "use" in value else {}
        trials = [({**use, key: one}, f"{name}.{key}") for key, one in value.items() if key != "use"]
        found = [
            each for trial, key in trials if (each := _wrong(annotation, trial, name)) and each.key.startswith(key)
        ]
    yield from {one.key: one for one in (found or [error])}.values()
    if found and error.key not in [one.key for one in found] and isinstance(value, dict):
        yield error  # what is missing, say


def _item(annotation: Any) -> Any:
    """What a list of ANNOTATION holds; None where it is no list."""
    for one in (annotation, *get_args(annotation)):
        if get_origin(one) in (list, tuple):
            return get_args(one)[0]
    return None


def _wrong(annotation: Any, value: Any, name: str) -> InputError | None:
    try:
        with inside(name):
            coerce(annotation, value, name)
    except InputError as error:
        return error
    return None


def _of_name(name: str) -> Iterator[InputError]:
    try:
        check_name(name)
    except InputError as error:
        yield error


def _kind(kinds: dict[str, str], digest: str) -> type[Artifact]:
    if digest not in kinds:
        raise InputError(f"there is no artifact {digest[:12]}", expected="one that is in this workspace")
    return KINDS[kinds[digest]]
