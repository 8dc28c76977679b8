"""Aliases that are moved by hand: `flights@champion` to another version, and who moved it last."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from aimass.core.errors import InputError
from aimass.publish.names import check_alias, check_name
from aimass.store import tables as t
from aimass.store.catalog import Catalog, now

Change = dict[str, Any] | None  # {"version", "digest"}, None where the alias does not exist


class Moved(InputError):
    """The alias is not where its mover believed it to be."""


def move(
    catalog: Catalog, link: sa.Connection, name: str, alias: str, number: int, was: int | None = None
) -> tuple[Change, Change]:
    """Let NAME@ALIAS point to version NUMBER; where it pointed before, and where it does now.

    WAS is the version it is believed to point to, 0 for none: where it does not, it was moved meanwhile and stays
    (Moved).  Raises InputError for a version that is not there, and for what cannot be an alias.
    """
    check_name(name)
    check_alias(alias)
    digest = _digest(link, name, number)
    while True:
        before = _where(link, name, alias)
        _check(name, alias, before, was)
        if _done(link, _moving(catalog, f"{name}@{alias}", before, digest)):
            return before, {"version": number, "digest": digest}


def remove(link: sa.Connection, name: str, alias: str, was: int | None = None) -> Change:
    """Forget NAME@ALIAS; where it pointed, None where there was none.  Raises Moved as `move` does."""
    while True:
        before = _where(link, name, alias)
        _check(name, alias, before, was)
        if before is None or _done(link, sa.delete(t.name).where(*_still(f"{name}@{alias}", before))):
            return before


def _moving(catalog: Catalog, ref: str, before: Change, digest: str) -> sa.Executable:
    """Lets REF point to DIGEST if it still is where it was BEFORE: one statement, so nobody comes in between."""
    if before is None:
        return catalog.naming(ref, digest, replace=False)
    return sa.update(t.name).where(*_still(ref, before)).values(digest=digest, moved=now())


def _still(ref: str, before: dict[str, Any]) -> tuple[sa.ColumnElement[bool], ...]:
    return t.name.c.name == ref, t.name.c.digest == before["digest"]


def _done(link: sa.Connection, statement: sa.Executable) -> bool:
    """Whether STATEMENT found what it was to change; where not, somebody was quicker."""
    return bool(link.execute(statement, execution_options={"preserve_rowcount": True}).rowcount)


def _check(name: str, alias: str, before: Change, was: int | None) -> None:
    now = (before or {}).get("version") or 0
    if was is not None and was != now:
        there = f"points to version {now}" if now else "does not exist"
        raise Moved(f"{name}@{alias} {there} by now", expected=f"version {was}" if was else "no such alias",
                    todo="look at it again, then decide", key="was")  # fmt: skip


def _digest(link: sa.Connection, name: str, number: int) -> str:
    query = sa.select(t.version.c.digest).where(t.version.c.name == name, t.version.c.number == number)
    found = link.execute(query).scalar()
    if found is None:
        raise InputError(f"{name} has no version {number}", expected="a version of this name", key="version")
    return str(found)


def _where(link: sa.Connection, name: str, alias: str) -> Change:
    digest = link.execute(sa.select(t.name.c.digest).where(t.name.c.name == f"{name}@{alias}")).scalar()
    if digest is None:
        return None
    newest = sa.select(sa.func.max(t.version.c.number)).where(t.version.c.name == name, t.version.c.digest == digest)
    return {"version": link.execute(newest).scalar(), "digest": digest}
