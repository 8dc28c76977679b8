"""Facts: artifacts, runs, metrics, logs, names and versions, in SQLite (WAL) or Postgres."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from aimass.core.artifact import Manifest
from aimass.core.errors import InputError, StoreError
from aimass.core.task import Task
from aimass.store import figures, origins
from aimass.store import tables as t
from aimass.store.database import open_database, speaking

if TYPE_CHECKING:
    from aimass.store.reach import Reach

Row = dict[str, Any]


def now() -> str:
    """The time in UTC, ISO 8601 with microseconds: sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Catalog:
    """The facts at a SQLAlchemy URL.  Opening brings an older catalog up to date."""

    reach: Reach | None = None  # what of it is seen; all of it

    def __init__(self, url: str) -> None:
        self.engine = open_database(url)

    # -- one place for reading and one for writing ----------------------------------------------------------

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """The answer to QUERY.  Raises StoreError when the catalog cannot be read."""
        with speaking(self.engine), self.engine.connect() as connection:
            found = connection.execute(query)
            names = list(found.keys())
            return [dict(zip(names, row, strict=True)) for row in found.all()]  # a third of what mappings() takes

    def tuples(self, query: sa.Select[Any]) -> list[Any]:
        """As `rows`, by place or attribute (a label must be no method of tuples): for thousands of rows."""
        with speaking(self.engine), self.engine.connect() as connection:
            return list(connection.execute(query).all())

    def write(self, *statements: sa.Executable, values: list[list[Row]] | None = None) -> None:
        """Run STATEMENTS in one transaction.  Raises StoreError when the catalog cannot be written."""
        with speaking(self.engine), self.engine.begin() as connection:
            for i, statement in enumerate(statements):
                connection.execute(statement, values[i]) if values else connection.execute(statement)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction: all of what is done in it stays, or none.  Raises StoreError as `write` does."""
        with speaking(self.engine), self.engine.begin() as connection:
            yield connection

    def _upsert(self, table: sa.Table, keys: list[str], replace: bool = True) -> Any:
        insert: Any = (sqlite if self.engine.dialect.name == "sqlite" else postgresql).insert(table)
        if not replace:
            return insert.on_conflict_do_nothing(index_elements=keys)
        changed = {c.name: insert.excluded[c.name] for c in table.c if c.name not in keys}
        return insert.on_conflict_do_update(index_elements=keys, set_=changed)

    # -- artifacts ------------------------------------------------------------------------------------------

    def add_artifact(self, m: Manifest) -> None:
        facts = {"digest": m.digest, "kind": m.kind, "step": m.step, "task": m.made_by, "facts": m.facts,
                 "size": m.size, "created": m.created, "package": m.version}  # fmt: skip
        parents = [{"child": m.digest, "parent": p} for p in dict.fromkeys(m.parents)]
        with self.writing() as link:
            link.execute(self._upsert(t.artifact, ["digest"], replace=False).values(facts))
            if parents:
                link.execute(self._upsert(t.parent, ["child", "parent"], replace=False).values(parents))
            origins.keep_artifact(link, m)

    def artifacts(self, kind: str | None = None, limit: int = 100) -> list[Row]:
        query = sa.select(t.artifact).order_by(t.artifact.c.created.desc(), t.artifact.c.digest.desc()).limit(limit)
        return self.rows(query.where(t.artifact.c.kind == kind) if kind else query)

    def artifact(self, digest: str) -> Row | None:
        return next(iter(self.rows(sa.select(t.artifact).where(t.artifact.c.digest == digest))), None)

    def parents(self, digest: str) -> list[str]:
        query = sa.select(t.parent.c.parent).where(t.parent.c.child == digest).order_by(t.parent.c.parent)
        return [row["parent"] for row in self.rows(query)]

    def digests_starting(self, prefix: str) -> list[str]:
        column = t.artifact.c.digest
        query = sa.select(column).where(column >= prefix, column < prefix + "g").limit(3)  # digests are hex
        return [row["digest"] for row in self.rows(query)]

    # -- runs -----------------------------------------------------------------------------------------------

    def start_run(self, task: Task, state: str = "running", output: str | None = None) -> str:
        facts = {"task": task.digest, "step": task.step, "label": task.label, "task_json": task.to_json(),
                 "state": state, "started": now(), "host": socket.gethostname(), "pid": os.getpid(),
                 "output": output, "ended": now() if output else None}  # fmt: skip
        with self.writing() as link:
            key = link.execute(sa.insert(t.run).values(facts)).inserted_primary_key
            assert key is not None
            origins.keep_run(link, int(key[0]), task.step, task.settings, task.inputs)
        return str(key[0])

    def end_run(self, run: str, state: str, *, output: str | None = None, error: Row | None = None) -> None:
        change = sa.update(t.run).where(t.run.c.id == int(run))
        self.write(change.values(state=state, ended=now(), output=output, error=error))

    def close_run(self, run: str, error: Row, state: str = "failed") -> None:
        """Mark RUN failed unless it has said how it ended itself: its process died without a word."""
        change = sa.update(t.run).where(t.run.c.id == int(run), t.run.c.state.in_(("running", "stopping")))
        self.write(change.values(state=state, ended=now(), error=error))

    def bury(self, task: str) -> None:
        """Mark runs of TASK that a kill left "running" on this machine as failed.  The caller holds the task's lock,
        which says nothing of other machines."""
        error = {"error": "its process was killed", "type": "TaskFailed"}
        mine = (t.run.c.task == task, t.run.c.host == socket.gethostname())
        change = sa.update(t.run).where(*mine, t.run.c.state.in_(("running", "stopping")))
        self.write(change.values(state="failed", ended=now(), error=error))

    def stop_run(self, run: str) -> None:
        """Ask a running task to stop: its next `report` raises Stopped."""
        change = sa.update(t.run).where(t.run.c.id == int(run), t.run.c.state == "running")
        self.write(change.values(state="stopping"))

    def run_row(self, run: str) -> Row:
        found = self.rows(sa.select(t.run).where(t.run.c.id == int(run))) if run.isdigit() else []
        if not found:
            raise InputError(f"no run {run!r}", expected="the number of a run", todo="see: aimass ls runs")
        return {**found[0], "id": str(found[0]["id"])}

    def runs(self, limit: int = 100) -> list[Row]:
        query = sa.select(t.run).order_by(t.run.c.id.desc()).limit(limit)
        return [{**row, "id": str(row["id"])} for row in self.rows(query)]

    def finished(self, task: str) -> str | None:
        """The artifact of the newest finished run of TASK."""
        query = sa.select(t.run.c.output).where(t.run.c.task == task, t.run.c.state == "finished")
        found = self.rows(query.order_by(t.run.c.id.desc()).limit(1))
        return found[0]["output"] if found else None

    # -- metrics and logs -----------------------------------------------------------------------------------

    def add_metrics(self, run: str, points: list[tuple[str, float | None, float]]) -> None:
        """POINTS are (name, at, value), oldest first."""
        stamp = time.time()
        rows = [{"run": int(run), "name": n, "at": at, "value": v, "time": stamp} for n, at, v in points]
        if rows:
            with self.writing() as link:
                link.execute(sa.insert(t.metric), rows)
                figures.keep(link, rows)

    def latest(self, run: str) -> dict[str, float]:
        """The newest value of each figure that RUN itself reported; what its machine did is in `history`."""
        where = (t.latest.c.run == int(run), figures.of_work(t.latest.c.name))
        query = sa.select(t.latest.c.name, t.latest.c.value).where(*where)
        return {row["name"]: row["value"] for row in self.rows(query.order_by(t.latest.c.name))}

    def metrics(self, run: str, name: str) -> list[Row]:
        query = sa.select(t.metric.c.at, t.metric.c.value, t.metric.c.time)
        found = query.where(t.metric.c.run == int(run), t.metric.c.name == name).order_by(t.metric.c.id)
        return self.rows(found)

    def history(self, run: str) -> dict[str, list[tuple[float | None, float, float]]]:
        """Every metric of RUN by name: (at, value, time), oldest first."""
        columns = (t.metric.c.name, t.metric.c.at, t.metric.c.value, t.metric.c.time)
        query = sa.select(*columns).where(t.metric.c.run == int(run)).order_by(t.metric.c.id)
        found: dict[str, list[tuple[float | None, float, float]]] = {}
        with speaking(self.engine), self.engine.connect() as connection:
            for name, at, value, time in connection.execute(query):
                found.setdefault(name, []).append((at, value, time))
        return found

    def add_log(self, run: str, text: str) -> None:
        self.write(sa.insert(t.log).values(run=int(run), time=now(), text=text))

    def logs(self, run: str) -> list[Row]:
        query = sa.select(t.log.c.time, t.log.c.text).where(t.log.c.run == int(run))
        return self.rows(query.order_by(t.log.c.id))

    # -- names and versions ---------------------------------------------------------------------------------

    def set_name(self, name: str, digest: str) -> None:
        self.write(self.naming(name, digest))

    def naming(self, name: str, digest: str, replace: bool = True) -> sa.Executable:
        """The statement that lets NAME point to DIGEST, for a transaction of several; REPLACE where it is."""
        statement: sa.Executable = self._upsert(t.name, ["name"], replace).values(name=name, digest=digest, moved=now())
        return statement

    def find_name(self, name: str) -> str | None:
        found = self.rows(sa.select(t.name.c.digest).where(t.name.c.name == name))
        return found[0]["digest"] if found else None

    def names(self) -> list[Row]:
        return self.rows(sa.select(t.name).order_by(t.name.c.name))

    def names_of(self, digest: str) -> list[str]:
        """Every name that points to DIGEST."""
        return [row["name"] for row in self.rows(sa.select(t.name.c.name).where(t.name.c.digest == digest))]

    def add_version(self, name: str, digest: str) -> int:
        """The number of DIGEST as a version of NAME; the newest version's own number when it is the same."""
        for _ in range(100):
            newest = self.versions(name)[-1:]
            if newest and newest[0]["digest"] == digest:
                return int(newest[0]["number"])
            number = newest[0]["number"] + 1 if newest else 1
            try:
                self.write(sa.insert(t.version).values(name=name, number=number, digest=digest, created=now()))
                return int(number)
            except IntegrityError:  # another program took the number between reading and writing
                continue
        raise StoreError(f"no version number could be had for {name}", todo="try again")

    def versions(self, name: str | None = None) -> list[Row]:
        query = sa.select(t.version).order_by(t.version.c.name, t.version.c.number)
        return self.rows(query.where(t.version.c.name == name) if name else query)
