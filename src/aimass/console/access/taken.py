"""Who took what away: one entry in the audit for a download, however many pieces it comes in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from starlette.requests import Request

from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.access.sessions import after as moment
from aimass.console.place import place_of
from aimass.store import tables as t

LASTS = timedelta(days=1)  # that the pieces of one download may take


def note_taken(request: Request, by: Caller, what: str, subject: str, after: Any = None) -> None:
    """BY takes SUBJECT away; AFTER tells its bytes from others of that name.  A piece of what was begun is no more."""
    with place_of(request).catalog.writing() as link:
        if "range" not in request.headers or not _begun(link, by, what, subject, after):
            audit.note(link, by, what, subject, after=after)


def _begun(link: sa.Connection, by: Caller, what: str, subject: str, after: Any) -> bool:
    a = t.audit.c
    mine = (a.who == by.name, a.what == what, a.subject == subject[:256], a.time > moment(-LASTS))
    return after in link.execute(sa.select(a.after).where(*mine)).scalars().all()
