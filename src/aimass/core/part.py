"""Choices: a part is a frozen dataclass whose fields are its settings and its schema.

Built-in parts stand in their folder's `PARTS` table; guests come by entry point group `aimass.<family>` or by
import path ("my_package.net:Net").  All come in by `resolve`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, Self, cast, dataclass_transform

from aimass.core.errors import InputError, suggest, unknown
from aimass.core.settings import coerce, hints, plain
from aimass.core.stages import stage_of_family


def knob(
    default: Any,
    low: float | None = None,
    high: float | None = None,
    *,
    log: bool = False,
    choices: tuple[Any, ...] = (),
    help: str = "",
) -> Any:
    """A field with a range: values outside LOW..HIGH are refused, and search may vary it inside."""
    facts = {"low": low, "high": high, "log": log, "choices": choices, "help": help}
    return dataclasses.field(default=default, metadata=facts)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field,))
class Settings:
    """A frozen group of settings that knows its schema.  Construction only stores."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)

    def settings(self) -> dict[str, Any]:
        """JSON of this choice; `from_settings` gives it back."""
        return {f.name: plain(getattr(self, f.name)) for f in _fields(self)}

    @classmethod
    def schema(cls) -> list[dict[str, Any]]:
        """One row a setting: name, type, default, required, low, high, choices, help."""
        types = hints(cls)
        return [
            {
                "name": f.name,
                "type": str(getattr(types[f.name], "__name__", types[f.name])),
                "default": None if f.default is dataclasses.MISSING else plain(f.default),
                "required": f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING,
                **{k: v for k, v in f.metadata.items() if v is not None and v is not False and v != () and v != ""},
            }
            for f in _fields(cls)
        ]

    @classmethod
    def from_settings(cls, given: Any, where: str = "") -> Self:
        """An instance from its table.  Raises InputError naming the setting."""
        return cls.configured(dict(given or {}), where or cls.__name__.lower())

    @classmethod
    def configured(cls, table: dict[str, Any], where: str) -> Self:
        """An instance with TABLE's settings, each checked for name, type and range."""
        types, known = hints(cls), {f.name: f for f in _fields(cls)}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key not in known:
                raise InputError(
                    f"{where}: unknown setting {key!r}{suggest(key, known)}",
                    expected=f"one of: {', '.join(known) or '(it has no settings)'}",
                    key=key,
                )
            values[key] = coerce(types[key], value, f"{where}.{key}")
            _check_range(known[key], values[key], f"{where}.{key}")
        for key, f in known.items():
            if f.default is f.default_factory is dataclasses.MISSING and key not in values:
                raise InputError(f"{where}: setting {key!r} is missing", todo=f"add {key} = ...")
        return cls(**values)


class Part(Settings):
    """Base of every pluggable choice: settings, a name to `use` it by, and its family's one method."""

    family: ClassVar[str] = ""
    revision: ClassVar[int | str] = 1  # raise it when results change: it is in every task's identity
    use: ClassVar[str] = ""  # the name it was resolved by

    def settings(self) -> dict[str, Any]:
        return {"use": self.use or resolve_name(type(self)), "revision": self.revision, **super().settings()}

    @classmethod
    def from_settings(cls, given: Any, where: str = "") -> Self:
        """A part of this family from its name or its table.  Raises InputError naming the setting."""
        table = {"use": given} if isinstance(given, str) else dict(given or {})
        name = table.pop("use", None)
        where = where or cls.family
        if name is None:
            raise InputError(f"{where}: no `use`", expected=f"the name of a {cls.family}")
        if not isinstance(name, str):
            raise InputError(f"{where}: `use` is {name!r}", expected="a name")
        found = resolve(cls.family, name)
        revision = table.pop("revision", found.revision)
        if revision != found.revision:
            raise InputError(
                f"{where}: the task was written for revision {revision} of {name}, here is {found.revision}",
                expected="the same revision",
                todo="run the project again: the step is repeated with the revision installed here",
            )
        return cast(Self, found.configured(table, f"{where} {name}"))

    @classmethod
    def adopt(cls, name: str, guest: Any) -> type[Part]:
        """Make a part of an object that is not one (a user's nn.Module).  Families that can, override this."""
        raise InputError(
            f"{name} is a {type(guest).__name__}, not a {cls.family}",
            expected=f"a subclass of {cls.__module__}.{cls.__name__}",
        )


def _fields(part: Any) -> tuple[dataclasses.Field[Any], ...]:
    return tuple(f for f in dataclasses.fields(part) if f.init)


def _check_range(field: dataclasses.Field[Any], value: Any, where: str) -> None:
    low, high = field.metadata.get("low"), field.metadata.get("high")
    choices = field.metadata.get("choices")
    if choices and value not in choices:
        raise InputError(f"{where}: got {value!r}", expected=f"one of {', '.join(map(str, choices))}")
    for item in value if isinstance(value, (tuple, list)) else [value]:
        if isinstance(item, (int, float)) and ((low is not None and item < low) or (high is not None and item > high)):
            bounds = f"{'' if low is None else low}..{'' if high is None else high}"
            raise InputError(f"{where} must lie in {bounds}, got {item}", expected=bounds)


def table_of(family: str) -> dict[str, str]:
    """Name -> dotted place of every part of FAMILY: the folder's own table, then entry points."""
    stage = stage_of_family(family)
    package = importlib.import_module(f"aimass.{stage.folder}")
    table = {name: _absolute(package.__name__, place) for name, place in package.PARTS.items()}
    for point in entry_points(group=f"aimass.{family}"):
        table.setdefault(point.name, point.value)
    return table


def resolve(family: str, name: str) -> type[Part]:
    """The part class called NAME in FAMILY.  Raises InputError with the nearest name, or the missing extra."""
    table = table_of(family)
    if name not in table and ":" not in name:
        raise unknown(family, name, table, todo=f"see them all: aimass parts {family}")
    place = table.get(name, name)
    found = _load(place, f"{family} {name!r}")
    if isinstance(found, type) and issubclass(found, Part):
        if found.family != family:
            raise InputError(f"{name} is a {found.family}, not a {family}", expected=f"a {family}")
        found.use = name
        return found
    stage = stage_of_family(family)
    base = _load(_absolute(f"aimass.{stage.folder}", stage.base), family)
    adopted: type[Part] = base.adopt(name, found)
    adopted.use = name
    return adopted


def resolve_name(cls: type[Part]) -> str:
    """The name a class is known by when it was imported directly, not resolved."""
    place = f"{cls.__module__}:{cls.__qualname__}"
    return next((name for name, known in table_of(cls.family).items() if known == place), place)


def _absolute(package: str, place: str) -> str:
    return package + place if place.startswith(".") else place


def _load(place: str, what: str) -> Any:
    module_name, _, attribute = place.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        raise InputError(
            f"{what} needs {missing}, which is not installed",
            expected=f"`import {missing}` to work",
            todo=f"install {missing}, or the extra of aimass that brings it (see the README), "
            "or put the file beside your project file",
        ) from error
    if not hasattr(module, attribute):
        raise unknown(f"object in {module_name}", attribute, [n for n in vars(module) if n[0] != "_"])
    return getattr(module, attribute)


def revision_of_source(obj: Any) -> str:
    """A short hash of the file that defines OBJ: an edited user module is another revision."""
    module = sys.modules.get(getattr(obj, "__module__", ""), None)
    path = getattr(module, "__file__", None)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12] if path else "unknown"
