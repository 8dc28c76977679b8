"""Who changed which parameter, from what to what."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row, now

c = t.change.c


def add(link: sa.Connection, who: str, name: str, before: Any, after: Any, undoes: int | None) -> None:
    """WHO changed NAME; UNDOES is the change that is taken back, if one is."""
    facts = {"time": now(), "who": who, "name": name, "before": before, "after": after, "undoes": undoes}
    link.execute(sa.insert(t.change).values(facts))


def newest(catalog: Catalog) -> dict[str, Row]:
    """The last change of each parameter, by its name."""
    last = sa.select(sa.func.max(c.id)).group_by(c.name)
    return {row["name"]: row for row in catalog.rows(sa.select(t.change).where(c.id.in_(last)))}


def one(catalog: Catalog, id: int) -> Row | None:
    return next(iter(catalog.rows(sa.select(t.change).where(c.id == id))), None)


def page(catalog: Catalog, *, name: str = "", before: int | None = None, limit: int = 100) -> list[Row]:
    """Changes, newest first: of NAME, older than the change BEFORE."""
    query = sa.select(t.change).order_by(c.id.desc()).limit(limit)
    if name:
        query = query.where(c.name == name)
    return catalog.rows(query if before is None else query.where(c.id < before))


def measured(link: sa.Connection, id: int, found: Any) -> None:
    """Keep what was FOUND of the effect of the change ID."""
    link.execute(sa.update(t.change).where(c.id == id).values(measured=found))
