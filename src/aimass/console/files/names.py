"""What a file may be called that comes from outside."""

from __future__ import annotations

import unicodedata

from aimass.collect.endings import PACKED, collector_of
from aimass.core.errors import InputError

LONGEST = 200  # bytes
FORBIDDEN = '/\\:*?[]"<>|'  # they lead elsewhere, are patterns, or cannot be on other systems
ARCHIVE = ".aimass.zip"  # of a project as one file: not rows, but looked into by the page Import / export
FIRST = "._~ "  # hidden, set apart, somebody's home


def checked_name(name: str) -> str:
    """NAME in Unicode's composed form, as a data file or an archive can be called.  Raises InputError (key "name")."""
    name = unicodedata.normalize("NFC", name)
    shown = repr(name[:60])
    wrong = next((letter for letter in name if letter in FORBIDDEN or _unseen(letter)), None)
    if wrong is not None:
        raise _refused(f"the name {shown} holds {wrong!r}", f"letters that can be seen, and none of {FORBIDDEN}")
    if not name or name[0] in FIRST or name[-1] in ". ":
        raise _refused(f"a file cannot be called {shown}", "a name that begins with a letter or a digit")
    if len(name.encode()) > LONGEST:
        raise _refused(f"the name {shown}... is too long", f"at most {LONGEST} bytes")
    if name.endswith(ARCHIVE):
        return name
    try:
        collector_of(name)
    except InputError as error:
        raise _refused(f"{name}: files with this ending are not read", error.expected) from error
    return name


def endings_of(name: str) -> str:
    """What says how a file is read: '.csv.gz' of flights.2024.csv.gz.  NAME was checked."""
    *_, last = parts = name.lower().split(".")
    return f".{'.'.join(parts[-2:])}" if last in PACKED else f".{last}"


def _unseen(letter: str) -> bool:
    """Whether LETTER has no picture: controls, marks of direction, half characters, ends of lines."""
    return unicodedata.category(letter)[0] == "C" or unicodedata.category(letter) in ("Zl", "Zp")


def _refused(what: str, expected: str) -> InputError:
    return InputError(what, expected=expected, todo="rename it", key="name")
