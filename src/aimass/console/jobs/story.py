"""What a job began, run by run, as its process told it: the thread from a job to the runs that it is made of.

Lies beside the job's log, a line of JSON an event.  A job that is resumed begins a new story in the same file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aimass.runner.workspace import Event
from aimass.store.catalog import now

FILE = "story.jsonl"
MOST = 4 << 20  # bytes that are read, from the end


def begin(folder: Path) -> None:
    """The job whose FOLDER it is begins, or begins again: on a line of its own, whatever a kill left before it."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write("\n")
    _write(folder, {"kind": "begun"})


def add(folder: Path, event: Event) -> None:
    """EVENT happened in the job whose FOLDER it is."""
    made = event.artifact.digest if event.artifact else None
    _write(folder, {"kind": event.kind, "run": event.run, "step": event.task.step, "label": event.task.label,
                    "seconds": round(event.seconds, 3), "text": event.text, "digest": made})  # fmt: skip


def told(folder: Path) -> list[dict[str, Any]]:
    """The runs of the newest attempt in the order they began, each as it was when last heard of."""
    found: dict[str, dict[str, Any]] = {}
    for event in _events(folder / FILE):
        if event["kind"] == "begun":
            found = {}
        elif event["run"]:
            found[event["run"]] = event
    return list(found.values())


def _write(folder: Path, event: dict[str, Any]) -> None:
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps({'time': now(), **event})}\n")


def _events(path: Path) -> list[dict[str, Any]]:
    """What every whole line says; one that a kill cut short says nothing."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MOST))
            lines = file.read().split(b"\n")
    except FileNotFoundError:  # it has not begun, or ran elsewhere
        return []
    return [event for line in lines if (event := _read(line))]


def _read(line: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return found
