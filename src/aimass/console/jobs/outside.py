"""Whether work stays inside its workspace: code that is not ours, files from elsewhere and addresses are seen.

Settings are text, and any of them may reach the disk, the network or an import; so every text is looked at.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from aimass.console.jobs.work import project_text
from aimass.core.errors import InputError
from aimass.project.file import override

WRITE = ("predict",)  # steps that write where a setting says
IMPORT = re.compile(r"[^\W\d][\w.]*:[^\W\d][\w.]*\Z")  # package.module:name


def reaches_outside(kind: str, work: Any) -> str:
    """The first thing of WORK that leaves the workspace, in words; "" when nothing does.  Raises InputError."""
    tables = _project(work) if kind == "project" else work
    try:
        found = (f"{'.'.join(keys)} is {why}" for keys, text in _texts(tables, ()) if (why := _why(text)))
        return next(found, "") or next((f"{step} writes files" for step in _steps(tables) if step in WRITE), "")
    except RecursionError as error:
        raise InputError("tables in tables without end", expected="settings that a person could read") from error


def _project(work: Any) -> dict[str, Any]:
    """The tables of the project in WORK with what overrides them; a table may be replaced, so both are looked at."""
    tables, overridden = tomllib.loads(project_text(work)), dict[str, Any]()
    for item in work.get("sets", ()):
        override(overridden, item, typed_here=False)
    return {**tables, "--set": overridden} if overridden else tables


def _steps(tables: Any) -> list[Any]:
    """The steps that a task, or a project and what overrides it, asks for by name."""
    both = [tables, tables.get("--set")] if isinstance(tables, dict) else []
    longs = [one.get("steps") for one in both if isinstance(one, dict)]
    asked = [
        step.get("do") for long in longs if isinstance(long, dict) for step in long.values() if isinstance(step, dict)
    ]
    return [*(one.get("step") for one in both if isinstance(one, dict)), *asked]


def _texts(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield (*keys, str(key)), str(key)
            yield from _texts(one, (*keys, str(key)))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _texts(one, (*keys, str(number)))


def _why(text: str) -> str:
    shown = repr(text[:60])
    if IMPORT.match(text):
        return f"the import path {shown}"
    if "://" in text:
        return f"the address {shown}"
    if text.startswith("package:"):
        text = text.partition("/")[2]
    windows, parts = PureWindowsPath(text), PurePosixPath(text).parts
    begins = len(text) > 1 and (text[0] in "/\\~" or windows.is_absolute())
    return f"the path {shown}" if begins or ".." in (*parts, *windows.parts) else ""
