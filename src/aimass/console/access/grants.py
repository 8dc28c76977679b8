"""Grants: a role over everything, over a project with all its sources, or over one source.  Several of them add up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from aimass.console.access.roles import ROLES, WIDE, lesser
from aimass.core.errors import InputError, unknown
from aimass.serve.access.keys import moment
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row, now
from aimass.store.origins import project_of
from aimass.store.reach import Reach

EVERYWHERE, PROJECT, SOURCE = "*", "project:", "source:"
KEY = "key:"  # what a key holds is held by this and its id
LONGEST, MOST = 240, 100  # letters of a name; grants of one


class Grant(NamedTuple):
    """ROLE over SCOPE: `*`, `project:NAME` or `source:NAME`."""

    scope: str
    role: str

    @property
    def permissions(self) -> frozenset[str]:
        held = ROLES.get(self.role, frozenset())
        return held if self.scope == EVERYWHERE else held - WIDE


Grants = tuple[Grant, ...]


def over_all(role: str) -> Grants:
    """ROLE over everything."""
    return (Grant(EVERYWHERE, role),)


def checked(given: Iterable[tuple[str, str]]) -> Grants:
    """What is GIVEN, (scope, role), by scope.  Raises InputError for what is no role or no scope, or none at all."""
    found = tuple(sorted(Grant(*one) for one in given))
    for grant in found:
        _check(grant)
    if not 0 < len({grant.scope for grant in found}) == len(found) <= MOST:
        raise InputError(f"{len(found)} grants, or one scope twice", expected=f"1 to {MOST}, each over another scope",
                         key="grants")  # fmt: skip
    return found


def strongest(grants: Iterable[Grant]) -> str:
    """The strongest role among GRANTS, whatever it is over; "" where there is none."""
    held = {grant.role for grant in grants}
    return next((role for role in reversed(ROLES) if role in held), "")


def permissions_of(grants: Iterable[Grant]) -> frozenset[str]:
    """What somebody with GRANTS may do, to some things at least."""
    return frozenset().union(*(grant.permissions for grant in grants))


def both(some: Iterable[Grant], others: Iterable[Grant]) -> Grants:
    """What SOME and OTHERS allow both: the narrower scopes with the lesser roles."""
    others, found = tuple(others), dict[str, str]()
    for one in some:
        for other in others:
            scope = one.scope if _within(one.scope, other.scope) else other.scope
            role = lesser(one.role, other.role)
            if role and (scope == one.scope or _within(scope, one.scope)):
                found[scope] = strongest([Grant(scope, role), Grant(scope, found.get(scope, ""))])
    return tuple(sorted(Grant(*one) for one in found.items()))


def reach_of(grants: Iterable[Grant], permission: str = "", who: str = "") -> Reach | None:
    """What GRANTS give PERMISSION over (any of them, for ""), as WHO asks; None: everything."""
    scopes = [grant.scope for grant in grants if not permission or permission in grant.permissions]
    if EVERYWHERE in scopes:
        return None
    projects, sources = (
        {one.removeprefix(kind) for one in scopes if one.startswith(kind)} for kind in (PROJECT, SOURCE)
    )
    return Reach(frozenset(projects), frozenset(sources), who)


def told(grants: Iterable[Grant]) -> list[Row]:
    """GRANTS as JSON."""
    return [grant._asdict() for grant in grants]


# -- in the catalog ----------------------------------------------------------------------------------------------------


def give(link: sa.Connection, who: str, grants: Grants) -> None:
    """WHO has GRANTS from now on, and no others."""
    link.execute(sa.delete(t.granted).where(t.granted.c.who == who))
    if grants:
        link.execute(sa.insert(t.granted), [{"who": who, **grant._asdict()} for grant in grants])


def of(catalog: Catalog, who: str) -> Grants:
    """What WHO holds today: of a key never more than all hold who made it, key by key up to a user.

    Nothing once one of these keys has ended, or that user is disabled or gone.
    """
    found = mine = _own(catalog, who)
    while mine and who.startswith(KEY):
        who = _maker(catalog, who)
        mine = _own(catalog, who) if who else ()
        found = both(found, mine)
    return found


def _own(catalog: Catalog, who: str) -> Grants:
    """What was given to WHO; nothing to a user who is disabled."""
    away = sa.exists().where(t.user.c.name == who, t.user.c.disabled.is_not(None))
    return by_holder(catalog.rows(_query().where(t.granted.c.who == who, ~away))).get(who, ())


def _maker(catalog: Catalog, key: str) -> str:
    """Who made KEY; "" once that has ended."""
    k = t.key.c
    row = catalog.rows(sa.select(k.made_by, k.expires, k.revoked).where(k.id == key.removeprefix(KEY)))[0]
    ends = [moment(text) for text in (row["expires"], row["revoked"]) if text]
    return "" if ends and min(ends) <= moment(now()) else str(row["made_by"])


def held(link: sa.Connection, who: str) -> Grants:
    """What WHO holds, within a transaction."""
    return by_holder([dict(row._mapping) for row in link.execute(_query().where(t.granted.c.who == who))]).get(who, ())


def all_of(catalog: Catalog) -> dict[str, Grants]:
    """What everybody holds."""
    return by_holder(catalog.rows(_query()))


def by_holder(rows: Iterable[Row]) -> dict[str, Grants]:
    found: dict[str, Grants] = {}
    for row in rows:
        found[row["who"]] = (*found.get(row["who"], ()), Grant(row["scope"], row["role"]))
    return found


def with_grants(row: Row, grants: Grants) -> Row:
    """ROW of a user or a key with its GRANTS, and the strongest role among them."""
    return {**row, "role": strongest(grants), "grants": told(grants)}


def _query() -> sa.Select[Any]:
    g = t.granted.c
    return sa.select(g.who, g.scope, g.role).order_by(g.scope)


def _check(grant: Grant) -> None:
    if grant.role not in ROLES:
        raise unknown("role", grant.role[:80], ROLES, key="role")
    kind = next((one for one in (PROJECT, SOURCE) if grant.scope.startswith(one)), "")
    name = grant.scope.removeprefix(kind)
    odd = not name.isprintable() or len(name) > LONGEST or (kind == PROJECT and "/" in name)
    if grant.scope != EVERYWHERE and (not kind or not name or odd):
        raise InputError(f"{grant.scope[:80]!r} is no scope", expected="*, project:NAME or source:NAME", key="grants")


def _within(scope: str, other: str) -> bool:
    """Whether all that SCOPE is over OTHER is over, too."""
    project = project_of(scope.removeprefix(SOURCE)) if scope.startswith(SOURCE) else ""
    return other in (EVERYWHERE, scope) or (bool(project) and other == PROJECT + project)
