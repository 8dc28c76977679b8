"""What was done, by whom, with what was before and what is after.

A change of the catalog is written down in its own transaction (`note`).  What is done elsewhere, where no transaction
can take it back, stands there before it is done, and how it ended after it (`acting`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aimass.console.access.caller import Caller
from aimass.core.errors import AimassError, StoreError
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row, now

log = logging.getLogger("aimass.console")


def note(link: sa.Connection, by: Caller, what: str, subject: str, *, before: Any = None, after: Any = None) -> int:
    """BY has done WHAT ("users.create") to SUBJECT; BEFORE and AFTER are JSON without secrets.  The entry's number."""
    facts = {"time": now(), "who": by.name, "what": what, "subject": subject[:256], "before": before, "after": after,
             "address": by.address[:64], "request": by.request}  # fmt: skip
    key = link.execute(sa.insert(t.audit).values(facts)).inserted_primary_key
    assert key is not None
    return int(key[0])


@dataclass
class Act:
    """What is being done; AFTER is what has come of it so far, None for nothing."""

    after: Any = None


@contextmanager
def acting(
    catalog: Catalog, by: Caller, what: str, subject: str, *, before: Any = None, after: Any = None
) -> Iterator[Act]:
    """BY does WHAT to SUBJECT in here, and AFTER is what is asked for.

    The entry says {"asked": AFTER} until it is done, then AFTER, or what `Act.after` was set to; where it fails
    {"asked", "failed": why, "reached": what `Act.after` was set to}.  No transaction is open meanwhile.  Raises
    StoreError when it cannot be written down: then nothing was done, or it says that it was.
    """
    act, told = Act(), {"asked": after}
    with catalog.writing() as link:
        id = note(link, by, what, subject, before=before, after=told)
    try:
        yield act
    except Exception as error:
        why = error.what if isinstance(error, AimassError) else str(error)
        reached = {} if act.after is None else {"reached": act.after}
        try:
            _end(catalog, id, {**told, "failed": why[:500], **reached})
        except StoreError as lost:  # what went wrong is told to who asked; the entry still says what was asked for
            log.error("how %s of %s ended was not written down: %s", what, subject, lost)
        raise
    try:
        _end(catalog, id, after if act.after is None else act.after)
    except StoreError as error:
        raise StoreError(
            f"{what} of {subject} was done, but that it was could not be written down: {error.what}",
            expected=error.expected,
            todo="look whether it is as you want; then mend the catalog: aimass doctor",
        ) from error


def _end(catalog: Catalog, id: int, after: Any) -> None:
    catalog.write(sa.update(t.audit).where(t.audit.c.id == id).values(after=after))


def done() -> sa.ColumnElement[bool]:
    """Holds for entries of what was done, as far as anybody knows."""
    return sa.cast(t.audit.c.after, sa.Text).not_like('{"asked"%')


def entries(
    catalog: Catalog, *, who: str = "", what: str = "", before: int | None = None, limit: int = 100
) -> list[Row]:
    """What was done, newest first: by WHO, the WHAT that begins so, older than the entry BEFORE."""
    a = t.audit.c
    query = sa.select(t.audit).order_by(a.id.desc()).limit(limit)
    if who:
        query = query.where(a.who == who)
    if what:
        query = query.where(a.what.startswith(what, autoescape=True))
    if before is not None:
        query = query.where(a.id < before)
    return catalog.rows(query)
