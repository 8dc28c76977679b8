"""The queue of jobs: asked for, taken by one worker at a time, ended; what a kill leaves is taken up again.

A worker has a job for as long as its lease lasts, and says again and again that it still works on it.  A worker that
was killed says nothing more, so another one takes the job; what the first one might still write is refused, because
every change names its holder.  Leases are told by the clocks of the machines: these may differ by less than LEASE.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import sqlalchemy as sa

from aimass.core.errors import InputError, TaskFailed
from aimass.store import origins
from aimass.store.catalog import Catalog, Row, now
from aimass.store.database import speaking
from aimass.store.tables import job as t

LEASE = 20.0  # seconds that a job stays with a worker that says nothing
TRIES = 3  # of workers that died with it: a job that kills its machine is not begun for ever

QUEUED, RUNNING, CANCELLING = "queued", "running", "cancelling"
CANCELLED, FINISHED, FAILED = "cancelled", "finished", "failed"
OVER = (CANCELLED, FINISHED, FAILED)
PROJECT, TASK, EXPORT, IMPORT = "project", "task", "export", "import"
KINDS = (PROJECT, TASK, EXPORT, IMPORT)

Note = Callable[[sa.Connection, Row], None]  # writes down, in the same transaction, what was done


def _unnoted(link: sa.Connection, row: Row) -> None:
    """Nobody keeps a book."""


class Jobs:
    """The jobs of CATALOG, by the CLOCK (seconds since 1970)."""

    def __init__(self, catalog: Catalog, clock: Callable[[], float] = time.time) -> None:
        self.catalog, self.clock = catalog, clock

    # -- for those who ask ------------------------------------------------------------------------------------

    def ask(
        self, kind: str, work: Any, *, label: str = "", who: str = "", note: Note = _unnoted, run: int | None = None,
        sources: Collection[str] = (), link: sa.Connection | None = None,
    ) -> Row:  # fmt: skip
        """Put a job at the end of the queue: WORK is the JSON of a project, which reads SOURCES, or of a task, which
        carries on RUN.

        In the transaction of LINK, or in one of its own.
        """
        if kind not in KINDS:
            raise InputError(f"a job of kind {kind!r}", expected=" or ".join(KINDS), key="kind")
        facts = {"kind": kind, "label": label[:256], "work": json.dumps(work), "state": QUEUED, "who": who,
                 "asked": now(), "tries": 0, "run": run}  # fmt: skip
        with self._writing(link) as link:
            key = link.execute(sa.insert(t).values(facts)).inserted_primary_key
            assert key is not None
            origins.keep_job(link, int(key[0]), work if kind == TASK else {}, sources)
            row = _row(link, str(key[0]))
            note(link, row)
        return row

    def row(self, job: str) -> Row:
        """The job of this number.  Raises InputError."""
        return _first(self.catalog.rows(sa.select(t).where(t.c.id == _number(job))), job)

    def rows(self, limit: int = 100, *, before: str = "", state: str = "", kinds: Collection[str] = KINDS) -> list[Row]:
        """The newest jobs first, of one STATE or all, of KINDS; BEFORE goes on behind a job of this number."""
        query = sa.select(t).where(t.c.kind.in_(kinds)).order_by(t.c.id.desc()).limit(limit)
        query = query.where(t.c.id < _number(before)) if before else query
        return [_read(row) for row in self.catalog.rows(query.where(t.c.state == state) if state else query)]

    def among(self, numbers: Collection[int]) -> list[int]:
        """Those of NUMBERS that are jobs."""
        return [row["id"] for row in self.catalog.rows(sa.select(t.c.id).where(t.c.id.in_(numbers)))]

    def counts(self) -> dict[str, int]:
        """How many jobs there are of each state."""
        query = sa.select(t.c.state, sa.func.count().label("jobs")).group_by(t.c.state)
        return {row["state"]: row["jobs"] for row in self.catalog.rows(query)}

    def cancel(self, job: str, note: Note = _unnoted) -> Row:
        """End JOB: at once where nobody works on it, else its worker stops it; checkpoints stay.

        Raises InputError when it has ended otherwise.
        """
        with self.catalog.writing() as link:
            at = t.c.id == _number(job)
            waits = sa.case((t.c.state == QUEUED, CANCELLED), else_=CANCELLING)
            ended = sa.case((t.c.state == QUEUED, now()), else_=None)
            changed = link.execute(
                sa.update(t).where(at, t.c.state.in_((QUEUED, RUNNING))).values(state=waits, ended=ended)
            )
            row = _row(link, job)
            if row["state"] in (FINISHED, FAILED):
                raise InputError(
                    f"job {job} has {row['state']}", expected="a job that is queued or running", key="state"
                )
            if changed.rowcount:
                note(link, row)
        return row

    def resume(self, job: str, note: Note = _unnoted, link: sa.Connection | None = None) -> Row:
        """Queue JOB again: finished steps are reused, training goes on from its checkpoint.

        Raises InputError unless it was cancelled or has failed.
        """
        fresh = {"state": QUEUED, "tries": 0, "ended": None, "error": None}
        with self._writing(link) as link:
            at = t.c.id == _number(job)
            changed = link.execute(sa.update(t).where(at, t.c.state.in_((CANCELLED, FAILED))).values(fresh))
            row = _row(link, job)
            if not changed.rowcount:
                raise InputError(f"job {job} is {row['state']}", expected="a job that was cancelled or has failed",
                                 todo="ask for a new one" if row["state"] == FINISHED else "", key="state")  # fmt: skip
            note(link, row)
        return row

    def _writing(self, link: sa.Connection | None) -> AbstractContextManager[sa.Connection]:
        return self.catalog.writing() if link is None else nullcontext(link)

    # -- for workers ------------------------------------------------------------------------------------------

    def claim(self, holder: str, seconds: float = LEASE) -> Row | None:
        """The oldest job that nobody works on: HOLDER's for so many SECONDS.  None when there is none."""
        self._bury()
        free = sa.or_(t.c.state == QUEUED, sa.and_(t.c.state == RUNNING, t.c.lease < self.clock()))
        while found := self.catalog.rows(sa.select(t.c.id).where(free).order_by(t.c.id).limit(1)):
            taken = {"state": RUNNING, "holder": holder, "lease": self.clock() + seconds, "started": now()}
            if self._change(t.c.id == found[0]["id"], free, tries=t.c.tries + 1, **taken):
                return self.row(str(found[0]["id"]))
        return None

    def beat(self, job: str, holder: str, seconds: float = LEASE) -> str:
        """HOLDER still works on JOB: its state, "" when it is not HOLDER's any more."""
        mine = self._change(*self._held(job, holder), lease=self.clock() + seconds)
        return str(self.row(job)["state"]) if mine else ""

    def at_run(self, job: str, holder: str, run: str) -> None:
        """JOB has begun RUN."""
        self._change(*self._held(job, holder), run=int(run))

    def end(self, job: str, holder: str, state: str, *, outcome: Any = None, error: Row | None = None) -> bool:
        """JOB has ended as STATE says; whether it was HOLDER's to say so."""
        told = {"state": state, "ended": now(), "holder": None, "lease": None, "outcome": outcome, "error": error}
        return self._change(*self._held(job, holder), **told)

    def put_back(self, job: str, holder: str) -> bool:
        """HOLDER leaves and JOB waits for another; one that was to be cancelled is."""
        if self._change(*self._held(job, holder), t.c.state == CANCELLING, state=CANCELLED, ended=now(), holder=None):
            return True
        waits = {"state": QUEUED, "holder": None, "lease": None, "tries": t.c.tries - 1}
        return self._change(*self._held(job, holder), **waits)

    def held(self) -> list[Row]:
        """Jobs that workers have."""
        return [_read(row) for row in self.catalog.rows(sa.select(t).where(t.c.state.in_((RUNNING, CANCELLING))))]

    def forfeit(self, job: str, holder: str) -> None:
        """HOLDER is known to be dead: nobody need wait for its lease on JOB to end."""
        self._change(*self._held(job, holder), lease=0.0)

    def _bury(self) -> None:
        """What dead workers left and is not to be begun again: cancelled while they died, or their death too often."""
        dead = t.c.lease < self.clock()
        self._change(t.c.state == CANCELLING, dead, state=CANCELLED, ended=now(), holder=None)
        error = TaskFailed(
            f"its worker died {TRIES} times while it worked on this", todo="look at its log, then resume"
        )
        over = {"state": FAILED, "ended": now(), "holder": None, "error": error.as_json()}
        self._change(t.c.state == RUNNING, dead, t.c.tries >= TRIES, **over)

    def _held(self, job: str, holder: str) -> tuple[Any, ...]:
        return t.c.id == int(job), t.c.holder == holder, t.c.state.in_((RUNNING, CANCELLING))

    def _change(self, *where: Any, **values: Any) -> bool:
        """Whether a row was where it was to be, and is changed."""
        with speaking(self.catalog.engine), self.catalog.engine.begin() as connection:
            return bool(connection.execute(sa.update(t).where(*where).values(values)).rowcount)


def _number(text: str) -> int:
    """The number that TEXT is, -1 for none: no job has it."""
    return int(text) if text.isdecimal() and len(text) < 19 else -1  # no database knows longer ones


def _row(link: sa.Connection, job: str) -> Row:
    found = link.execute(sa.select(t).where(t.c.id == _number(job))).mappings()
    return _first([dict(row) for row in found], job)


def _first(found: list[Row], job: str) -> Row:
    if not found:
        raise InputError(f"no job {job!r}", expected="the number of a job", todo="see: aimass status")
    return _read(found[0])


def _read(row: Row) -> Row:
    run = None if row["run"] is None else str(row["run"])
    return {**row, "id": str(row["id"]), "run": run, "work": json.loads(row["work"])}
