"""The console's end: a look is asked for, bounded, and remembered for as long as the file is the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

from aimass.collect.endings import collector_of
from aimass.console.once import Once, same, still
from aimass.console.refusals import Refusal, missing
from aimass.console.turn import Turn
from aimass.core.errors import InputError, error_from_json
from aimass.runner.scratch import scratch_in
from aimass.runner.workspace import Workspace

SECONDS = 30.0  # that a look may take
WORKS = 24  # seconds of a processor: who needs more would need them again
MEMORY = 6 << 30  # bytes of addresses
SAYS = 16 << 20  # bytes of an answer
_turn = Turn("other files are being looked at", at_once=2, seconds=5.0)
FOUND = b'{"found"'
Said = dict[str, Any]
seen = Once(
    32, "others wait for what is in that file"
)  # answers, also refusals: who opens a page again starts no other process


def rows_in(space: Workspace, path: Path, name: str) -> Said:
    """What `project.glance` tells of the file at PATH, which is called NAME.

    Raises InputError for what cannot be read, Refusal (503) when too many look at once.
    """
    return _looked(space, "rows", path, name, "a file of rows", use=collector_of(name))


def graph_in(space: Workspace, path: Path, digest: str) -> Said:
    """What `graph.summary` tells of the ONNX file at PATH, of the artifact DIGEST.  Raises as it does, or `rows_in`."""
    return _looked(space, "graph", path, f"the graph of {digest[:12]}", "an ONNX file", digest=digest)


def archive_in(space: Workspace, path: Path) -> Said:
    """What `project.archive` tells of the archive at PATH, and of what is new of it here.  Raises as `rows_in` does."""
    return _looked(space, "archive", path, path.name, "an archive of `aimass export`", url=space.url)


def _looked(space: Workspace, what: str, path: Path, name: str, expected: str, **more: str) -> Said:
    try:
        before = same(path)
    except FileNotFoundError as error:
        raise missing(f"{name} is not there any more") from error

    def stays(told: tuple[bytes, str]) -> bool:
        return still(path, before) and (what != "archive" or not told[0].startswith(FOUND))  # what is new here changes

    key: Hashable = (what, before, *more.values())
    said, place = seen(key, lambda: _asked(space, path, expected, {"what": what, **more}), stays)
    told = json.loads(said)
    if "found" in told:
        found: Said = told["found"]
        return found
    refused = error_from_json(told["error"])
    for part in ("what", "todo"):  # where it lies is nobody's concern
        setattr(refused, part, getattr(refused, part).replace(place, name))
    raise refused


def _asked(space: Workspace, path: Path, expected: str, order: Said) -> tuple[bytes, str]:
    """JSON: {"found": ...} or {"error": ...}, and what the file was called when it was said."""
    with _turn, scratch_in(space.folder) as scratch:
        told = scratch / "told"
        why = _run(scratch, {**order, "path": str(path), "answer": str(told)})
        if not why and told.stat().st_size > SAYS:
            why = f"has more to tell than {SAYS >> 20} MB"
        return _refusal(path, why, expected) if why else told.read_bytes(), str(path)


def _run(scratch: Path, order: Said) -> str:
    """Let the process do ORDER, with SCRATCH for all that it writes; what is wrong with the file if it did not."""
    order |= {"parent": os.getpid(), "memory": MEMORY, "seconds": WORKS}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "TMPDIR": str(scratch)}
    command = [sys.executable, "-P", "-m", "aimass.console.looks.process"]
    try:
        done = subprocess.run(command, input=json.dumps(order).encode(), stdout=subprocess.DEVNULL, timeout=SECONDS,
                              stderr=subprocess.DEVNULL, env=environment)  # fmt: skip
    except subprocess.TimeoutExpired as error:  # the machine is busy, or the disk slow: another time it may be read
        raise Refusal(503, f"looking took more than {SECONDS:g} s", todo="try again when the machine has less to do",
                      headers={"retry-after": "30"}) from error  # fmt: skip
    if done.returncode == -signal.SIGXCPU:
        return f"could not be read within {WORKS} s of a processor"
    return "broke its reader" if done.returncode else ""


def _refusal(path: Path, why: str, expected: str) -> bytes:
    todo = "it is damaged, or unpacks to more than fits: get it again, or split it"
    return json.dumps({"error": InputError(f"{path} {why}", expected=expected, todo=todo).as_json()}).encode()
