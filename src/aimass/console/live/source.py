"""News of runs: what began, went on, ended, reported, said.  Asks the catalog; runs in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from aimass.console.live.tail import Tail
from aimass.store import listed
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row
from aimass.store.reach import Reach, Seen

ALL, ONE = "runs", "run/"
ACTIVE = ("running", "stopping")
FIGURES = 1.0  # seconds between news of mere figures in the list of runs

News = list[tuple[str, Any]]  # topic and data


def within(reach: Reach | None, name: str) -> str:
    """The topic NAME as it is within REACH; one of a single thing is the same for all who see that."""
    return name if reach is None or "/" in name else f"{name} {reach.written()}"


class Source:
    """News of the runs of CATALOG from now on."""

    def __init__(self, catalog: Catalog, clock: Callable[[], float] = time.monotonic) -> None:
        self.catalog, self.clock = catalog, clock
        self.points, self.lines = Tail(catalog, t.metric, clock), Tail(catalog, t.log, clock)
        self.began = Tail(catalog, t.run, clock)
        self.states = {row["id"]: _state(row) for row in self._rows(set())}
        self.stale, self.told = set[int](), clock()

    def learn(self, name: str) -> None:
        """All runs are known from the begin on."""

    def look(self, names: set[str]) -> News:
        """What is new of the topics with NAMES: "runs", "runs" within a reach, and "run/ID"."""
        watched = {int(name.removeprefix(ONE)) for name in names if name.startswith(ONE)}
        changed = self._changed(watched)  # before its points: who hears that a run has ended has all of them
        points, lines = _by_run(self.points.read()), _by_run(self.lines.read())
        self.stale |= set(points)
        full = self._figured(changed | (set(points) & watched) | self._due())
        news: News = [(f"run/{id}", _told(full.get(id), points.get(id, []), lines.get(id, [])))
                      for id in sorted(watched) if id in full or id in points or id in lines]  # fmt: skip
        for name in sorted(names) if full else ():
            if not name.startswith(ONE) and (rows := self._within(name, full)):
                news.append((name, {"changed": rows}))
        return news

    def _within(self, name: str, runs: dict[int, Row]) -> list[Row]:
        """Those of RUNS that the topic NAME tells of."""
        if name == ALL:
            return list(runs.values())
        seen = Seen(self.catalog, Reach.read(name.removeprefix(f"{ALL} ")))
        ids = {row["id"] for row in seen.rows(sa.select(t.run.c.id).where(t.run.c.id.in_(runs)))}
        return [run for id, run in runs.items() if id in ids]

    def _changed(self, watched: set[int]) -> set[int]:
        """Runs whose state is another than at the last look, or that began since."""
        new = {row["id"] for row in self.began.read()}
        rows = self._rows(watched | set(self.states) | new)
        before, self.states = (
            self.states,
            {row["id"]: _state(row) for row in rows if _lives(row) or row["id"] in watched},
        )
        return {row["id"] for row in rows if before.get(row["id"]) != _state(row)}

    def _due(self) -> set[int]:
        """Runs with new figures, once in a while."""
        if self.clock() - self.told < FIGURES:
            return set()
        due, self.stale, self.told = self.stale, set(), self.clock()
        return due

    def _rows(self, ids: set[int]) -> list[Row]:
        query = sa.select(t.run.c.id, t.run.c.state, t.run.c.ended)
        return self.catalog.rows(query.where(t.run.c.id.in_(ids) | t.run.c.state.in_(ACTIVE)).order_by(t.run.c.id))

    def _figured(self, ids: set[int]) -> dict[int, Row]:
        return {row["id"]: row for row in listed.some(self.catalog, t.run.c.id.in_(ids))} if ids else {}


def _state(row: Row) -> tuple[Any, Any]:
    return row["state"], row["ended"]


def _lives(row: Row) -> bool:
    return row["state"] in ACTIVE


def _by_run(rows: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["run"], []).append(row)
    return found


def _told(run: Row | None, points: list[Row], lines: list[Row]) -> Row:
    told: Row = {
        "points": [[p["id"], p["name"], p["at"], p["value"], p["time"]] for p in points],
        "lines": [{"id": line["id"], "time": line["time"], "text": line["text"]} for line in lines],
    }
    return {**told, "run": run} if run else told
