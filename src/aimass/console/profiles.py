"""What took long to compute and can never change, because what it is of never does: kept in the workspace as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimass.console.turn import Turn
from aimass.runner.scratch import scratch_in
from aimass.runner.workspace import Workspace
from aimass.store.base import writing

NAME = re.compile(r"[a-z0-9-]{1,200}")
_turn = Turn("the console is looking through other rows")  # one at a time: each takes a core and some memory


def kept(space: Workspace, name: str, make: Callable[[Path], Any]) -> Any:
    """What is kept as NAME; MAKE makes it the first time, in a folder of its own.

    Raises Refusal (503) when others are at work for too long, or wait for it, and what MAKE raises.
    """
    assert NAME.fullmatch(name), name
    place = space.folder / "profiles" / f"{name}.json"
    if (found := _read(place)) is not None:
        return found
    with _turn:
        found = _read(place)  # somebody else may have asked for the same
        return found if found is not None else _made(space, place, make)


def _read(place: Path) -> Any:
    """None for what is not there, or was cut short."""
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def _made(space: Workspace, place: Path, make: Callable[[Path], Any]) -> Any:
    with scratch_in(space.folder) as scratch:
        made = json.loads(json.dumps(make(scratch), allow_nan=False))
        with writing(str(place)):
            place.parent.mkdir(exist_ok=True)
            fresh = scratch / "made.json"
            fresh.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
            fresh.replace(place)
    return made
