"""Rows of a calendar day or month, counted by key: in memory, and beside the keys so that a restart forgets nothing.

Several servers may share a file: each adds what it has counted since it last looked.  Calendar: UTC.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aimass.core.errors import AimassError
from aimass.serve.access.file import write_whole
from aimass.serve.access.tally import ELSEWHERE, SAVED, TAKEN, WINDOW, Tallies, Tally
from aimass.store.lock import held

DAYS = 1_000_000  # windows are numbers: from here on days, below it months


class Used:
    """Rows of a key in windows of a day or a month (PER), as TALLY has them; FOUND: how many the file knows of one."""

    __slots__ = ("found", "label", "number", "per", "tally", "until")

    def __init__(self, per: str, tally: Tally, found: Callable[[str], int] = lambda label: 0) -> None:
        self.per, self.tally, self.found = per, tally, found
        self.label, self.number, self.until = "", 0, 0.0  # of the window that is known here, and its end

    def look(self, now: float) -> int:
        """Rows used in the window of NOW (seconds since 1970), or in a later one that has begun already."""
        if now >= self.until:
            self.label, self.until = window(self.per, now)
            self.number = number_of(self.label)
        if self._over(self.tally[WINDOW]):
            with self.tally:
                self._begin()
        return int(self.tally[TAKEN] + self.tally[ELSEWHERE])

    def _over(self, number: float) -> bool:
        """Whether the window of that NUMBER is before this one, or of another kind."""
        return number < self.number or (number >= DAYS) != (self.number >= DAYS)

    def _begin(self) -> None:
        """A window that is being made is none: whoever comes after one that was killed meanwhile makes it anew."""
        if self._over(self.tally[WINDOW]):  # nobody else has begun it
            self.tally[WINDOW] = self.tally[TAKEN] = self.tally[SAVED] = 0
            self.tally[ELSEWHERE] = self.found(self.label)
            self.tally[WINDOW] = self.number

    def add(self, rows: int) -> None:
        """After `look`, with the tally held."""
        self.tally[TAKEN] += rows


def window(per: str, now: float) -> tuple[str, float]:
    """The name of the day or month of NOW, and when it ends."""
    day = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if per == "day":
        return f"{day:%Y-%m-%d}", (day + timedelta(days=1)).timestamp()
    first = day.replace(day=1)
    return f"{first:%Y-%m}", (first + timedelta(days=32)).replace(day=1).timestamp()


def number_of(label: str) -> int:
    """The window called LABEL as a number: 20260301 for a day, 202603 for a month."""
    return int(label.replace("-", ""))


def label_of(number: float) -> str:
    """What `number_of` took."""
    text = str(int(number))
    return "-".join(part for part in (text[:4], text[4:6], text[6:]) if part)


News = dict[str, tuple[str, int]]  # window and rows by key
Saved = dict[str, dict[str, Any]]


class Quotas:
    """Counts by key in TALLIES, kept in the file at PATH.  `lost` and `error` say what went wrong with it."""

    def __init__(self, path: Path, tallies: Tallies | None = None) -> None:
        self.path, self.tallies = path, tallies or Tallies()
        self.error = ""
        self.saved, self.lost = _read(path)

    def of(self, id: str, per: str) -> Used:
        """The count of key ID in windows of a day or a month (PER).  Raises InputError when there is no room."""
        return Used(per, self.tallies.of(id), lambda label: _rows(self.saved, id, label))

    def news(self) -> News:
        """What the file does not know yet."""
        found = {}
        for id, tally in self.tallies.all():
            if tally[TAKEN] != tally[SAVED]:
                with tally:
                    number, rows = tally[WINDOW], tally[TAKEN] - tally[SAVED]
                if number:
                    found[id] = label_of(number), int(rows)
        return found

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
            tally = self.tallies.of(id)
            with tally:
                if tally[WINDOW] == number_of(label):
                    tally[SAVED] += rows
                    tally[ELSEWHERE] = _rows(self.saved, id, label) - tally[SAVED]

    def save(self) -> None:
        """All of it, at once."""
        news = self.news()
        if news:
            self.write(news)
            self.settle(news)

    async def saving(self) -> None:
        """The same, with the file written beside the event loop."""
        news = self.news()
        if news:
            await asyncio.to_thread(self.write, news)
            self.settle(news)

    def health(self) -> dict[str, str]:
        """What went wrong; empty when nothing did."""
        return {name: text for name, text in {"quotas": self.error, "counts": self.lost}.items() if text}


def quotas_beside(keys: Path, tallies: Tallies | None = None) -> Quotas:
    """Those of the file of KEYS."""
    return Quotas(keys.with_name(keys.name + ".used"), tallies)


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
