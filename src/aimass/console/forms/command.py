"""The command line that asks for the same task, as short as its defaults allow."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any, get_args

from aimass.core.part import Part, resolve
from aimass.core.settings import coerce, plain
from aimass.core.step import REQUIRED, Setting, Step
from aimass.core.task import Task

SOURCES = ("collector", "importer")  # their option is called --use


def command_of(step: Step, task: Task, names: Mapping[str, str], save_as: str = "") -> str:
    """`aimass ...` for TASK of STEP; NAMES has what digests are called.

    A task that no options can say (an import path as a step, an input left out before one that is given) is handed over
    whole, as JSON.
    """
    words = _inputs(step, task, names)
    if words is None or ":" in step.place:
        return f"echo {shlex.quote(task.to_json())} | aimass task"
    for name, spec in step.settings.items():
        words += _setting(name, spec, task.settings[name])
    words += ["--seed", str(task.seed)] if task.seed else []
    words += ["--save-as", save_as] if save_as else []
    return shlex.join(["aimass", step.name.replace("_", "-"), *words])


def _inputs(step: Step, task: Task, names: Mapping[str, str]) -> list[str] | None:
    """Arguments in their order, then options; None where one is missing before another."""
    one = [task.inputs.get(spec.name) for spec in step.inputs.values() if spec.shape == "one"]
    while one and one[-1] is None:
        one.pop()
    if None in one:
        return None
    words = [_ref(ref, names) for ref in one]
    for spec in step.inputs.values():
        given = task.inputs.get(spec.name)
        if isinstance(given, list):
            words += [word for ref in given for word in (f"--{spec.name}", _ref(ref, names))]
        elif isinstance(given, dict):
            words += [word for key, ref in given.items() for word in (f"--{spec.name}", f"{key}={_ref(ref, names)}")]
    return words


def _ref(digest: Any, names: Mapping[str, str]) -> str:
    return names.get(str(digest), str(digest)[:16])


def _setting(name: str, spec: Setting, value: Any) -> list[str]:
    """The options that say VALUE, none where it is the default."""
    if spec.default is not REQUIRED and value == _spelled(spec):
        return []
    family, option = family_of(spec.annotation), f"--{name.replace('_', '-')}"
    if family and isinstance(value, dict) and (said := _part(name, option, family, value)):
        return said
    return [option, _said(value, text=spec.annotation is str)]


def _spelled(spec: Setting) -> Any:
    """The default of SPEC as a task spells it."""
    usual = plain(spec.default)
    return usual if usual is None else plain(coerce(spec.annotation, usual, spec.name))


def _said(value: Any, *, text: bool) -> str:
    """VALUE as an option takes it: JSON, or a bare word that is no JSON; where it is only a TEXT, as it is."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    try:
        json.loads(value)
    except ValueError:
        return value
    return value if text else json.dumps(value, ensure_ascii=False)


def _part(name: str, option: str, family: str, value: dict[str, Any]) -> list[str]:
    """A part by its name, and what differs from its defaults one by one; none where that cannot be said so."""
    usual = resolve(family, value["use"]).schema()
    defaults = {row["name"]: None if row["required"] else row["default"] for row in usual}
    changed = {key: one for key, one in value.items() if key not in ("use", "revision") and one != defaults[key]}
    if not all(_is_plain(one) for one in changed.values()):
        return []
    sets = [
        word
        for key, one in changed.items()
        for word in ("--set", f"{name}.{key}={json.dumps(one, ensure_ascii=False)}")
    ]
    return ["--use" if family in SOURCES else option, value["use"], *sets]


def _is_plain(value: Any) -> bool:
    """Whether JSON of VALUE is TOML, too."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value.isprintable() if isinstance(value, str) else isinstance(value, int | float)


def family_of(annotation: Any) -> str:
    """The family of the part that ANNOTATION wants; "" where it wants none."""
    found = [one for one in (annotation, *get_args(annotation)) if isinstance(one, type) and issubclass(one, Part)]
    return found[0].family if found else ""
