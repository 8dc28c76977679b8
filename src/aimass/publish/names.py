"""How releases are called: `flights`, `flights@3`, `flights@champion`."""

from __future__ import annotations

import re

from aimass.core.errors import InputError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
LONGEST = 100  # a name is a folder and part of a URL
CHAMPION = "champion"  # the alias meant when none is given


def check_name(name: str, what: str = "name") -> str:
    """NAME when it can be a folder and part of a URL.  Raises InputError."""
    if len(name) > LONGEST or not NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be a {what}",
            expected=f"small letters, digits and . _ -, at most {LONGEST}, beginning with a letter or digit",
            todo=f"try {_repaired(name)!r}",
            key=what if what == "alias" else "name",
        )
    return name


def check_alias(alias: str) -> str:
    """ALIAS when it can stand behind the @ of a name and is no version.  Raises InputError."""
    check_name(alias, "alias")
    if alias.isdigit():
        raise InputError(f"the alias {alias!r} reads like a version", expected="a word", key="alias")
    return alias


def split_ref(ref: str) -> tuple[str, str]:
    """('flights', '3') of 'flights@3'; ('flights', '') of 'flights'.  Raises InputError for anything else."""
    name, at, which = ref.partition("@")
    check_name(name)
    if at:
        check_name(which, "version or alias")
    return name, which


def _repaired(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("._-")[:LONGEST] or "model"
