"""Turns plain JSON values into what an annotation asks for, or says exactly why it cannot."""

import datetime
import sys
import types
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from aimass.core.errors import InputError, suggest

_HINTS: Callable[[Any], dict[str, Any]] = lru_cache(1024)(get_type_hints)  # to evaluate them takes half a millisecond
NAMES = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}


def hints(owner: Any) -> Mapping[str, Any]:
    """Resolved annotations of a function or class.  Raises InputError for names that are not there."""
    try:
        return _HINTS(owner)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise InputError(f"annotations of {owner}: {error}", expected="names its module imports as it runs") from error


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
            raise _wrong(where, f"one of: {', '.join(map(str, args))}", value, suggest(value, [*map(str, args)]))
        return value
    if origin in (list, tuple):
        if not isinstance(value, (list, tuple)):
            raise _wrong(where, "a list", value)
        return origin(coerce(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin in (dict, Mapping) or annotation is dict:
        if not isinstance(value, dict):
            raise _wrong(where, "a table", value)
        return {str(key): coerce(args[1] if args else Any, v, f"{where}.{key}") for key, v in value.items()}
    if hasattr(annotation, "from_settings"):
        return value if isinstance(value, annotation) else annotation.from_settings(value, where)
    return _coerce_scalar(annotation, value, where)


def _coerce_union(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in choices:
        return None
    errors: list[InputError] = []
    for choice in choices:
        try:
            return coerce(choice, value, where)
        except InputError as error:
            errors.append(error)
    raise errors[0]


def _coerce_scalar(annotation: Any, value: Any, where: str) -> Any:
    wanted = (int, float) if annotation is float else annotation
    if not isinstance(value, wanted) or (isinstance(value, bool) and annotation in (int, float)):
        raise _wrong(where, NAMES.get(annotation, str(annotation)), value)
    if annotation is float and not abs(value) <= sys.float_info.max:  # NaN too, and whole numbers beyond any float
        raise _wrong(where, "a finite number", value)
    return float(value) if annotation is float else value


def _wrong(where: str, expected: str, value: Any, hint: str = "") -> InputError:
    return InputError(f"{where}: got {value!r}{hint}", expected=expected, todo=f"change {where}")


def plain(value: Any) -> Any:
    """VALUE as JSON: parts become tables with `use`, tuples become lists, dates become ISO 8601 text."""
    if hasattr(value, "settings"):
        return value.settings()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else value


def spelled(annotation: Any) -> str:
    """ANNOTATION as one would write it: int, float | None, Literal['a', 'b']."""
    is_class = isinstance(annotation, type) and not get_args(annotation)
    return annotation.__name__ if is_class else str(annotation).replace("typing.", "")
