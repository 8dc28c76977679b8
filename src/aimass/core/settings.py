"""Turns plain JSON values into what an annotation asks for, or says exactly why it cannot."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from aimass.core.errors import InputError, unknown


def coerce(annotation: Any, value: Any, where: str) -> Any:
    """VALUE as ANNOTATION wants it: str, int, float, bool, Literal, list, tuple, dict, X | None, Part, Any.

    WHERE names the setting in errors ("[models.mlp] dropout").  Raises InputError.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return value
    if origin in (Union, types.UnionType):
        return _coerce_union(args, value, where)
    if origin is Literal:
        if value not in args:
            error = unknown("choice", str(value), [str(a) for a in args])
            raise InputError(f"{where}: {error.what}", expected=error.expected)
        return value
    if origin in (list, tuple):
        if not isinstance(value, (list, tuple)):
            raise _wrong(where, "a list", value)
        items = [coerce(args[0] if args else Any, v, f"{where}[{i}]") for i, v in enumerate(value)]
        return tuple(items) if origin is tuple else items
    if origin in (dict, Mapping) or annotation is dict:
        if not isinstance(value, dict):
            raise _wrong(where, "a table", value)
        inner = args[1] if len(args) == 2 else Any
        return {str(k): coerce(inner, v, f"{where}.{k}") for k, v in value.items()}
    from_settings = getattr(annotation, "from_settings", None)
    if from_settings is not None:
        return value if isinstance(value, annotation) else from_settings(value, where)
    return _coerce_scalar(annotation, value, where)


def _coerce_union(args: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in args:
        return None
    last: InputError | None = None
    for choice in args:
        if choice is type(None):
            continue
        try:
            return coerce(choice, value, where)
        except InputError as error:
            last = last or error
    raise last or _wrong(where, "no value", value)


def _coerce_scalar(annotation: Any, value: Any, where: str) -> Any:
    if annotation is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if annotation is int and isinstance(value, bool):
        raise _wrong(where, "a whole number", value)
    if isinstance(annotation, type) and isinstance(value, annotation):
        return value
    names = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}
    raise _wrong(where, names.get(annotation, str(annotation)), value)


def _wrong(where: str, expected: str, value: Any) -> InputError:
    return InputError(f"{where}: got {value!r}", expected=expected, todo=f"change {where}")


def plain(value: Any) -> Any:
    """VALUE as JSON: parts become tables with `use`, tuples become lists."""
    settings = getattr(value, "settings", None)
    if settings is not None:
        return settings()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def hints(obj: Any) -> dict[str, Any]:
    """Resolved annotations of a function or class."""
    return typing.get_type_hints(obj)
