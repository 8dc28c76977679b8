"""What a file holds, told by a process of its own: a file that breaks its reader, takes all memory or never ends does
no harm here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from aimass.collect.endings import collector_of
from aimass.console.turn import Turn
from aimass.core.errors import InputError, error_from_json

SECONDS = 30.0  # that a look may take
MEMORY = 6 << 30  # bytes of addresses
_turn = Turn("other files are being looked at", at_once=2, seconds=5.0)


def look(path: Path, name: str) -> dict[str, Any]:
    """What `project.glance` tells of the file at PATH, which is called NAME.

    Raises InputError for what cannot be read, Refusal (503) when too many look at once.
    """
    facts = path.stat()
    return _looked(path, name, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=32)
def _looked(path: Path, name: str, size: int, changed: int) -> dict[str, Any]:
    """As long as SIZE and time are the same, so are the bytes."""
    with _turn:
        return _asked(path, name)


def _asked(path: Path, name: str) -> dict[str, Any]:
    order = {"path": str(path), "use": collector_of(name), "parent": os.getpid(), "memory": MEMORY,
             "seconds": int(SECONDS)}  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    command = [sys.executable, "-m", "aimass.console.files.looking"]
    try:
        done = subprocess.run(command, input=json.dumps(order).encode(), stdout=subprocess.PIPE, timeout=SECONDS,
                              stderr=subprocess.DEVNULL, env=environment)  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise InputError(f"{name} could not be read within {SECONDS:g} s", expected="a file of rows") from error
    told = json.loads(done.stdout) if done.returncode == 0 else {}
    if "found" in told:
        found: dict[str, Any] = told["found"]
        return found
    if "error" not in told:
        raise InputError(f"{name} broke its reader", expected="a file of rows",
                         todo="it is damaged, or unpacks to more than fits: get it again, or split it")  # fmt: skip
    refused = error_from_json(told["error"])
    shown = refused.what.replace(str(path), name)  # where it lies is nobody's concern
    raise InputError(shown, expected=refused.expected, todo=refused.todo.replace(str(path), name), key=refused.key)
