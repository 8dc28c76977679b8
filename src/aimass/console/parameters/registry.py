"""All that can be changed, of whichever subsystem; and the change itself, with who made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.parameters import SOURCES, changes, effect
from aimass.console.parameters.base import Source
from aimass.console.place import Place
from aimass.console.refusals import Refusal, taken
from aimass.core.errors import InputError, suggest
from aimass.core.part import load
from aimass.store.catalog import Row

SUBSYSTEM = {"models": "inference", "server": "inference"}  # of names that do not begin with it


def sources() -> dict[str, Source]:
    """By the name of who answers."""
    return {name: load(f"{__package__}{path}", name)() for name, path in SOURCES.items()}


def listed(place: Place) -> tuple[list[Row], list[Row]]:
    """What can be changed, by subsystem, each with its newest change; and who cannot be asked, with the reason."""
    rows, silent = [], []
    newest = changes.newest(place.catalog)
    for name, source in sources().items():
        try:
            rows += [_told(row, newest.get(row["name"])) for row in source.rows(place)]
        except Refusal as error:
            silent.append({"subsystem": name, "error": error.what, "to_do": error.todo})
    return sorted(rows, key=lambda row: (row["subsystem"], row["name"])), silent


def change(place: Place, values: Mapping[str, Any], by: Caller, undoes: int | None = None) -> list[Row]:
    """Change VALUES by name (None: as at the start), of one subsystem, all or nothing; the rows as they are then.

    Raises InputError for a name or value that cannot be, Refusal when the subsystem cannot be asked.
    """
    with place.changing:  # what is seen before it is what it changes
        return _changed(place, values, by, undoes)


def _changed(place: Place, values: Mapping[str, Any], by: Caller, undoes: int | None) -> list[Row]:
    source, rows = _source_of(place, values)
    if any(effect.is_felt(name) for name in values):
        place.ring.look()  # so that before and after meet here
    steps = {name: _step(rows[name], value) for name, value in values.items()}
    with ExitStack() as acts:
        for name, (before, after) in steps.items():
            acts.enter_context(audit.acting(place.catalog, by, "parameters.change", name, before=before, after=after))
        source.set(place, values)
    with place.catalog.writing() as link:
        for name, (before, after) in steps.items():
            changes.add(link, by.name, name, before, after, undoes)
    newest = changes.newest(place.catalog)
    place.unsettled |= {newest[name]["id"]: place.ring.clock() for name in values}
    return [_told(row, newest.get(row["name"])) for row in source.rows(place) if row["name"] in values]


def undo(place: Place, past: Row, by: Caller) -> list[Row]:
    """Take the change PAST back.  Raises Refusal (409) when the value was changed since."""
    with place.changing:
        name, newest = past["name"], changes.newest(place.catalog)[past["name"]]
        if newest["id"] != past["id"]:
            raise taken(f"{name} was changed again since, by {newest['who']}", expected="the newest change of it",
                        todo="take that one back first, or set the value that you want")  # fmt: skip
        return _changed(place, {name: past["before"]}, by, past["id"])


def _step(row: Row, value: Any) -> tuple[Any, Any]:
    """What the parameter in ROW is, or is to be, and what VALUE makes of it."""
    return row["value"] if row["wanted"] is None else row["wanted"], row["default"] if value is None else value


def _source_of(place: Place, values: Mapping[str, Any]) -> tuple[Source, dict[str, Row]]:
    """Who has all that VALUES name, with its rows by name."""
    if not values:
        raise InputError("nothing is to be changed", expected='names and values: {"jobs/workers": 2}', key="values")
    known = {first: source for source in sources().values() for first in source.subsystems}
    owners = {name: known.get(name.partition("/")[0]) for name in values}
    if lost := [name for name, owner in owners.items() if owner is None]:
        raise _unknown(lost[0], known)
    first, *others = {id(owner): owner for owner in owners.values() if owner}.values()
    if others:
        raise InputError("they belong to several subsystems", expected="parameters of one subsystem at once",
                         todo="change them one after the other", key="values")  # fmt: skip
    rows = {row["name"]: row for row in first.rows(place)}
    if lost := [name for name in values if name not in rows]:
        raise _unknown(lost[0], rows)
    return first, rows


def _unknown(name: str, known: Iterable[str]) -> InputError:
    what = f"no parameter is called {name[:80]!r}{suggest(name, known)}"
    return InputError(what, todo="see GET /api/v1/parameters", key=name[:80])


def _told(row: Row, newest: Row | None) -> Row:
    """ROW with its subsystem, its state and its newest change."""
    begin = row["name"].partition("/")[0]
    if row["wanted"] is not None:
        state = "pending"
    elif row["value"] == row["default"]:
        state = "default"
    else:
        state = "changed" if newest is not None and newest["after"] == row["value"] else "elsewhere"
    return {**row, "subsystem": SUBSYSTEM.get(begin, begin), "state": state, "newest": newest}
