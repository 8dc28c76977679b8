"""Output whose lines carry their time, so that the logs of several processes make one stream."""

from __future__ import annotations

import io
import os
import threading
from datetime import UTC, datetime


def stamped(line: str) -> str:
    """LINE with the time in front: UTC, ISO 8601 with milliseconds."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{at} {line}"


class Stamped(io.TextIOBase):
    """A text file at DESCRIPTOR: each line is written at once and whole, with its time."""

    encoding, errors = "utf-8", "backslashreplace"

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._rest = ""  # of a line that is not at its end yet
        self._writing = threading.RLock()

    def write(self, text: str) -> int:
        with self._writing:
            *lines, self._rest = (self._rest + text).split("\n")
            if lines:
                os.write(self.descriptor, "".join(f"{stamped(line)}\n" for line in lines).encode(errors=self.errors))
        return len(text)

    def close(self) -> None:
        """Write what is left; the descriptor is not ours."""
        with self._writing:
            if self._rest:
                self.write("\n")

    def fileno(self) -> int:
        return self.descriptor

    def writable(self) -> bool:
        return True
