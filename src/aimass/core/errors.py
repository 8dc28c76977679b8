"""Errors that say what is wrong, what was expected and what to do next; nothing else raises at a user."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class AimassError(Exception):
    """Base of every error a user is meant to read.  WHAT is wrong, what was EXPECTED, what TO DO next.

    KEY names the setting at fault, so that a project file can add its line and column.
    """

    exit_code = 1

    def __init__(self, what: str, *, expected: str = "", todo: str = "", key: str = "") -> None:
        super().__init__(what)
        self.what, self.expected, self.todo, self.key = what, expected, todo, key

    def __str__(self) -> str:
        lines = [self.what]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.todo:
            lines.append(f"  to do:    {self.todo}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross process borders (Ray); keyword arguments would be lost by the default.
        return _rebuild, (type(self), self.what, self.expected, self.todo)

    def as_json(self) -> dict[str, str]:
        return {
            "error": self.what,
            "expected": self.expected,
            "to_do": self.todo,
            "type": type(self).__name__,
        }


def _rebuild(kind: type[AimassError], what: str, expected: str, todo: str) -> AimassError:
    return kind(what, expected=expected, todo=todo)


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


ERRORS: dict[str, type[AimassError]] = {
    kind.__name__: kind for kind in (AimassError, InputError, InfeasibleError, TaskFailed, StoreError, Stopped)
}


def error_from_json(fields: dict[str, str]) -> AimassError:
    """The error that `as_json` described: how one crosses a process border."""
    kind = ERRORS.get(fields.get("type", ""), TaskFailed)
    return kind(fields["error"], expected=fields.get("expected", ""), todo=fields.get("to_do", ""))


def suggest(word: str, choices: Iterable[str]) -> str:
    """'; did you mean "prune"?' when CHOICES hold something near to WORD, else ''."""
    near = get_close_matches(str(word), list(choices), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def unknown(kind: str, word: str, choices: Iterable[str], *, todo: str = "") -> InputError:
    """The one sentence for a name nobody knows: what, the nearest, all choices."""
    names = sorted(choices)
    return InputError(
        f"no {kind} is called {word!r}{suggest(word, names)}",
        expected=f"one of: {', '.join(names) if names else '(none exist)'}",
        todo=todo,
    )
