"""What a change of a parameter did to the seconds that callers wait: the minute before it, and the minute after."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from aimass.console.endpoints.figures import SHARES, Counted
from aimass.console.parameters import changes
from aimass.console.place import Place
from aimass.core.errors import StoreError
from aimass.store.catalog import Row

log = logging.getLogger("aimass.console")
MINUTE = 60.0  # seconds of each window
FELT = ("models", "server")  # what callers of the server of predictions feel, by the first part of a name


def is_felt(name: str) -> bool:
    """Whether callers may wait for other times when NAME is changed."""
    return name.partition("/")[0] in FELT


def of(place: Place, row: Row) -> Row:
    """Of the change in ROW, as the API tells it."""
    if row["measured"] is not None:
        return dict(row["measured"])
    subsystem, _, rest = row["name"].partition("/")
    if not is_felt(row["name"]):
        return _nothing("it changes no answer of a model")
    at = datetime.fromisoformat(row["time"]).timestamp()
    model = rest.rpartition("/")[0] if subsystem == "models" else ""
    after = _window(place.ring.between(at, at + MINUTE, model))
    found = {**_nothing(None), "before": _window(place.ring.between(at - MINUTE, at, model)), "after": after}
    if place.ring.clock() < at + MINUTE:
        return {**found, "why": "the minute after it is not over yet"}
    return found if after else {**found, "why": "nobody looked at the server then"}


def settle(place: Place) -> None:
    """Keep what is known of the latest changes with the changes themselves, before it is forgotten."""
    clock = place.ring.clock()
    due = [id for id, at in [*place.unsettled.items()] if clock > at + MINUTE]
    try:
        for row in [changes.one(place.catalog, id) for id in due]:
            if row is not None and (found := of(place, row))["why"] is None:
                with place.catalog.writing() as link:
                    changes.measured(link, row["id"], found)
    except StoreError as error:  # at the next look
        log.warning("the effect of a change was not kept: %s", error)
        return
    for id in due:
        del place.unsettled[id]


def _window(found: Counted | None) -> Row | None:
    if found is None:
        return None
    return {"requests": found.answers, **{f"p{round(100 * share)}": found.percentile(share) for share in SHARES}}


def _nothing(why: str | None) -> dict[str, Any]:
    return {"seconds": MINUTE, "before": None, "after": None, "why": why}
