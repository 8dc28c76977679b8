"""Who asks: a user by a session, or a program by a key; with what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from aimass.console.access.roles import permissions_of

COMMAND = "command line"  # who made the first link


@dataclass(frozen=True)
class Caller:
    """NAME is a user's, or key:ID.  ADDRESS and REQUEST are for the audit."""

    name: str
    role: str = ""
    own_role: str = ""  # where the role is a lesser one, to see what that sees
    address: str = ""
    request: str = ""
    session: str = ""  # id of the session, "" for a key
    csrf: str = ""
    expires: str = ""

    @property
    def permissions(self) -> frozenset[str]:
        return permissions_of([self.role])
