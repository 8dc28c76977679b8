"""Users and what they were granted.  A change is part of the caller's transaction, and so is its audit entry."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from aimass.console.access import grants
from aimass.console.access.grants import EVERYWHERE, Grants
from aimass.console.refusals import missing, taken
from aimass.core.errors import InputError
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row, now

NAMED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,62}[A-Za-z0-9])?")


def listed(catalog: Catalog) -> list[Row]:
    """Every user by name, with grants; never a password."""
    u, held = t.user.c, grants.all_of(catalog)
    rows = catalog.rows(sa.select(u.name, u.created, u.disabled).order_by(u.name))
    return [grants.with_grants(row, held.get(row["name"], ())) for row in rows]


def found(catalog: Catalog, name: str) -> Row | None:
    """The user NAME with what is kept of the password, or None."""
    return next(iter(catalog.rows(sa.select(t.user).where(t.user.c.name == name))), None)


def any_there(catalog: Catalog) -> bool:
    """Whether there is a user at all; before, the first link is the way in."""
    return bool(catalog.rows(sa.select(t.user.c.name).limit(1)))


def checked_name(name: str) -> str:
    """Raises InputError for a NAME that no user can have."""
    if not NAMED.fullmatch(name):
        expected = "1 to 64 letters, digits and . _ @ + - within"
        raise InputError(f"a user cannot be called {name[:80]!r}", expected=expected, key="name")
    return name


def add(link: sa.Connection, name: str, password: str, given: Grants) -> Row:
    """A user NAME, with what is kept of PASSWORD.  Raises Refusal (409) where there is one, InputError for a name."""
    checked_name(name)
    if link.execute(sa.select(t.user.c.name).where(sa.func.lower(t.user.c.name) == name.lower())).first():
        raise taken(f"there is a user called {name!r}", key="name")
    created = now()
    link.execute(sa.insert(t.user).values(name=name, password=password, created=created, disabled=None))
    grants.give(link, name, given)
    return grants.with_grants({"name": name, "created": created, "disabled": None}, given)


def change(link: sa.Connection, name: str, *, given: Grants | None = None, disabled: bool | None = None,
           password: str | None = None) -> tuple[Row, Row]:  # fmt: skip
    """NAME before and after.  A new password, other grants or being disabled end the sessions there are.

    Raises Refusal: 404 when there is no such user, 409 when nobody could administer any more.
    """
    before = _locked(link, name)
    values: dict[str, Any] = {} if password is None else {"password": password}
    if disabled is not None:
        values["disabled"] = (before["disabled"] or now()) if disabled else None
    if values:
        link.execute(sa.update(t.user).where(t.user.c.name == name).values(values))
    if given is not None:
        grants.give(link, name, given)
    link.execute(sa.delete(t.session).where(t.session.c.user == name))
    _check_admins(link)
    after = before if given is None else grants.with_grants(before, given)
    return before, after if disabled is None else {**after, "disabled": values["disabled"]}


def remove(link: sa.Connection, name: str) -> Row:
    """NAME as it was.  Its sessions end, the keys it made are revoked.  Raises Refusal as `change` does."""
    before = _locked(link, name)
    link.execute(sa.delete(t.session).where(t.session.c.user == name))
    link.execute(sa.update(t.key).where(t.key.c.made_by == name, t.key.c.revoked.is_(None)).values(revoked=now()))
    link.execute(sa.delete(t.granted).where(t.granted.c.who == name))
    link.execute(sa.delete(t.user).where(t.user.c.name == name))
    _check_admins(link)
    return before


def _locked(link: sa.Connection, name: str) -> Row:
    """NAME as it is now; other changes of users wait until this transaction is over."""
    link.execute(sa.update(t.user).values(created=t.user.c.created))  # takes the lock before anything is read
    query = sa.select(t.user.c.name, t.user.c.created, t.user.c.disabled).where(t.user.c.name == name)
    row = link.execute(query).first()
    if row is None:
        raise missing(f"there is no user called {name[:80]!r}")
    return grants.with_grants(dict(row._mapping), grants.held(link, name))


def _check_admins(link: sa.Connection) -> None:
    g = t.granted.c
    query = sa.select(sa.func.count()).select_from(t.user).join(t.granted, g.who == t.user.c.name)
    admins = (g.role == "admin", g.scope == EVERYWHERE, t.user.c.disabled.is_(None))
    if not link.execute(query.where(*admins)).scalar():
        raise taken("nobody could administer any more", expected="an admin over everything who is not disabled",
                    todo="make somebody else an admin first")  # fmt: skip
