"""What all runs have said, as one log: a table of the catalog, whose numbers grow with time."""

from __future__ import annotations

import sqlalchemy as sa

from aimass.console.logs.line import LONGEST, Found, Line, Wanted, level_of
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

BLOCK = 2000  # rows that are read at once, where not every row is wanted
MOST = 200_000  # numbers that are looked at for one page
c = t.log.c


class RunsLog:
    """Of CATALOG; a place is the number of a line, less one."""

    key = "runs"

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def size(self) -> int:
        return self.end()

    def end(self) -> int:
        return self._one(sa.select(sa.func.max(c.id)))

    def at(self, time: str) -> int:
        """By halves: lines that come later have larger numbers."""
        low, high = 0, self.end()
        while low < high:
            middle = (low + high) // 2
            query = sa.select(c.id, c.time).where(c.id > middle).order_by(c.id).limit(1)
            row = next(iter(self.catalog.rows(query)), None)
            if row is None or row["time"] >= time:
                high = middle
            else:
                low = int(row["id"])
        return low

    def before(self, place: int, limit: int, wanted: Wanted) -> Found:
        lines: list[Line] = []
        first = place
        while place > 0 and len(lines) <= limit and first - place < MOST:
            begin = max(0, place - (BLOCK if wanted.text or wanted.level != "info" else limit + 1))
            lines = [*self._between(begin, place, wanted), *lines]
            place = begin
        return Found(lines[-limit:], lines[-limit].at if len(lines) > limit else place)

    def after(self, place: int, limit: int, wanted: Wanted) -> Found:
        lines: list[Line] = []
        first, last = place, self.end()
        while place < last and len(lines) <= limit and place - first < MOST:
            end = min(last, place + (BLOCK if wanted.text or wanted.level != "info" else limit + 1))
            lines += self._between(place, end, wanted)
            place = end
        return Found(lines[:limit], lines[limit].at if len(lines) > limit else place)

    def _between(self, begin: int, end: int, wanted: Wanted) -> list[Line]:
        query = sa.select(t.log).where(c.id > begin, c.id <= end).order_by(c.id)
        if wanted.text:
            query = query.where(c.text.icontains(wanted.text, autoescape=True))
        lines = [_line(row) for row in self.catalog.rows(query)]
        return [line for line in lines if wanted.level_fits(line.level)]

    def _one(self, query: sa.Select[tuple[int | None]]) -> int:
        return int(next(iter(self.catalog.rows(query)[0].values())) or 0)


def _line(row: Row) -> Line:
    text = row["text"][:LONGEST]
    return Line(row["time"], RunsLog.key, row["id"] - 1, text, level_of(text), row["run"])
