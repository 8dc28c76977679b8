"""The catalog as somebody sees it who may see some projects and sources only.

Every question is asked of the tables as far as they are theirs: a table expression of the same name stands before each
question, so that no list, no count and no lineage can forget it, and the database filters.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row


@dataclass(frozen=True)
class Reach:
    """PROJECTS with all their sources, and SOURCES by themselves.  In the audit WHO finds what WHO did, too.

    A thing is within reach when every source that it comes from is.
    """

    projects: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    who: str = ""

    def written(self) -> str:
        """As one word of a name; equal for equal projects and sources."""
        return json.dumps([sorted(self.projects), sorted(self.sources)], separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Reach:
        projects, sources = json.loads(text)
        return cls(frozenset(projects), frozenset(sources))

    def holds(self, project: str, source: str) -> bool:
        return project in self.projects or source in self.sources

    def covers(self, origins: sa.Table, thing: Any) -> sa.ColumnElement[bool]:
        """SQL: whether the THING of which ORIGINS tells is within reach."""
        its = origins.c[origins.name.removesuffix("_source")] == thing
        given = ((origins.c.project, self.projects), (origins.c.source, self.sources))
        within = sa.or_(sa.false(), *(column.in_(sorted(names)) for column, names in given if names))
        return sa.exists().where(its, within) & ~sa.exists().where(its, sa.not_(within))


class Seen(Catalog):
    """What REACH leaves of the catalog WHOLE.  What is written is written as ever: look before."""

    def __init__(self, whole: Catalog, reach: Reach) -> None:
        self.engine, self.reach = whole.engine, reach
        self._before = _before(reach, whole.engine.dialect.name)

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        return super().rows(query.add_cte(*self._before))


@lru_cache(maxsize=256)  # to make them takes longer than a question
def _before(reach: Reach, dialect: str) -> list[sa.CTE]:
    """What stands before each question within REACH."""
    tables = _real(dialect)
    return [sa.select(tables[name]).where(which).cte(name).prefix_with("NOT MATERIALIZED")
            for name, which in _conditions(reach, tables).items()]  # fmt: skip


@cache
def _real(dialect: str) -> dict[str, sa.Table]:
    """The tables themselves: SQLite takes a name within its own expression for that expression, unless a schema says
    otherwise."""
    apart, tables = sa.MetaData(), t.metadata.sorted_tables
    if dialect == "sqlite":
        return {table.name: table.to_metadata(apart, schema="main") for table in tables}
    return {table.name: table.to_metadata(apart) for table in tables}


def _conditions(reach: Reach, real: dict[str, sa.Table]) -> dict[str, sa.ColumnElement[bool]]:
    """By table, which of its rows are within REACH.  Figures are always asked for by the number of a run."""
    version, other = real["version"].c, real["version"].alias("other")
    beyond = sa.not_(reach.covers(t.artifact_source, other.c.digest))
    return {
        "run": reach.covers(t.run_source, real["run"].c.id),
        "log": reach.covers(t.run_source, real["log"].c.run),
        "artifact": reach.covers(t.artifact_source, real["artifact"].c.digest),
        "parent": reach.covers(t.artifact_source, real["parent"].c.child),
        "name": reach.covers(t.artifact_source, real["name"].c.digest),
        "version": ~sa.exists().where(other.c.name == version.name, beyond),
        "job": reach.covers(t.job_source, real["job"].c.id),
        "audit": _audited(reach, real),
    }


def _audited(reach: Reach, real: dict[str, sa.Table]) -> sa.ColumnElement[bool]:
    """Entries of what is within REACH, and what WHO did."""
    a = real["audit"].c
    run, job, other = real["run"].alias("audited"), real["job"].alias("asked"), real["version"].alias("named")
    runs, jobs = reach.covers(t.run_source, run.c.id), reach.covers(t.job_source, job.c.id)
    begin = sa.func.substr(a.subject, 1, sa.func.length(other.c.name) + 1)  # LIKE takes A for a in SQLite
    named = (a.subject == other.c.name) | (begin == other.c.name + "@")
    uncovered = sa.not_(reach.covers(t.artifact_source, other.c.digest))
    models = sa.exists().where(named) & ~sa.exists().where(named, uncovered)
    return (
        (a.who == reach.who)
        | (a.what.startswith("runs.") & sa.exists().where(sa.cast(run.c.id, sa.String) == a.subject, runs))
        | (a.what.startswith("jobs.") & sa.exists().where(sa.cast(job.c.id, sa.String) == a.subject, jobs))
        | (a.what.startswith("datasets.") & reach.covers(t.artifact_source, a.subject))
        | ((a.what.startswith("models.") | a.what.startswith("endpoints.")) & models)
    )
