"""Users: who may come in, and as what."""

from __future__ import annotations

from typing import Any

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from aimass.console.access import audit, passwords, users
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.api.bodies import PROBLEMS, Grant, Granting, Name, Password
from aimass.console.place import Place, place_of
from aimass.store import origins
from aimass.store.catalog import Row

router = APIRouter(prefix="/api/v1/users", tags=["users"], responses=PROBLEMS)


class User(BaseModel):
    """Somebody who may sign in unless disabled (since when); `role` is the strongest of `grants`."""

    name: str
    role: str
    grants: list[Grant]
    created: str
    disabled: str | None


class Users(BaseModel):
    rows: list[User]


class Scopes(BaseModel):
    """What grants can be over besides everything: projects and sources that something came from."""

    projects: list[str]
    sources: list[str]


class NewUser(Granting):
    """Who, the first password, and what it gives access to."""

    name: Name
    password: Password


class Changes(Granting):
    """What is to change; every session of the user ends.  Grants take the place of all there were."""

    disabled: bool | None = None
    password: Password | None = None


@router.get("", response_model=Users)
def listed(request: Request, caller: Caller = needs("users.see")) -> Any:
    """Every user by name."""
    return {"rows": users.listed(place_of(request).catalog)}


@router.get("/scopes", response_model=Scopes)
def scopes(request: Request, caller: Caller = needs("users.see")) -> Any:
    """What there is to give a role over."""
    names = origins.known(place_of(request).catalog)
    return {"projects": sorted({origins.project_of(name) for name in names} - {""}), "sources": names}


@router.post("", response_model=User, status_code=201)
async def create(request: Request, body: NewUser, caller: Caller = needs("users.change")) -> Any:
    """Add a user."""
    place = place_of(request)
    kept = await run_sync(passwords.hashed, body.password, limiter=place.hashing)
    return await run_sync(_add, place, body, kept, caller)


@router.patch("/{name}", response_model=User)
async def change(request: Request, name: str, body: Changes, caller: Caller = needs("users.change")) -> Any:
    """Change a user's grants or password, or keep somebody out."""
    place, kept = place_of(request), None
    if body.password is not None:
        kept = await run_sync(passwords.hashed, body.password, limiter=place.hashing)
    return await run_sync(_change, place, name, body, kept, caller)


@router.delete("/{name}", status_code=204)
def remove(request: Request, name: str, caller: Caller = needs("users.change")) -> Response:
    """Remove a user; sessions end, keys made by the user open nothing any more."""
    with place_of(request).catalog.writing() as link:
        before = users.remove(link, name)
        audit.note(link, caller, "users.remove", name, before=before)
    return Response(status_code=204)


def _add(place: Place, body: NewUser, kept: str, caller: Caller) -> Row:
    with place.catalog.writing() as link:
        after = users.add(link, body.name, kept, body.needed())
        audit.note(link, caller, "users.create", body.name, after=after)
    return after


def _change(place: Place, name: str, body: Changes, kept: str | None, caller: Caller) -> Row:
    with place.catalog.writing() as link:
        before, after = users.change(link, name, given=body.given(), disabled=body.disabled, password=kept)
        told = {**after, "password": "changed"} if kept else after
        audit.note(link, caller, "users.change", name, before=before, after=told)
    return after
