"""A third party's generator function as a collector: its parameters become the settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aimass.collect.base import Collector, Rows
from aimass.core.errors import InputError
from aimass.core.part import revision_of_source
from aimass.core.settings import hints


def adopt(name: str, guest: Any) -> type[Collector]:
    """A Collector whose `read` is GUEST and whose settings are GUEST's parameters after the cursor.

    An edited file is another revision, so the source is read anew.  Raises InputError when GUEST is no function.
    """
    parameters = check(name, guest)
    types = hints(guest)

    def read(self: Collector, cursor: Any | None) -> Iterator[Rows]:
        yield from _items(name, guest(cursor, **{p.name: getattr(self, p.name) for p in parameters}))

    body: dict[str, Any] = {
        "__module__": guest.__module__,
        "__qualname__": guest.__qualname__,
        "__doc__": guest.__doc__,
        "__annotations__": {p.name: types.get(p.name, Any) for p in parameters},
        "revision": revision_of_source(guest),
        "read": read,
        **{p.name: p.default for p in parameters if p.default is not p.empty},
    }
    made: type[Collector] = type(guest.__name__, (Collector,), body)
    return made


def check(name: str, guest: Any) -> list[inspect.Parameter]:
    """The settings of GUEST: its parameters after the first.  Raises InputError when it cannot be a collector."""
    if not inspect.isfunction(guest):
        raise _wrong(name, f"is a {type(guest).__name__}, not a function")
    parameters = list(inspect.signature(guest).parameters.values())
    if not parameters:
        raise _wrong(name, "takes no cursor")
    open_ended = [p.name for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if open_ended:
        raise _wrong(name, f"takes *{open_ended[0]}, so its settings cannot be checked")
    taken = [p.name for p in parameters[1:] if p.name == "use" or hasattr(Collector, p.name)]
    if taken:
        raise _wrong(name, f"has a parameter called {taken[0]}, which every collector uses itself")
    return parameters[1:]


def called(guest: Callable[..., Any], cursor: Any, settings: dict[str, Any], name: str) -> Iterator[Rows]:
    """What GUEST yields.  Raises InputError for settings it does not take."""
    known = {p.name for p in check(name, guest)}
    strange = sorted(set(settings) - known)
    if strange:
        raise InputError(f"{name} takes no setting {strange[0]!r}", key="arguments",
                         expected=f"one of: {', '.join(sorted(known)) or '(none)'}")  # fmt: skip
    yield from _items(name, guest(cursor, **settings))


def _items(name: str, made: Any) -> Iterable[Rows]:
    if isinstance(made, (str, bytes, dict)) or not isinstance(made, Iterable):
        raise _wrong(name, f"returns a {type(made).__name__} instead of yielding rows")
    return made


def _wrong(name: str, what: str) -> InputError:
    return InputError(
        f"{name} {what}",
        expected="a generator function: def orders(cursor, since: str = '2024'): yield {...}",
        todo="see docs/collect.md",
    )
