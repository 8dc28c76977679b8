"""What a table has gained since one looked: rows by their id, each once.

Postgres numbers a row when it is written and shows it when its transaction ends, so a smaller number may come after a
greater one; there the last seconds are read again and again.  SQLite has one writer at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa

from aimass.store.catalog import Catalog, Row

MOST = 20_000  # rows at a look
BACK = 5.0  # seconds
BEHIND = 1000  # numbers that may still be on their way at the first look


class Tail:
    """Rows of TABLE that come from now on."""

    def __init__(self, catalog: Catalog, table: sa.Table, clock: Callable[[], float] = time.monotonic) -> None:
        self.catalog, self.table, self.clock = catalog, table, clock
        self.back = 0.0 if catalog.engine.dialect.name == "sqlite" else BACK
        self.seen: dict[int, float] = {}
        newest = catalog.rows(sa.select(sa.func.max(table.c.id).label("id")))[0]["id"] or 0
        self.position = max(0, newest - BEHIND) if self.back else newest
        while self.back and self.read():  # what is there is no news
            pass

    def read(self) -> list[Row]:
        """What came since the last look, oldest first."""
        query = sa.select(self.table).where(self.table.c.id > self.position).order_by(self.table.c.id).limit(MOST)
        rows, now = self.catalog.rows(query), self.clock()
        news = [row for row in rows if row["id"] not in self.seen]
        self.seen.update((row["id"], now) for row in news)
        self._forget(rows[-1]["id"] if len(rows) == MOST else 0, now)
        return news

    def _forget(self, passed: int, now: float) -> None:
        """Go on to where nothing smaller is waited for: what is BACK seconds old, or more than one look holds."""
        for id in sorted(self.seen):
            if id > passed and now - self.seen[id] < self.back:
                return
            self.position = id
            del self.seen[id]
