"""Choices: a part is a frozen dataclass whose fields are its settings and its schema.

Built-in parts stand in their folder's `PARTS` table; guests come by entry point group `aimass.<family>` or by
import path ("my_package.net:Net").  All come in by `resolve`.
"""

import importlib
import sys
import traceback
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self, cast, dataclass_transform

from aimass.core.canonical import digest_of_file
from aimass.core.errors import InputError, inside, pick, unknown
from aimass.core.settings import coerce, hints, plain, spelled
from aimass.core.stages import FAMILIES

Bound = float | None


def knob(
    default: Any, low: Bound = None, high: Bound = None, *, log: bool = False, choices: Any = (), help: str = ""
) -> Any:
    """A field with a range: values outside LOW..HIGH are refused, and search may vary it inside (LOG: by ratios)."""
    told = {"low": low, "high": high, "log": log or None, "choices": choices or None, "help": help or None}
    return field(default=default, metadata={key: fact for key, fact in told.items() if fact is not None})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Settings:
    """A frozen group of settings that knows its schema.  Construction only stores."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(frozen=True, kw_only=True)(cls)

    def settings(self) -> dict[str, Any]:
        """JSON of this choice; `from_settings` gives it back."""
        return {name: plain(getattr(self, name)) for name in _fields(type(self))}

    @classmethod
    def schema(cls) -> list[dict[str, Any]]:
        """One row a setting: name, type, default, required, low, high, choices, help."""
        types, rows = hints(cls), []
        for name, f in _fields(cls).items():
            value = None if f.default is MISSING else plain(f.default)
            must = f.default is f.default_factory is MISSING
            rows.append({"name": name, "type": spelled(types[name]), "default": value, "required": must, **f.metadata})
        return rows

    @classmethod
    def from_settings(cls, given: Any, where: str = "") -> Self:
        """An instance from its table (WHERE in messages).  Raises InputError for a setting's name, type or range."""
        where, known = where or cls.__name__.lower(), _fields(cls)
        types, values = hints(cls), {}
        for key, value in coerce(dict, {} if given is None else given, where).items():
            if key not in known:
                raise unknown(f"setting of {where}", key, known, key=key)
            with inside(key):
                values[key] = coerce(types[key], value, f"{where}.{key}")
                _check_range(known[key].metadata, values[key], f"{where}.{key}")
        for key, f in known.items():
            if f.default is f.default_factory is MISSING and key not in values:
                raise InputError(f"{where}: setting {key!r} is missing", todo=f"add {key} = ...")
        return cls(**values)


class Part(Settings):
    """Base of every pluggable choice: settings, a name to `use` it by, and its family's one method."""

    family: ClassVar[str] = ""
    revision: ClassVar[int | str] = 1  # raise it when results change: it is in every task's identity
    use: ClassVar[str] = ""  # the name it was resolved by; empty when its class was imported directly

    def settings(self) -> dict[str, Any]:
        place = f"{type(self).__module__}:{type(self).__qualname__}"  # one name, however it was resolved
        names = {known: name for name, known in table_of(self.family).items()}
        use = names.get(place) or vars(type(self)).get("use") or place
        return {"use": use, "revision": self.revision, **super().settings()}

    @classmethod
    def from_settings(cls, given: Any, where: str = "") -> Self:
        """A part of this family from its name or its table.  Raises InputError naming the setting."""
        table = coerce(dict, {"use": given} if isinstance(given, str) else given, where or cls.family)
        where, name = where or cls.family, table.pop("use", None)
        if not isinstance(name, str):
            raise InputError(f"{where}: `use` is {name!r}", expected=f"the name of a {cls.family}", key="use")
        with inside("use"):
            found = resolve(cls.family, name)
        revision = table.pop("revision", found.revision)
        if revision != found.revision:
            what = f"{where}: the task was written for revision {revision} of {name}, here is {found.revision}"
            raise InputError(what, expected="the same revision", todo="run again: the step is repeated with this one")
        return cast(Self, super(Part, found).from_settings(table, f"{where} {name}"))

    @classmethod
    def adopt(cls, name: str, guest: Any) -> "type[Part]":
        """Make a part of an object that is not one (a user's nn.Module).  Families that can, override this."""
        base = f"{cls.__module__}.{cls.__name__}"
        raise InputError(f"{name} is a {type(guest).__name__}, not a {cls.family}", expected=f"a subclass of {base}")


def _fields(cls: Any) -> dict[str, Field[Any]]:
    return {f.name: f for f in fields(cls)}


def _check_range(facts: Mapping[str, Any], value: Any, where: str) -> None:
    low, high, choices = (facts.get(name) for name in ("low", "high", "choices"))
    if choices and value not in choices:
        raise InputError(f"{where}: got {value!r}", expected=f"one of {', '.join(map(str, choices))}")
    for item in value if isinstance(value, (tuple, list)) else [value]:
        if isinstance(item, (int, float)) and ((low is not None and item < low) or (high is not None and item > high)):
            bounds = f"{'' if low is None else low}..{'' if high is None else high}"
            raise InputError(f"{where} must lie in {bounds}, got {item}", expected=bounds)


def table_of(family: str, name: str = "") -> dict[str, str]:
    """Name -> dotted place of every part of FAMILY: its own table, then (slow) entry points unless NAME is ours."""
    folder = f"aimass.{pick('family', family, FAMILIES).folder}"
    own = {name: folder + place for name, place in importlib.import_module(folder).PARTS.items()}
    guests = () if name in own else importlib.import_module("importlib.metadata").entry_points(group=f"aimass.{family}")
    return {point.name: point.value for point in guests} | own


def resolve(family: str, name: str) -> type[Part]:
    """The part class called NAME in FAMILY.  Raises InputError with the nearest name, or the missing extra."""
    table = table_of(family, name)
    if name not in table and ":" not in name:
        raise unknown(family, name, table, todo=f"see them all: aimass parts {family}")
    found = load(table.get(name, name), f"{family} {name!r}")
    if not (isinstance(found, type) and issubclass(found, Part)):
        found = load(f"aimass.{FAMILIES[family].folder}{FAMILIES[family].base}", family).adopt(name, found)
    elif found.family != family:
        raise InputError(f"{name} is a {found.family}, not a {family}", expected=f"a {family}")
    found.use = name
    return cast(type[Part], found)


def load(place: str, what: str) -> Any:
    """The object at the dotted PLACE "package.module:name"; WHAT names it in errors.  Raises InputError."""
    module_name, _, attribute = place.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        todo = f"install {missing} or the extra of aimass that brings it, or put the file beside your project file"
        what = f"{what} needs {missing}, which is not installed"
        raise InputError(what, expected=f"`import {missing}` to work", todo=todo) from error
    except Exception as error:  # whatever a guest's module does wrong is said, with its line
        calls = traceback.extract_tb(error.__traceback__)
        at = "".join([f" ({call.filename}, line {call.lineno})" for call in calls if call.name == "<module>"][-1:])
        what = f"{what}: {module_name!r} cannot be imported: {type(error).__name__}: {error}{at}"
        raise InputError(what, expected="package.module:name, importable", todo="mend it") from error
    if not hasattr(module, attribute):
        raise unknown(f"object in {module_name}", attribute, [name for name in vars(module) if name[0] != "_"])
    return getattr(module, attribute)


def revision_of_source(obj: Any) -> str:
    """A short hash of the file that defines OBJ: an edited user module is another revision."""
    path = getattr(sys.modules.get(getattr(obj, "__module__", "")), "__file__", None)
    return digest_of_file(Path(path))[:12] if path else "unknown"
