"""What every request of a console finds: its workspace, who tried to sign in."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
from starlette.requests import HTTPConnection

from aimass.console.access.attempts import Attempts
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Catalog

HASHES = 2  # passwords looked at at once: each takes 32 MiB and a core


@dataclass
class Place:
    """Of one application."""

    workspace: Workspace
    attempts: Attempts = field(default_factory=Attempts)
    hashing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(HASHES))

    @property
    def catalog(self) -> Catalog:
        return self.workspace.catalog


def place_of(request: HTTPConnection) -> Place:
    """Where REQUEST is answered."""
    found: Place = request.app.state.place
    return found
