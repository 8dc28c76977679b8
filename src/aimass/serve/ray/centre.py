"""Where the replicas of an endpoint answer, and what they serve: replicas say that they live, and ask what to do.

Lives in a process of its own, an actor of Ray, and keeps nothing that matters: when it is started again, the replicas
tell it what they serve.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from aimass.serve.ray.lead import Hello, Lead

NAMESPACE = "aimass"  # of the actor's name, which is that of the endpoint
SILENT = 3.0  # seconds after which a replica is taken for dead


class Centre:
    """Of one endpoint.  OWNER is the command that serves it; NOW is a clock in seconds.

    Each command decides anew what its replicas serve; while another takes over there are those of both.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now, self.owner = now, ""
        self.leads: dict[str, Lead] = {}  # by command
        self.looked = now()

    async def own(self, owner: str) -> None:
        """From now on OWNER is the command that serves it."""
        self.owner = owner

    async def owned(self) -> str:
        return self.owner

    async def urls(self, owner: str = "") -> list[str]:
        """Of those who answer, for the command OWNER if one is named."""
        self._look()
        found = [lead.urls() for name, lead in self.leads.items() if owner in ("", name)]
        return sorted(set().union(*found))

    # -- what replicas say ----------------------------------------------------------------------------------------

    async def plans(self, owner: str) -> str:
        """What a replica of OWNER is to load, as JSON; null where nothing is served yet."""
        lead = self.leads.get(owner)
        return json.dumps(lead.owner.now()["plans"] if lead else None)

    async def join(self, owner: str, replica: str, hello: Hello) -> None:
        """REPLICA is there; it is told what to serve by what `orders` gives."""
        self.leads.setdefault(owner, Lead()).join(replica, hello, self.now())

    async def hear(self, owner: str, replica: str, message: str) -> None:
        """REPLICA lives, and says a MESSAGE."""
        self._look()
        if owner in self.leads:
            self.leads[owner].hear(replica, message, self.now())

    async def orders(self, owner: str, replica: str) -> list[str] | None:
        """Messages for REPLICA, when there are any; None for one that is not known any more, and has to join again."""
        return await self.leads[owner].orders(replica) if owner in self.leads else None

    async def leave(self, owner: str, replica: str) -> None:
        """REPLICA has ended."""
        if owner in self.leads:
            self.leads[owner].forget(replica, ended=True)

    def _look(self) -> None:
        """Once a second, as long as anybody lives: who is silent is left out, trials end."""
        now = self.now()
        if now - self.looked < 1:
            return
        still = now - self.looked > SILENT  # this process itself stood still, or there was nobody
        self.looked = now
        for owner, lead in [*self.leads.items()]:
            lead.look(0.0 if still else now - SILENT)
            if not lead.replicas and owner != self.owner:
                del self.leads[owner]
