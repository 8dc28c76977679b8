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
from aimass.console.seen import seen_by
from aimass.console.wellbeing import centres, needs
from aimass.runner.workspace import Workspace
from aimass.store.jobs import OVER, Jobs
from aimass.store.reach import Reach
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


def within(space: Workspace, make: Callable[[Workspace], Mark]) -> Mark:
    """The marks that MAKE makes of SPACE, of topics within a reach out of what is seen of it there."""

    def mark(name: str) -> Any:
        word, _, reach = name.partition(" ")
        return make(seen_by(space, Reach.read(reach)) if reach else space)(word)

    return mark


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

    def mark(name: str) -> Any:
        versions = space.versions()
        names = {row["name"] for row in versions} if space.catalog.reach else None
        return centres(space), troubles(ring, names), needs(space), versions

    return mark


def of_logs(space: Workspace) -> Mark:
    """How much each process, job and run has said."""
    return lambda name: {log.key: log.size() for log in logs_of(space)}


def _size(space: Workspace, job: str) -> int:
    try:
        return log_of(space, job).stat().st_size
    except FileNotFoundError:  # it has not begun, or ran elsewhere
        return 0
