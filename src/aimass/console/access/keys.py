"""Keys of programs: `Authorization: Bearer aim_ID_SECRET`, each with grants of its own.  Told once, kept as a hash."""

from __future__ import annotations

import hmac
from typing import Any

import sqlalchemy as sa

from aimass.console.access import grants
from aimass.console.access.grants import KEY, Grants
from aimass.console.refusals import missing
from aimass.core.errors import InputError
from aimass.serve.access.keys import cut, hashed, moment, new_key
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row, now

SHOWN = ("id", "name", "made_by", "created", "expires", "revoked")


def listed(catalog: Catalog) -> list[Row]:
    """Every key, newest first, with its grants; nothing of its secret."""
    held = grants.all_of(catalog)
    rows = catalog.rows(_shown().order_by(t.key.c.created.desc(), t.key.c.id))
    return [grants.with_grants(row, held.get(f"{KEY}{row['id']}", ())) for row in rows]


def add(link: sa.Connection, name: str, given: Grants, made_by: str, expires: str = "") -> tuple[Row, str]:
    """A key called NAME with the grants GIVEN, and what its holder shows.  Raises InputError naming what is at fault.

    Whatever is given, it may never do more than MADE_BY.
    """
    if expires and moment(expires) <= moment(now()):
        raise InputError(f"{expires} is over", expected="a time to come", key="expires")
    key, token = new_key(name, ("manage",), expires=expires)
    facts: dict[str, Any] = {"id": key.id, "name": name, "made_by": made_by, "created": now(),
                             "expires": expires or None, "revoked": None}  # fmt: skip
    link.execute(sa.insert(t.key).values(**facts, salt=key.salt, hash=key.hash))
    grants.give(link, f"{KEY}{key.id}", given)
    return grants.with_grants(facts, given), token


def revoke(link: sa.Connection, id: str) -> tuple[Row, Row]:
    """The key ID before and after: it opens nothing any more.  Raises Refusal (404)."""
    ending = sa.update(t.key).where(t.key.c.id == id, t.key.c.revoked.is_(None))
    ended = link.execute(ending.values(revoked=now())).rowcount == 1
    row = link.execute(_shown().where(t.key.c.id == id)).first()
    if row is None:
        raise missing(f"there is no key {id[:20]!r}")
    after = grants.with_grants(dict(row._mapping), grants.held(link, f"{KEY}{id}"))
    return {**after, "revoked": None if ended else after["revoked"]}, after


def of(catalog: Catalog, token: str) -> Row | None:
    """The key that TOKEN is, with its grants, while neither it nor a key that it comes from has ended."""
    id, secret = cut(token)
    row = next(iter(catalog.rows(sa.select(t.key).where(t.key.c.id == id))), None) if id else None
    if row is None or not hmac.compare_digest(hashed(row["salt"], secret), row["hash"]):
        return None
    held = grants.of(catalog, f"{KEY}{id}")
    return {**row, "grants": held} if held else None


def _shown() -> sa.Select[Any]:
    return sa.select(*(t.key.c[name] for name in SHOWN))
