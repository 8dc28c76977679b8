"""Who one is, signing in and out, and the link of the first start."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from aimass.console.access import audit, links, passwords, sessions, users
from aimass.console.access.caller import Caller
from aimass.console.access.grants import both, over_all, told
from aimass.console.access.roles import is_less
from aimass.console.access.who import VIEW, anybody, name_of, needs, token_of
from aimass.console.access.whose import NOBODYS
from aimass.console.api.bodies import PROBLEMS, Body, Grant, Name, Password, Role, Token
from aimass.console.place import Place, place_of
from aimass.console.refusals import Refusal
from aimass.core.errors import InputError

router = APIRouter(prefix="/api/v1", tags=["session"], responses=PROBLEMS)


class Me(BaseModel):
    """Who one is and what one may do; `csrf` is the header x-csrf-token of every change.

    `role` is the strongest of `grants`, whatever it is over, and a lesser one than `own_role` where one sees the
    console as others do. `permissions` are what one may do to some things at least: those that `grants` are over.
    """

    user: str
    role: str
    own_role: str
    grants: list[Grant]
    permissions: list[str]
    csrf: str
    expires: str


class SignIn(Body):
    """A user and the password."""

    name: Name
    password: Password


class FirstUser(SignIn):
    """The token of the first link, and who one wants to be."""

    token: Token


class View(Body):
    """The role to see the console as; null: one's own."""

    role: Role | None


class NewPassword(Body):
    """The password of today and the one of tomorrow."""

    old: Password
    new: Password


@router.get("/me", response_model=Me)
def me(caller: Caller = needs("self", of=NOBODYS)) -> Any:
    """Who you are and what you may do."""
    return _me(caller)


@router.post("/session", response_model=Me)
async def sign_in(request: Request, body: SignIn, stranger: Caller = anybody("it is the way in")) -> Response:
    """Sign in: a new session in a cookie.  Ends the session that the cookie held before."""
    place = place_of(request)
    _count(place, body.name, stranger)
    user = await run_sync(users.found, place.catalog, body.name)
    kept = user["password"] if user else passwords.nobodys()
    good = await run_sync(passwords.matches, body.password, kept, limiter=place.hashing)
    if user is None or not good or user["disabled"]:
        await run_sync(_refused, place, body.name, stranger)
        raise Refusal(401, "the name or the password is wrong", todo="try again, or ask an admin for a new password")
    place.attempts.succeeded(body.name, stranger.address)
    return await run_sync(_begin, request, user["name"], stranger)


@router.post("/session/link", response_model=Me, status_code=201)
async def first_user(
    request: Request, body: FirstUser, stranger: Caller = anybody("it is the first way in")
) -> Response:
    """Make the first user, an admin, with the link that the first start has printed; and sign in."""
    place = place_of(request)
    _count(place, "", stranger)
    users.checked_name(body.name)
    kept = await run_sync(passwords.hashed, body.password, limiter=place.hashing)
    await run_sync(_first, place, body, kept, stranger)
    place.attempts.succeeded("", stranger.address)
    return await run_sync(_begin, request, body.name, stranger, 201)


@router.post("/me/view", response_model=Me)
def view(request: Request, body: View, caller: Caller = needs("self", of=NOBODYS)) -> Response:
    """See the console as a lesser role does, until you say otherwise; only what that role may is done."""
    if not caller.session:
        raise Refusal(403, "a key sees as it is", permission="self", granted_by=[])
    if body.role not in (None, caller.own_role) and not is_less(str(body.role), caller.own_role):
        raise InputError(f"{caller.own_role} is no more than {body.role}", expected="a role that may less", key="role")
    role = body.role or caller.own_role
    grants = both(caller.own, over_all(role)) if body.role else caller.own
    with place_of(request).catalog.writing() as link:
        audit.note(link, caller, "session.view", caller.name, before=caller.role, after=role)
    response = JSONResponse(_me(replace(caller, grants=grants)))
    if role == caller.own_role:
        _drop(response, request, VIEW)
    else:
        _put(response, request, VIEW, role)
    return response


