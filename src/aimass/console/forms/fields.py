"""A step, and the parts that it may be given, as fields of a form.  Imports what the step imports: not for the console.

A field is a table: `name`, `kind` (text, number, integer, choice, part, group, list, table, json), `default`,
`required`, and where there are such `optional` (null means none), `low`, `high`, `log`, `choices`, `words` (texts that
may stand instead of a value: "auto"), `family` of a part, `of` (what a list holds), `fields` of a group, `help`.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any, Literal, Union, cast, get_args, get_origin

from aimass.core.errors import InputError
from aimass.core.part import Part, Settings, resolve, table_of
from aimass.core.settings import hints, plain
from aimass.core.stages import VERBS
from aimass.core.step import REQUIRED, Step, load_step

Field = dict[str, Any]
SCALARS: dict[Any, str] = {float: "number", int: "integer", str: "text"}
TOLD = re.compile(r"^\s*(\w+) {2,}(\S.*)$")  # "name   what it is" in the docstring of a step


def form_of(verb: str) -> dict[str, Any]:
    """The form of the step VERB: its inputs, its settings, and every part of the families that it may be given.

    Raises InputError when there is no such step.
    """
    step = load_step(verb)
    inputs = [{"name": one.name, "kind": one.kind.kind, "shape": one.shape, "optional": one.optional}
              for one in step.inputs.values()]  # fmt: skip
    asked = list(_settings(step))
    families: dict[str, list[dict[str, Any]]] = {}
    _add_families(asked, families)
    stage = VERBS.get(verb)
    help = inspect.cleandoc(step.__doc__ or "").replace("\b", "")
    return {"step": verb, "story": stage.story if stage else "", "help": help, "gives": step.returns.kind,
            "reuse": step.reuse, "inputs": inputs, "fields": asked, "families": families}  # fmt: skip


def _settings(step: Step) -> Iterator[Field]:
    told = {found[1]: found[2] for line in (step.__doc__ or "").splitlines() if (found := TOLD.match(line))}
    for name, spec in step.settings.items():
        default = None if spec.default is REQUIRED else plain(spec.default)
        yield {"name": name, **shape(spec.annotation), "required": spec.default is REQUIRED, "default": default,
               "help": told.get(name, "")}  # fmt: skip


def shape(annotation: Any) -> Field:
    """What a value of ANNOTATION is written as."""
    choices = list(get_args(annotation)) if get_origin(annotation) in (Union, types.UnionType) else [annotation]
    optional = {"optional": True} if type(None) in choices else {}
    words = [word for one in choices if get_origin(one) is Literal for word in get_args(one)]
    values = [one for one in choices if one is not type(None) and get_origin(one) is not Literal]
    if not values or values == [bool]:
        return {"kind": "choice", "choices": [*words, *([True, False] if values else [])], **optional}
    if len(values) > 1:  # a text or a table, say
        return {"kind": "json", **optional}
    found = _shape(values[0])
    return {**found, **optional, **({"words": words} if words else {})}


def _shape(annotation: Any) -> Field:
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation in SCALARS:
        return {"kind": SCALARS[annotation]}
    if origin in (list, tuple):
        return {"kind": "list", "of": shape(args[0])}
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return {"kind": "part", "family": annotation.family}
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return {"kind": "group", "fields": fields_of(annotation)}
    return {"kind": "table" if annotation is dict or origin in (dict, Mapping) else "json"}


def fields_of(group: type[Settings]) -> list[Field]:
    """The settings of GROUP."""
    annotations = hints(group)
    made: dict[str, Any] = {one.name: one.default_factory for one in fields(cast(Any, group))}
    found: list[Field] = []
    for row in group.schema():
        factory = made[row["name"]]
        default = row["default"] if factory is MISSING else plain(factory())
        facts: Field = {key: row[key] for key in ("low", "high", "log", "choices", "help") if key in row}
        found.append({"name": row["name"], **shape(annotations[row["name"]]), "required": row["required"],
                      "default": default, **facts})  # fmt: skip
    return found


def _add_families(asked: list[Field], known: dict[str, list[dict[str, Any]]]) -> None:
    """Into KNOWN every family that ASKED may be given parts of, and those that their parts may be given."""
    for field in asked:
        family = field.get("family") or field.get("of", {}).get("family")
        if family and family not in known:
            known[family] = []
            known[family] += [_part(family, name) for name in table_of(family)]
            for part in known[family]:
                _add_families(part["fields"], known)
        _add_families(field.get("fields", []), known)


def _part(family: str, name: str) -> dict[str, Any]:
    """A part as a choice; one that lacks a package says so."""
    try:
        part = resolve(family, name)
    except InputError as error:
        return {"name": name, "help": "", "lacks": error.what, "fields": []}
    recipe = getattr(part, "recipe", getattr(part, "fits", ""))
    told = {"fits": recipe} if isinstance(recipe, str) and recipe else {}
    return {
        "name": name,
        "help": inspect.cleandoc(part.__doc__ or "").partition("\n")[0],
        "fields": fields_of(part),
        **told,
    }
