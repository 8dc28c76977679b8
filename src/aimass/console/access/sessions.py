"""Sessions: a random token in a cookie, of which the catalog keeps a hash; a new one at each sign-in."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import sqlalchemy as sa

from aimass.console.access import grants
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

LASTS = timedelta(hours=12)
COOKIE = "aimass_session"
LONGEST = 100  # letters of a token


def after(span: timedelta) -> str:
    """The time in SPAN from now, as the catalog writes it."""
    return (datetime.now(UTC) + span).isoformat(timespec="microseconds")


def hashed(token: str) -> str:
    """What is kept of TOKEN: 256 random bits need no slow hash."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def cookie_of(name: str, host: str) -> str:
    """What the cookie NAME is called at HOST, as a request says it.

    Cookies know no ports: two consoles of one machine would sign each other out.
    """
    port = host.rpartition(":")[2]
    return f"{name}_{port}" if port.isascii() and port.isdecimal() else name


def csrf_of(token: str) -> str:
    """What a page shows besides the cookie to prove that it could read an answer of ours; bound to the session."""
    return sha256(f"csrf:{token}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def begin(link: sa.Connection, user: str, old: str = "", lasts: timedelta = LASTS) -> str:
    """The token of a new session of USER, which LASTS so long.

    The session of the token OLD ends: nobody goes on with one he was given.
    """
    token, now = secrets.token_urlsafe(32), after(timedelta())
    link.execute(sa.delete(t.session).where((t.session.c.expires <= now) | (t.session.c.id == hashed(old))))
    facts = {"id": hashed(token), "user": user, "created": now, "expires": after(lasts)}
    link.execute(sa.insert(t.session).values(facts))
    return token


def end(link: sa.Connection, id: str) -> None:
    """The session ID opens nothing any more."""
    link.execute(sa.delete(t.session).where(t.session.c.id == id))


def of(catalog: Catalog, id: str) -> Row | None:
    """The session ID with its user's grants, if it has not ended and the user may still come in."""
    s, u = t.session, t.user
    query = sa.select(s.c.id, s.c.user, s.c.expires).join_from(s, u, u.c.name == s.c.user)
    rows = catalog.rows(query.where(s.c.id == id, u.c.disabled.is_(None), s.c.expires > after(timedelta())))
    held = grants.of(catalog, rows[0]["user"]) if rows else ()
    return {**rows[0], "grants": held} if held else None
