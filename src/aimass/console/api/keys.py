"""Keys of programs, each with grants."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints
from starlette.requests import Request

from aimass.console.access import audit, keys
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.api.bodies import PROBLEMS, Grant, Granting, Name
from aimass.console.place import place_of

router = APIRouter(prefix="/api/v1/keys", tags=["keys"], responses=PROBLEMS)


class Key(BaseModel):
    """Who made it, as what it acts, until when; `role` is the strongest of `grants`."""

    id: str
    name: str
    role: str
    grants: list[Grant]
    made_by: str
    created: str
    expires: str | None
    revoked: str | None


class Keys(BaseModel):
    rows: list[Key]


class NewKey(Granting):
    """A name, what it gives access to, and when it ends ("2027-01-31"; never, if nothing is said).

    It never gives more than who made it has.
    """

    name: Name
    expires: Annotated[str, StringConstraints(max_length=32)] = ""


class Told(Key):
    """The key itself, this once."""

    key: str


@router.get("", response_model=Keys)
def listed(request: Request, caller: Caller = needs("keys.see")) -> Any:
    """Every key, newest first."""
    return {"rows": keys.listed(place_of(request).catalog)}


@router.post("", response_model=Told, status_code=201)
def create(request: Request, body: NewKey, caller: Caller = needs("keys.change")) -> Any:
    """Make a key; it is told here and nowhere else ever again."""
    with place_of(request).catalog.writing() as link:
        after, token = keys.add(link, body.name, body.needed(), caller.name, body.expires)
        audit.note(link, caller, "keys.create", after["id"], after=after)
    return {**after, "key": token}


@router.delete("/{id}", response_model=Key)
def revoke(request: Request, id: str, caller: Caller = needs("keys.change")) -> Any:
    """End a key: it opens nothing any more, from the next request on."""
    with place_of(request).catalog.writing() as link:
        before, after = keys.revoke(link, id)
        audit.note(link, caller, "keys.revoke", id, before=before, after=after)
    return after
