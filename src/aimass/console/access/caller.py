"""Who asks: a user by a session, or a program by a key; with what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from aimass.console.access.grants import Grants, permissions_of, reach_of, strongest
from aimass.store.reach import Reach

COMMAND = "command line"  # who has the workspace itself


@dataclass(frozen=True)
class Caller:
    """NAME is a user's, or key:ID.  ADDRESS and REQUEST are for the audit."""

    name: str
    grants: Grants = ()
    own: Grants = ()  # where the grants are lesser ones, to see what those see
    address: str = ""
    request: str = ""
    session: str = ""  # id of the session, "" for a key
    csrf: str = ""
    expires: str = ""

    @property
    def role(self) -> str:
        """The strongest, whatever it is over."""
        return strongest(self.grants)

    @property
    def own_role(self) -> str:
        return strongest(self.own or self.grants)

    @property
    def permissions(self) -> frozenset[str]:
        """What may be done, to some things at least."""
        return permissions_of(self.grants)

    def reach(self, permission: str = "") -> Reach | None:
        """What PERMISSION is held over (anything, for ""); None: everything."""
        return reach_of(self.grants, permission, self.name)
