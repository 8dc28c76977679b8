"""The registry: published names with their versions and aliases, and who moved an alias, when and why."""

from __future__ import annotations

from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED, MODEL
from aimass.console.api.bodies import PROBLEMS, Body
from aimass.console.kept import kept_headline
from aimass.console.place import place_of
from aimass.console.refusals import missing, taken
from aimass.publish import aliases, listed
from aimass.publish.names import check_alias, check_name
from aimass.store import lineage
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

router = APIRouter(prefix="/api/v1/models", tags=["models"], responses=PROBLEMS)
MOVED, REMOVED = "models.alias", "models.unalias"
CHANGES = 50  # of aliases that are told
Number = Annotated[int, Field(ge=1, lt=1 << 31)]


class Figure(BaseModel):
    """A measured value with its 95 % interval, where there were enough samples for one; of N rows or calls."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None


class Pointer(BaseModel):
    """An alias, and the version it points to; null where it points to what was never published under this name."""

    alias: str
    number: int | None
    digest: str
    moved: str


class Headline(BaseModel):
    """What is said of a release in a line; null where nothing was measured."""

    metric: str
    quality: Figure | None
    p99_ms: Figure | None
    size_bytes: int | None


class Model(BaseModel):
    """A published name.  USED is the version of its champion, else the newest; the figures are that one's."""

    name: str
    versions: int
    newest: int
    released: str
    aliases: list[Pointer]
    used: int
    figures: Headline | None


class Models(BaseModel):
    """NEXT is `after` of the page behind this one; null on the last."""

    rows: list[Model]
    next: str | None


class Version(BaseModel):
    """A numbered release: the run that made it, the aliases that point to it."""

    number: int
    digest: str
    created: str
    run: int | None
    aliases: list[str]
    figures: Headline | None


class Change(BaseModel):
    """An alias that was moved by hand: from version BEFORE to AFTER; null where there was, or is, none."""

    time: str
    who: str
    alias: str
    before: int | None
    after: int | None
    why: str


class Whole(BaseModel):
    """A name with the newest of its versions, its aliases, and how those were moved; OLDER is `before` of the rest."""

    name: str
    versions: list[Version]
    older: int | None
    aliases: list[Pointer]
    changes: list[Change]


class Move(Body):
    """Where an alias is to point, and why.  WAS: the version it pointed to when the mover looked, 0 for none."""

    version: Number
    why: Annotated[str, StringConstraints(max_length=500)] = ""
    was: Annotated[int, Field(ge=0, lt=1 << 31)] | None = None


@router.get("", response_model=Models)
def models(
    request: Request,
    text: Annotated[str, Query(max_length=100, description="in the name")] = "",
    after: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    caller: Caller = needs("models.see", of=LISTED),
) -> Any:
    """Published names, by letter."""
    space = place_of(request).workspace
    rows, more = listed.page(space.catalog, text=text, after=after, limit=limit)
    return {"rows": [{**row, "figures": kept_headline(space, row["digest"])} for row in rows], "next": more}


@router.get("/{name}", response_model=Whole)
def model(
    request: Request,
    name: str,
    before: Annotated[int, Query(ge=1, lt=1 << 31, description="only versions below this one")] = (1 << 31) - 1,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    caller: Caller = needs("models.see", of=MODEL),
) -> Any:
    """A name with its versions, newest first."""
    space = place_of(request).workspace
    v = t.version.c
    query = sa.select(v.number, v.digest, v.created).where(v.name == name, v.number < before)
    rows = space.catalog.rows(query.order_by(v.number.desc()).limit(limit + 1))
    if not rows:
        raise missing(
            f"nothing is published as {name[:100]}" + (f" below version {before}" if before < 1 << 30 else "")
        )
    pointers = listed.aliases_of(space.catalog, [name])[name]
    runs = {digest: row["run"] for digest, row in lineage.known(space.catalog, {r["digest"] for r in rows}).items()}
    shown = [
        {
            **row,
            "run": runs.get(row["digest"]),
            "figures": kept_headline(space, row["digest"]),
            "aliases": [one["alias"] for one in pointers if one["number"] == row["number"]],
        }
        for row in rows[:limit]
    ]
    return {"name": name, "versions": shown, "older": shown[-1]["number"] if len(rows) > limit else None,
            "aliases": pointers, "changes": _changes(space.catalog, name)}  # fmt: skip


@router.put("/{name}/aliases/{alias}", response_model=Pointer)
def move(request: Request, name: str, alias: str, body: Move, caller: Caller = needs("models.change", of=MODEL)) -> Any:
    """Let an alias point to another version; servers of the name follow within seconds."""
    check_name(name)
    check_alias(alias)
    catalog = place_of(request).catalog
    _check_there(catalog, name, body.version)
    with catalog.writing() as link:
        try:
            before, after = aliases.move(catalog, link, name, alias, body.version, body.was)
        except aliases.Moved as error:
            raise taken(error.what, expected=error.expected, todo=error.todo, key=error.key) from error
        told = {**(after or {}), "why": body.why}
        audit.note(link, caller, MOVED, f"{name}@{alias}", before=before, after=told)
    return next(one for one in listed.aliases_of(catalog, [name])[name] if one["alias"] == alias)


@router.delete("/{name}/aliases/{alias}", response_model=Whole)
def remove(
    request: Request, name: str, alias: str, was: Annotated[int | None, Query(ge=0, lt=1 << 31)] = None,
    caller: Caller = needs("models.change", of=MODEL),
) -> Any:  # fmt: skip
    """Forget an alias; versions stay.  Who asks for it by name is refused from then on."""
    catalog = place_of(request).catalog
    if not catalog.versions(name):
        raise missing(f"{name[:100]} has no alias {alias[:100]}")
    with catalog.writing() as link:
        try:
            before = aliases.remove(link, name, alias, was)
        except aliases.Moved as error:
            raise taken(error.what, expected=error.expected, todo=error.todo, key=error.key) from error
        if before is None:
            raise missing(f"{name[:100]} has no alias {alias[:100]}")
        audit.note(link, caller, REMOVED, f"{name}@{alias}", before=before)
    return model(request, name, (1 << 31) - 1, 50, caller)


def _check_there(catalog: Catalog, name: str, number: int) -> None:
    there = catalog.rows(sa.select(t.version.c.digest).where(t.version.c.name == name, t.version.c.number == number))
    if not there:
        raise missing(f"there is no version {name[:100]}@{number}")


def _changes(catalog: Catalog, name: str) -> list[Row]:
    """What people did with the aliases of NAME, newest first; what `publish` did is told by its runs."""
    a = t.audit.c
    query = sa.select(a.time, a.who, a.subject, a.before, a.after).where(
        a.what.in_((MOVED, REMOVED)), a.subject.startswith(f"{name}@", autoescape=True))  # fmt: skip
    return [{**row, "alias": row["subject"].partition("@")[2], "why": (row["after"] or {}).get("why", ""),
             **{side: (row[side] or {}).get("version") for side in ("before", "after")}}
            for row in catalog.rows(query.order_by(a.id.desc()).limit(CHANGES))]  # fmt: skip
