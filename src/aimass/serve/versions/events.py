"""What happened to the versions of a server, newest last: kept in memory, and as lines of JSON in a file."""

from __future__ import annotations

import json
import logging
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

KEPT = 1000

log = logging.getLogger("aimass.serve")


class Events:
    """At most KEPT of them; all are appended to FILE, if there is one.  A full disk is logged, and fails nothing."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.kept: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def add(self, name: str, what: str, **facts: Any) -> None:
        """WHAT happened to NAME now."""
        event = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "name": name, "event": what, **facts}
        self.kept.append(event)
        if self.file is None:
            return
        try:
            with self.file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(event) + "\n")
        except OSError as error:
            log.error("an event cannot be written to %s: %s", self.file, error)

    def of(self, name: str, most: int = 50) -> list[dict[str, Any]]:
        """The newest of NAME."""
        return [event for event in self.kept if event["name"] == name][-most:]
