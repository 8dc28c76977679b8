"""Which sources runs, artifacts and jobs come from, kept as they are made.

A source is what `collect` reads into a table of the lake, by the name of that table.  What is made of something comes
from the same sources; what comes from nothing that is known comes from UNKNOWN, so it is never taken for somebody's.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aimass.core.artifact import Manifest
from aimass.core.task import each
from aimass.store import tables as t

if TYPE_CHECKING:
    from aimass.store.catalog import Catalog

COLLECT, UNKNOWN = "collect", ""
LONGEST = 240  # letters of a name that are kept


def keep_run(link: sa.Connection, run: int, step: str, settings: Any, inputs: Any) -> None:
    """The sources of RUN, which is a task of STEP."""
    _keep(link, t.run_source, run, _of_task(link, step, settings, inputs))


def keep_artifact(link: sa.Connection, m: Manifest) -> None:
    """The sources of the artifact of M, whose run and whose parents are in the catalog already."""
    own = _collected(link, m.made_by) if m.step == COLLECT else set()
    _keep(link, t.artifact_source, m.digest, own | _of_artifacts(link, m.parents))


def keep_job(link: sa.Connection, job: int, task: Mapping[str, Any], sources: Collection[str]) -> None:
    """The sources of JOB: SOURCES, and those of TASK unless it is {}."""
    own = _of_task(link, task["step"], task.get("settings"), task.get("inputs")) if task else set()
    _keep(link, t.job_source, job, own | {_kept(name) for name in sources})


def known(catalog: Catalog) -> list[str]:
    """Every source that a run read, by name."""
    rows = catalog.rows(sa.select(t.run_source.c.source).distinct().order_by(t.run_source.c.source))
    return [row["source"] for row in rows if row["source"] != UNKNOWN]


def project_of(source: str) -> str:
    """The project whose SOURCE it is; "" where it is nobody's."""
    project, slash, _ = source.partition("/")
    return project if slash else ""


def _of_task(link: sa.Connection, step: str, settings: Any, inputs: Any) -> set[str]:
    digests: list[Any] = []
    each(inputs, digests.append)
    own = {_name_in(settings)} if step == COLLECT else set()
    return own | _of_artifacts(link, [digest for digest in digests if isinstance(digest, str)])


def _of_artifacts(link: sa.Connection, digests: Iterable[str]) -> set[str]:
    wanted, c = set(digests), t.artifact_source.c
    rows = link.execute(sa.select(c.artifact, c.source).where(c.artifact.in_(wanted))).all() if wanted else []
    return {row.source for row in rows} | ({UNKNOWN} if wanted - {row.artifact for row in rows} else set())


def _collected(link: sa.Connection, task: str) -> set[str]:
    """The name that TASK, one of `collect`, reads into."""
    query = sa.select(t.run.c.task_json).where(t.run.c.task == task).limit(1)
    return {_name_in(json.loads(text)["settings"]) for text in link.execute(query).scalars()}


def _name_in(settings: Any) -> str:
    name = settings.get("name") if isinstance(settings, Mapping) else None
    return _kept(name) if isinstance(name, str) else UNKNOWN


def _kept(name: str) -> str:
    """NAME as a database keeps it; `collect` refuses an odd one, but its run is known before."""
    plain = name.replace("\0", "").encode(errors="replace").decode()
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}..."


def _keep(link: sa.Connection, table: sa.Table, thing: Any, sources: set[str]) -> None:
    key = table.name.removesuffix("_source")
    insert: Any = (sqlite if link.dialect.name == "sqlite" else postgresql).insert(table)
    rows = [{key: thing, "source": one, "project": project_of(one)} for one in sorted(sources or {UNKNOWN})]
    link.execute(insert.on_conflict_do_nothing(), rows)
