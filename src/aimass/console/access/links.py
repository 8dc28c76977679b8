"""The one-time link of the first start: who has it makes the first user, an admin."""

from __future__ import annotations

import secrets
from datetime import timedelta

import sqlalchemy as sa

from aimass.console.access import users
from aimass.console.access.sessions import after, hashed
from aimass.console.refusals import Refusal
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.catalog import Catalog

LASTS = timedelta(hours=24)


def first_link(workspace: str) -> str | None:
    """The token of a new link (CONSOLE/#/welcome?token=TOKEN) while WORKSPACE has no user; links before open nothing.

    None when there is a user.
    """
    return new_link(opened(workspace).catalog)


def new_link(catalog: Catalog) -> str | None:
    """As `first_link`."""
    if users.any_there(catalog):
        return None
    token = secrets.token_urlsafe(32)
    with catalog.writing() as link:
        link.execute(sa.delete(t.link))
        link.execute(sa.insert(t.link).values(id=hashed(token), role="admin", expires=after(LASTS)))
    return token


def use(link: sa.Connection, token: str) -> str:
    """The role that the link TOKEN gives; it opens nothing any more.  Raises Refusal (401)."""
    t_link = t.link.c
    known = (t_link.id == hashed(token), t_link.expires > after(timedelta()))
    role = link.execute(sa.select(t_link.role).where(*known)).scalar()
    gone = link.execute(sa.delete(t.link).where(*known)).rowcount  # two at once: one finds it gone
    if role is None or gone != 1:
        raise Refusal(401, "this link opens nothing (any more)", todo="sign in, or start aimass again for a new link")
    return str(role)


def opened(workspace: str) -> Workspace:
    """The workspace that is this folder, or the `url` of one."""
    return Workspace.reopen(workspace) if workspace.startswith("{") else Workspace(workspace)
