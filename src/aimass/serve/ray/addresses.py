"""Where the replicas of an endpoint answer: they say so once a second, and who falls silent is left out."""

from __future__ import annotations

import time
from collections.abc import Callable

NAMESPACE = "aimass"  # of the actor's name, which is that of the endpoint
SILENT = 3.0  # seconds after which a replica is taken for dead


class Addresses:
    """Of one endpoint.  OWNER is the command that serves it; NOW is a clock in seconds.

    Lives in a process of its own, an actor of Ray.  Forgets nothing that matters when that is started again: replicas
    go on saying where they are.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now, self.owner = now, ""
        self.heard: dict[str, tuple[str, str, float]] = {}

    def own(self, owner: str) -> None:
        """From now on OWNER is the command that serves it."""
        self.owner = owner

    def owned(self) -> str:
        return self.owner

    def tell(self, replica: str, url: str, model: str) -> None:
        """REPLICA answers at URL with MODEL."""
        self.heard[replica] = url, model, self.now()

    def forget(self, replica: str) -> None:
        """REPLICA is about to end."""
        self.heard.pop(replica, None)

    def urls(self, model: str = "") -> list[str]:
        """Of those who answer, with MODEL if one is named."""
        since = self.now() - SILENT
        self.heard = {key: said for key, said in self.heard.items() if said[2] >= since}
        return sorted(url for url, serves, _ in self.heard.values() if model in ("", serves))
