"""The key by which the console asks a server of predictions that asks for keys: made anew at each start of `aimass up`.

It lies beside the state, for the workspace's user alone, and ends with `aimass up`.
"""

from __future__ import annotations

from pathlib import Path

from aimass.console.up.state import FOLDER, folder_of
from aimass.serve.access.keys import SCOPES, Key, new_key
from aimass.store.base import writing

FILE, NAME = "inference.key", "aimass up"


def make(workspace: Path) -> tuple[Key, str]:
    """A key for everything, and what is shown of it, kept in WORKSPACE."""
    key, token = new_key(NAME, tuple(SCOPES))
    place = folder_of(workspace) / FILE
    with writing(str(place)):
        place.unlink(missing_ok=True)
        place.touch(0o600)
        place.write_text(token, encoding="ascii")
    return key, token


def read(workspace: Path) -> str:
    """What to show; "" where no key is asked for."""
    try:
        return (workspace / FOLDER / FILE).read_text(encoding="ascii")
    except FileNotFoundError:
        return ""


def remove(workspace: Path) -> None:
    """It opens nothing any more."""
    (workspace / FOLDER / FILE).unlink(missing_ok=True)
