"""Inputs of a task: each in the shape and of the kind its step takes, said before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimass.core.artifact import Artifact
from aimass.core.errors import InputError
from aimass.core.step import Input, Step
from aimass.core.task import Task

FORMS = {"one": "", "list": "a list of ", "dict": "a table of "}
SEEDS = 2**32  # what every library takes


def check(step: Step, task: Task, kind_of: Callable[[str], type[Artifact]]) -> None:
    """Raises InputError for an input of TASK that STEP cannot take; KIND_OF tells the kind of a digest."""
    for spec in step.inputs.values():
        _check(step, spec, task.inputs.get(spec.name), kind_of)
    if isinstance(task.seed, bool) or not isinstance(task.seed, int) or not 0 <= task.seed < SEEDS:
        raise InputError(f"{step.name}: seed is {task.seed!r}", expected=f"a whole number from 0 to {SEEDS - 1}",
                         key="seed")  # fmt: skip


def _check(step: Step, spec: Input, given: Any, kind_of: Callable[[str], type[Artifact]]) -> None:
    if given is None and spec.optional:
        return
    refs = _refs(spec.shape, given)
    wrong = repr(given) if refs is None else _wrong(spec, refs, kind_of)
    if wrong:
        kind = spec.kind.kind
        raise InputError(f"{step.name}: input {spec.name} is {wrong}", expected=f"{FORMS[spec.shape]}{kind}",
                         todo=f"see: aimass ls --kind {kind}", key=spec.name)  # fmt: skip


def _refs(shape: str, given: Any) -> list[Any] | None:
    """What GIVEN refers to; None when it has another shape.  A table without entries is none."""
    if shape == "dict":
        return list(given.values()) if isinstance(given, dict) and given else None
    if shape == "list":
        return given if isinstance(given, list) else None
    return [given]


def _wrong(spec: Input, refs: list[Any], kind_of: Callable[[str], type[Artifact]]) -> str:
    """What the first of REFS is that is not of the kind of SPEC, else ''."""
    for ref in refs:
        if not isinstance(ref, str):
            return repr(ref)
        found = kind_of(ref)
        if not issubclass(found, spec.kind):
            return f"a {found.kind}"
    return ""
