"""Keys of programs: `Authorization: Bearer aim_ID_SECRET`, each with a role of its own.  Told once, kept as a hash."""

from __future__ import annotations

import hmac
from typing import Any

import sqlalchemy as sa

from aimass.console.access.roles import EVERYWHERE, ROLES
from aimass.console.refusals import missing
from aimass.core.errors import InputError, unknown
from aimass.serve.access.keys import cut, hashed, moment, new_key
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row, now

SHOWN = ("id", "name", "made_by", "created", "expires", "revoked")


def listed(catalog: Catalog) -> list[Row]:
    """Every key, newest first, with its role; nothing of its secret."""
    return catalog.rows(_shown().order_by(t.key.c.created.desc(), t.key.c.id))


def add(link: sa.Connection, name: str, role: str, made_by: str, expires: str = "") -> tuple[Row, str]:
    """A key called NAME, and what its holder shows.  Raises InputError naming what is at fault."""
    if role not in ROLES:
        raise unknown("role", role[:80], ROLES, key="role")
    if expires and moment(expires) <= moment(now()):
        raise InputError(f"{expires} is over", expected="a time to come", key="expires")
    key, token = new_key(name, ("manage",), expires=expires)
    facts: dict[str, Any] = {"id": key.id, "name": name, "made_by": made_by, "created": now(),
                             "expires": expires or None, "revoked": None}  # fmt: skip
    link.execute(sa.insert(t.key).values(**facts, salt=key.salt, hash=key.hash))
    link.execute(sa.insert(t.granted).values(who=f"key:{key.id}", role=role, scope=EVERYWHERE))
    return {**facts, "role": role}, token


def revoke(link: sa.Connection, id: str) -> tuple[Row, Row]:
    """The key ID before and after: it opens nothing any more.  Raises Refusal (404)."""
    ending = sa.update(t.key).where(t.key.c.id == id, t.key.c.revoked.is_(None))
    ended = link.execute(ending.values(revoked=now())).rowcount == 1
    row = link.execute(_shown().where(t.key.c.id == id)).first()
    if row is None:
        raise missing(f"there is no key {id[:20]!r}")
    after = dict(row._mapping)
    return {**after, "revoked": None if ended else after["revoked"]}, after


def of(catalog: Catalog, token: str) -> Row | None:
    """The key that TOKEN is, with its role, while it opens anything."""
    id, secret = cut(token)
    query = sa.select(t.key, t.granted.c.role).join_from(t.key, t.granted, _grant()).where(t.key.c.id == id)
    row = next(iter(catalog.rows(query)), None) if id else None
    if row is None or not hmac.compare_digest(hashed(row["salt"], secret), row["hash"]):
        return None
    ends = [moment(text) for text in (row["expires"], row["revoked"]) if text]
    return None if ends and min(ends) <= moment(now()) else row


def _shown() -> sa.Select[Any]:
    return sa.select(*(t.key.c[name] for name in SHOWN), t.granted.c.role).join_from(t.key, t.granted, _grant())


def _grant() -> Any:
    return sa.and_(t.granted.c.who == sa.literal("key:") + t.key.c.id, t.granted.c.scope == EVERYWHERE)
