"""Rows of a calendar day or month, counted by key: in memory, and beside the keys so that a restart forgets nothing.

Several servers may share a file: each adds what it has counted since it last looked.  Calendar: UTC.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aimass.core.errors import AimassError
from aimass.serve.access.file import write_whole
from aimass.store.lock import held


@dataclass
class Used:
    """ROWS in the window called LABEL, that ends at UNTIL (seconds since 1970); UNSAVED of them nobody else knows."""

    per: str
    label: str = ""
    until: float = 0.0
    rows: int = 0
    unsaved: int = 0

    def look(self, now: float) -> int:
        """Rows used in the window of NOW."""
        if now >= self.until:
            self.label, self.until = window(self.per, now)
            self.rows = self.unsaved = 0
        return self.rows

    def add(self, rows: int) -> None:
        """After `look`."""
        self.rows += rows
        self.unsaved += rows


def window(per: str, now: float) -> tuple[str, float]:
    """The name of the day or month of NOW, and when it ends."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        return f"{day:%Y-%m-%d}", (day + timedelta(days=1)).timestamp()
    first = day.replace(day=1)
    return f"{first:%Y-%m}", (first + timedelta(days=32)).replace(day=1).timestamp()


News = dict[str, tuple[str, int]]  # window and rows by key
Saved = dict[str, dict[str, Any]]


class Quotas:
    """Counts by key, kept in the file at PATH.  `lost` and `error` say what went wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.used: dict[str, Used] = {}
        self.error = ""
        self.saved, self.lost = _read(path)

    def of(self, id: str, per: str) -> Used:
        """The count of key ID in windows of a day or a month (PER)."""
        found = self.used.get(id)
        if found is None or found.per != per:
            found = self.used[id] = Used(per)
            found.look(time.time())
            found.rows = _rows(self.saved, id, found.label)
        return found

    def news(self) -> News:
        """What the file does not know yet."""
        return {id: (used.label, used.unsaved) for id, used in self.used.items() if used.unsaved}

    def write(self, news: News) -> None:
        """Add NEWS to the file, and learn what others have added.  Touches no count: may run beside the event loop."""
        try:
            with held(self.path.with_name(self.path.name + ".lock"), lambda pid: None):
                found, lost = _read(self.path)
                found = merged(found, news)
                write_whole(self.path, json.dumps(found).encode())
        except AimassError as error:
            self.error = error.what
            return
        self.saved, self.error, self.lost = found, "", self.lost or lost

    def settle(self, news: News) -> None:
        """After `write` of NEWS, if that went well."""
        for id, (label, rows) in news.items() if not self.error else ():
            used = self.used[id]
            if used.label == label:
                used.unsaved -= rows
                used.rows = _rows(self.saved, id, label) + used.unsaved

    def save(self) -> None:
        """All of it, at once."""
        news = self.news()
        if news:
            self.write(news)
            self.settle(news)


def merged(saved: Saved, news: News) -> Saved:
    """SAVED counts with NEWS.  What belongs to a window before the one that is known is over."""
    found = dict(saved)
    for id, (label, rows) in news.items():
        known = found[id]["window"] if id in found else ""
        if label >= known or len(label) != len(known):  # from days to months, or back: as the key says now
            found[id] = {"window": label, "rows": rows + _rows(found, id, label)}
    return found


def _rows(saved: Saved, id: str, label: str) -> int:
    return int(saved[id]["rows"]) if id in saved and saved[id]["window"] == label else 0


def _read(path: Path) -> tuple[Saved, str]:
    """The counts in the file at PATH, and what is wrong with it; none where it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
        return {id: {"window": str(u["window"]), "rows": max(0, int(u["rows"]))} for id, u in found.items()}, ""
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return {}, f"{path} is damaged ({type(error).__name__}): rows before this start are not counted"
