"""Topics that only say that something is another: a page then asks for it, with the rights that it has.

A mark is anything that is equal as long as nothing has changed.  Who was away and hears of it late has lost nothing,
and who hears of it twice has nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from aimass.console.endpoints import served
from aimass.console.endpoints.ring import Ring
from aimass.console.endpoints.trouble import troubles
from aimass.console.jobs.attempt import log_of
from aimass.console.live.source import News
from aimass.console.logs.stream import logs_of
from aimass.console.wellbeing import centres, needs
from aimass.runner.workspace import Workspace
from aimass.store.jobs import OVER, Jobs
from aimass.store.tables import job as t

Mark = Callable[[str], Any]


class Marks:
    """News of the topics that MARK, a function of their names, tells apart."""

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.before: dict[str, Any] = {}

    def learn(self, name: str) -> None:
        """What is NAME's mark now is no news."""
        self.before[name] = self.mark(name)

    def look(self, names: set[str]) -> News:
        """Those of NAMES whose mark is another than at the last look."""
        now = {name: self.mark(name) for name in sorted(names)}
        news: News = [(name, {}) for name in now if now[name] != self.before.get(name)]
        self.before = now
        return news


def of_jobs(space: Workspace) -> Mark:
    """ "jobs": which there are, in which state.  "job/12": its state, its run, and how much it has said."""

    def mark(name: str) -> Any:
        id = name.partition("/")[2]
        which = t.c.id == int(id) if id else t.c.state.not_in(OVER)
        query = sa.select(t.c.id, t.c.state, t.c.run, t.c.tries, t.c.ended).where(which).order_by(t.c.id)
        rows = [tuple(row.values()) for row in space.catalog.rows(query)]
        return rows, _size(space, id) if id else Jobs(space.catalog).counts()

    return mark


def of_endpoints(space: Workspace, ring: Ring) -> Mark:
    """Who answers, with what figures; curves that grow old move once a minute."""

    def mark(name: str) -> Any:
        rows = served.endpoints(space)
        versions = [(row["name"], one["version"]) for row in rows for one in [{"version": None}, *row["versions"]]]
        return rows, [ring.figures(*which) for which in versions], ring.at // 60

    return mark


def of_home(space: Workspace, ring: Ring) -> Mark:
    """How the centres are, what waits for a person, what was released."""
    return lambda name: (centres(space), troubles(ring), needs(space), space.versions())


def of_logs(space: Workspace) -> Mark:
    """How much each process, job and run has said."""
    return lambda name: {log.key: log.size() for log in logs_of(space)}


def _size(space: Workspace, job: str) -> int:
    try:
        return log_of(space, job).stat().st_size
    except FileNotFoundError:  # it has not begun, or ran elsewhere
        return 0
