"""What was done, by whom, with what was before and what is after; written in the transaction of the change itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from aimass.console.access.caller import Caller
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row, now


def note(link: sa.Connection, by: Caller, what: str, subject: str, *, before: Any = None, after: Any = None) -> None:
    """BY has done WHAT ("users.create") to SUBJECT; BEFORE and AFTER are JSON without secrets."""
    facts = {"time": now(), "who": by.name, "what": what, "subject": subject[:256], "before": before, "after": after,
             "address": by.address[:64], "request": by.request}  # fmt: skip
    link.execute(sa.insert(t.audit).values(facts))


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
