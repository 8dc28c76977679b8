"""Errors that say what is wrong, what was expected and what to do next; nothing else raises at a user."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any


class AimassError(Exception):
    """Base of every error a user is meant to read.  WHAT is wrong, what was EXPECTED, what TO DO next.

    KEY names the setting at fault ("split.test"), so that a project file can add its line and column.
    """

    exit_code = 1

    def __init__(self, what: str, *, expected: str = "", todo: str = "", key: str = "") -> None:
        super().__init__(what)
        self.what, self.expected, self.todo, self.key = what, expected, todo, key

    def __str__(self) -> str:
        hints = (("expected:", self.expected), ("to do:   ", self.todo))
        return "\n".join([self.what, *(f"  {head} {text}" for head, text in hints if text)])

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders (Ray); keyword arguments would be lost by the default.
        return error_from_json, (self.as_json(), type(self))

    def as_json(self) -> dict[str, str]:
        hints = {"expected": self.expected, "to_do": self.todo, "key": self.key}
        return {"error": self.what, **hints, "type": type(self).__name__}


class InputError(AimassError):
    """What the user gave (data, settings, project file, request) cannot be used."""

    exit_code = 2


class InfeasibleError(AimassError):
    """No candidate meets every budget; nothing was published."""

    exit_code = 3


class TaskFailed(AimassError):
    """A task ended without a result: it raised, or its process died."""


class StoreError(AimassError):
    """The workspace cannot be read or written (full disk, read-only folder, damaged artifact)."""


class Stopped(AimassError):
    """A running task was asked to stop; its checkpoint stays."""


ERRORS = {kind.__name__: kind for kind in (AimassError, InputError, InfeasibleError, TaskFailed, StoreError, Stopped)}


def error_from_json(fields: dict[str, str], kind: type[AimassError] | None = None) -> AimassError:
    """The error that `as_json` described: how one crosses a process border."""
    told = {"expected": fields.get("expected", ""), "todo": fields.get("to_do", ""), "key": fields.get("key", "")}
    return (kind or ERRORS.get(fields.get("type", ""), TaskFailed))(fields["error"], **told)


@contextmanager
def inside(key: str) -> Iterator[None]:
    """An InputError raised in here gets KEY in front of its own: "split" and "test" make "split.test"."""
    try:
        yield
    except InputError as error:
        error.key = f"{key}.{error.key}" if error.key else key
        raise


def suggest(word: str, choices: Iterable[str]) -> str:
    """'; did you mean "prune"?' when CHOICES hold something near to WORD, else ''."""
    near = get_close_matches(str(word), list(choices), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def unknown(kind: str, word: str, choices: Collection[str], *, todo: str = "", key: str = "") -> InputError:
    """The one sentence for a name nobody knows: what, the nearest, all choices."""
    listed = ", ".join(sorted(choices)) or "(none exist)"
    what = f"no {kind} is called {word!r}{suggest(word, choices)}"
    return InputError(what, expected=f"one of: {listed}", todo=todo, key=key)


def pick(kind: str, word: str, choices: Mapping[str, Any]) -> Any:
    """The one of CHOICES called WORD.  Raises `unknown`."""
    if word not in choices:
        raise unknown(kind, word, choices)
    return choices[word]