@router.delete("/session", status_code=204)
def sign_out(request: Request, caller: Caller = needs("self", of=NOBODYS)) -> Response:
    """Sign out: the session ends, here and in every tab."""
    with place_of(request).catalog.writing() as link:
        sessions.end(link, caller.session)
        audit.note(link, caller, "session.end", caller.name)
    response = Response(status_code=204)
    _drop(response, request, sessions.COOKIE)
    return response


@router.post("/me/password", response_model=Me)
async def change_password(request: Request, body: NewPassword, caller: Caller = needs("self", of=NOBODYS)) -> Response:
    """Change your own password; every other session of yours ends."""
    place = place_of(request)
    if not caller.session:
        raise Refusal(403, "a key has no password", permission="self", granted_by=[])
    _count(place, caller.name, caller)
    user = await run_sync(users.found, place.catalog, caller.name)
    if user is None or not await run_sync(passwords.matches, body.old, user["password"], limiter=place.hashing):
        raise Refusal(403, "the password of today is another one", permission="self", granted_by=[])
    place.attempts.succeeded(caller.name, caller.address)
    kept = await run_sync(passwords.hashed, body.new, limiter=place.hashing)
    await run_sync(_change, place, caller, kept)
    return await run_sync(_begin, request, caller.name, caller)


def _count(place: Place, name: str, stranger: Caller) -> None:
    """Raises Refusal (429) when NAME was tried too often, before anything is looked at."""
    seconds = place.attempts.take(name, stranger.address)
    if seconds:
        raise Refusal(429, "too many attempts", todo=f"wait {int(seconds) + 1} seconds",
                      headers={"retry-after": str(int(seconds) + 1)})  # fmt: skip


def _refused(place: Place, name: str, stranger: Caller) -> None:
    with place.catalog.writing() as link:
        audit.note(link, stranger, "session.refused", name)


def _first(place: Place, body: FirstUser, kept: str, stranger: Caller) -> None:
    with place.catalog.writing() as link:
        after = users.add(link, body.name, kept, over_all(links.use(link, body.token)))
        audit.note(link, stranger, "users.create", body.name, after=after)


def _change(place: Place, caller: Caller, kept: str) -> None:
    with place.catalog.writing() as link:
        users.change(link, caller.name, password=kept)
        audit.note(link, caller, "users.password", caller.name)


def _begin(request: Request, name: str, stranger: Caller, status: int = 200) -> Response:
    """The answer with the cookie of a new session of NAME."""
    place = place_of(request)
    catalog, lasts = place.catalog, place.lasts
    with catalog.writing() as link:
        token = sessions.begin(link, name, token_of(request), lasts)
        audit.note(link, Caller(name, address=stranger.address, request=stranger.request), "session.begin", name)
    row = sessions.of(catalog, sessions.hashed(token)) or {"grants": (), "expires": ""}
    caller = Caller(name, row["grants"], csrf=sessions.csrf_of(token), expires=row["expires"])
    response = JSONResponse(_me(caller), status)
    _drop(response, request, VIEW)
    _put(response, request, sessions.COOKIE, token, lasts)
    return response


def _put(response: Response, request: Request, cookie: str, value: str, lasts: timedelta | None = None) -> None:
    """RESPONSE sets COOKIE to VALUE, for so long as it LASTS; else until the browser is closed."""
    response.set_cookie(name_of(cookie, request), value, max_age=int(lasts.total_seconds()) if lasts else None,
                        path=_path(request), secure=_by_tls(request), httponly=True, samesite="strict")  # fmt: skip


def _drop(response: Response, request: Request, cookie: str) -> None:
    response.delete_cookie(name_of(cookie, request), path=_path(request), httponly=True, samesite="strict")


def _by_tls(request: Request) -> bool:
    """Whether REQUEST came by TLS, here or at a proxy; anybody may say so: it is about the own cookie alone."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))


def _path(request: Request) -> str:
    return f"{request.scope['root_path']}/"


def _me(caller: Caller) -> dict[str, Any]:
    roles = {"role": caller.role, "own_role": caller.own_role, "grants": told(caller.grants)}
    return {"user": caller.name, **roles, "permissions": sorted(caller.permissions),
            "csrf": caller.csrf, "expires": caller.expires}  # fmt: skip
