"""How far a job is, as its process tells it: a file beside the job's log, with what is true now."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE = "progress.json"
OFTEN = 0.2  # seconds between two writings, but for the end


class Written:
    """Hears how far the job whose FOLDER it is has come, and keeps it for those who look."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.path.unlink(missing_ok=True)  # of an attempt before
        self.next = 0.0

    def __call__(self, what: str, done: int, of: int) -> None:
        if done < of and time.monotonic() < self.next:
            return
        fresh = self.path.with_suffix(".new")
        with suppress(OSError):  # a full disk is told of by what fills it
            fresh.write_text(json.dumps({"what": what, "done": done, "of": of}))
            fresh.replace(self.path)
        self.next = time.monotonic() + OFTEN


def told(folder: Path) -> dict[str, Any] | None:
    """{"what", "done", "of"} of the job whose FOLDER it is; None where it has not said anything."""
    try:
        found: dict[str, Any] = json.loads((folder / FILE).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found
