"""The place where a request meets the rights: each route names the permission it needs and whose things it is about,
or says that it needs none.

A cookie is not enough to change anything: the page shows `x-csrf-token`, too.  A key is, since no browser sends one by
itself.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

from fastapi import Depends
from fastapi.dependencies.models import Dependant
from starlette.requests import HTTPConnection

from aimass.console.access import keys, sessions
from aimass.console.access.caller import Caller
from aimass.console.access.grants import KEY, both, over_all, strongest
from aimass.console.access.roles import PERMISSIONS, WIDE, is_less, roles_with
from aimass.console.access.whose import Whose
from aimass.console.place import NARROWED, place_of
from aimass.console.refusals import Refusal

SAFE = ("GET", "HEAD", "OPTIONS")
VIEW = "aimass_view"  # the cookie with the role that somebody wants to see the console as


def needs(permission: str, of: Whose | None = None) -> Any:
    """A parameter of a route: the Caller, who holds PERMISSION over what the route is about.

    OF is left out where only a grant over everything gives PERMISSION.
    """
    assert permission in PERMISSIONS, permission

    def check(request: HTTPConnection) -> Caller:
        caller = caller_of(request)
        check_held(caller, permission)
        if of is not None:
            _narrow(request, caller, permission, of)
        return caller

    check.rule, check.whose = permission, of  # type: ignore[attr-defined]
    return Depends(check)


def check_held(caller: Caller, permission: str) -> None:
    """Raises Refusal (403) where CALLER lacks PERMISSION over whatever there is."""
    if permission not in caller.permissions:
        raise forbidden(caller, permission)


def forbidden(caller: Caller, permission: str, over: str = "", what: str = "", todo: str = "") -> Refusal:
    """403: CALLER lacks PERMISSION, which admins grant; OVER what, where CALLER holds it over other things."""
    over = over or ("everything" if permission in WIDE and caller.reach() is not None else "")
    expected = f"the permission {permission}: {PERMISSIONS[permission]}" + (f"; over {over}" if over else "")
    return Refusal(403, what or f"{caller.name} may not do this", expected=expected, todo=todo or "ask an admin for it",
                   permission=permission, granted_by=roles_with(permission))  # fmt: skip


def _narrow(request: HTTPConnection, caller: Caller, permission: str, of: Whose) -> None:
    """From here on REQUEST finds what CALLER holds PERMISSION over, and nothing else.

    Raises Refusal (403) for a thing that CALLER sees, but by another grant.
    """
    place, mine, seen = place_of(request), caller.reach(permission), caller.reach()
    if mine is None:
        return
    narrowed, path = place.seen_by(mine), request.path_params
    if mine != seen and not of.is_in(narrowed.catalog, path):
        whole = place if seen is None else place.seen_by(seen)
        if of.is_in(whole.catalog, path):
            raise forbidden(caller, permission, f"this {of.name}")
    request.scope[NARROWED] = narrowed


def anybody(why: str) -> Any:
    """A parameter of a route that is open to all, because of WHY: a Caller without a name."""

    def stranger(request: HTTPConnection) -> Caller:
        return stranger_of(request)

    stranger.rule = f"anybody: {why}"  # type: ignore[attr-defined]
    return Depends(stranger)


def rule_of(dependant: Dependant) -> str | None:
    """What the route with this DEPENDANT was declared to need; None where nobody said."""
    rules = [getattr(one.call, "rule", None) for one in dependant.dependencies]
    return next((rule for rule in rules if rule is not None), None)


def whose_of(dependant: Dependant) -> Whose | None:
    """Whose things the route with this DEPENDANT is about; None where nobody said."""
    found = [getattr(one.call, "whose", None) for one in dependant.dependencies]
    return next((whose for whose in found if whose is not None), None)


def stranger_of(request: HTTPConnection) -> Caller:
    """Who sends REQUEST, as far as a stranger is known."""
    return Caller("", address=request.client.host if request.client else "", request=request.scope["aimass.request"])


def caller_of(request: HTTPConnection) -> Caller:
    """Who sends REQUEST.  Raises Refusal: 401 for nobody, 403 for a change without the token of the page."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _by_key(request, token.strip())
    caller = by_session(request)
    if request.scope["type"] == "http" and request.scope["method"] not in SAFE:
        shown = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(shown.encode(), caller.csrf.encode()):
            raise Refusal(403, "this change was not asked for by a page of ours", expected="the header x-csrf-token",
                          todo="load the page again", permission="self", granted_by=[])  # fmt: skip
    return caller


def _by_key(request: HTTPConnection, token: str) -> Caller:
    row = keys.of(place_of(request).catalog, token)
    if row is None:
        raise Refusal(401, "the key is not known, or has ended", headers={"www-authenticate": 'Bearer realm="aimass"'})
    return replace(stranger_of(request), name=f"{KEY}{row['id']}", grants=row["grants"], expires=row["expires"] or "")


def by_session(request: HTTPConnection) -> Caller:
    """Who sends REQUEST by its cookie.  Raises Refusal (401)."""
    token = token_of(request)
    row = sessions.of(place_of(request).catalog, sessions.hashed(token)) if token else None
    if row is None:
        raise Refusal(401, "nobody is signed in", todo="sign in")
    wished, own = request.cookies.get(name_of(VIEW, request), ""), row["grants"]
    lesser = is_less(wished, strongest(own))  # it takes rights away and gives none, so anybody may wish it
    known = {"session": row["id"], "csrf": sessions.csrf_of(token), "expires": row["expires"]}
    grants = both(own, over_all(wished)) if lesser else own
    return replace(stranger_of(request), name=row["user"], grants=grants, own=own, **known)


def token_of(request: HTTPConnection) -> str:
    """What the cookie of REQUEST holds; "" for none."""
    return request.cookies.get(name_of(sessions.COOKIE, request), "")[: sessions.LONGEST]


def name_of(cookie: str, request: HTTPConnection) -> str:
    """What COOKIE is called where REQUEST was sent to."""
    return sessions.cookie_of(cookie, request.headers.get("host", ""))
