"""A line of a log: where it stands, when it was said, how bad it is; and which lines somebody wants to see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, Protocol

INFO, WARNING, ERROR = "info", "warning", "error"
LEVELS = (INFO, WARNING, ERROR)
LONGEST = 4000  # letters of a line that are shown
_BAD = re.compile(
    r"\b(?:error|failed|failure|critical|fatal|traceback|exception)\b|\w(?:Error|Exception):", re.IGNORECASE
)
_ODD = re.compile(r"\b(?:warn|warning|refused|deprecated)\b|\w+Warning:", re.IGNORECASE)


def level_of(text: str) -> str:
    """How bad TEXT is, by its words: processes of all kinds write it."""
    head = text[:400]
    if _BAD.search(head):
        return ERROR
    return WARNING if _ODD.search(head) else INFO


class Line(NamedTuple):
    """TEXT, said at TIME (ISO 8601) by the log KEY, where it stands AT a place; of a RUN where it is one's."""

    time: str
    key: str
    at: int
    text: str
    level: str
    run: int | None = None


@dataclass(frozen=True)
class Wanted:
    """Lines with TEXT in them, at least as bad as LEVEL."""

    text: str = ""
    level: str = INFO

    def level_fits(self, level: str) -> bool:
        return LEVELS.index(level) >= LEVELS.index(self.level)


class Found(NamedTuple):
    """LINES, oldest first, and the place that was REACHED: there is nothing wanted between it and the nearest line."""

    lines: list[Line]
    reached: int


class Log(Protocol):
    """One log.  A place is a whole number; lines stand at places that grow."""

    key: str

    def size(self) -> int:
        """What grows with all that is said, and is quick to ask."""

    def end(self) -> int:
        """The place behind its last whole line."""

    def at(self, time: str) -> int:
        """The place before the first line that was said at TIME or later."""

    def before(self, place: int, limit: int, wanted: Wanted) -> Found:
        """The last LIMIT wanted lines before PLACE, or fewer, when they are far apart."""

    def after(self, place: int, limit: int, wanted: Wanted) -> Found:
        """The first LIMIT wanted lines from PLACE on, or fewer."""
