"""Names of weights chosen by patterns: what `freeze`, `rates` and `lora` have in common."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from aimass.core.errors import InputError, unknown


def matches(name: str, pattern: str) -> bool:
    """Whether the glob PATTERN means NAME: itself, or a module it lies in ("head" means head.weight)."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


def chosen(names: Collection[str], patterns: Sequence[str], *, key: str) -> set[str]:
    """Those of NAMES that PATTERNS mean.

    A pattern that begins with "!" takes names out again; where all do, they mean: all but those.
    Raises InputError (KEY) for a pattern that means no name.
    """
    for index, pattern in enumerate(patterns):
        if not found(names, pattern.removeprefix("!")):
            raise _no_name(names, pattern.removeprefix("!"), f"{key}.{index}")
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")] or ["*"]
    barred = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return {n for n in names if any(matches(n, p) for p in wanted) and not any(matches(n, p) for p in barred)}


def found(names: Collection[str], pattern: str) -> list[str]:
    """Those of NAMES that one PATTERN means."""
    return [name for name in names if matches(name, pattern)]


def one(names: Collection[str], pattern: str, *, key: str) -> list[str]:
    """As `found`.  Raises InputError (KEY) when it means none."""
    if not (those := found(names, pattern)):
        raise _no_name(names, pattern, key)
    return those


def _no_name(names: Collection[str], pattern: str, key: str) -> InputError:
    modules = {name[:end] for name in names for end in [i for i, letter in enumerate(name) if letter == "."]}
    error = unknown("weight", pattern, [*names, *modules])
    listed = ", ".join([*names][:8]) + (", ..." if len(names) > 8 else "")
    return InputError(error.what, expected=f"a name or a glob of: {listed}", key=key)
