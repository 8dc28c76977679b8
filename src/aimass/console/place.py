"""What every request of a console finds: its workspace, who tried to sign in, what is live."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio
from starlette.requests import HTTPConnection

from aimass.console.access.attempts import Attempts
from aimass.console.access.sessions import LASTS
from aimass.console.endpoints.acts import Turns
from aimass.console.endpoints.ring import Ring, metrics_of
from aimass.console.exports import Exports
from aimass.console.files.uploads import Uploads
from aimass.console.host import Host
from aimass.console.live.feed import Feed
from aimass.console.live.kinds import kinds_of
from aimass.console.seen import seen_by
from aimass.console.turn import Turn
from aimass.console.up.line import Line
from aimass.runner.workspace import Workspace
from aimass.store.catalog import Catalog
from aimass.store.reach import Reach

NARROWED = "aimass.place"  # where a request keeps its own
HASHES = 2  # passwords looked at at once: each takes 32 MiB and a core
SAVES = 2  # logs read from their begin at once, in threads of their own


@dataclass
class Place:
    """Of one application."""

    workspace: Workspace
    attempts: Attempts = field(default_factory=Attempts)
    hashing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(HASHES))
    saving: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(SAVES))
    exports: Exports = field(default_factory=Exports)  # datasets on their way out
    turns: Turns = field(default_factory=Turns)  # of changes of endpoints
    changing: Turn = field(default_factory=lambda: Turn("other parameters are being changed"))
    tabs: dict[str, set[Any]] = field(default_factory=dict)  # that are open, by user
    keeper: Line | None = None  # the way to `aimass up`, where that has started this console
    lasts: timedelta = LASTS  # a session
    values: dict[str, Any] = field(default_factory=dict)  # of its own parameters, as they were changed
    dials: dict[str, Callable[[Any], None]] = field(default_factory=dict)  # how those are changed
    unsettled: dict[int, float] = field(default_factory=dict)  # changes whose effect is not known: id -> when

    host: Host = field(default_factory=Host)

    def __post_init__(self) -> None:
        self.uploads = Uploads(self.workspace.folder / "uploads")
        self.ring = Ring(lambda: metrics_of(self.workspace))  # figures of endpoints
        self.kinds = kinds_of(self.workspace, self.ring)  # of topics

    @property
    def feed(self) -> Feed:
        """That of runs."""
        return self.kinds[0].feed

    @property
    def catalog(self) -> Catalog:
        return self.workspace.catalog

    def seen_by(self, reach: Reach) -> Place:
        """The same place for somebody who finds nothing in the catalog but what is within REACH."""
        seen = copy(self)
        seen.workspace = seen_by(self.workspace, reach)
        return seen


def place_of(request: HTTPConnection) -> Place:
    """Where REQUEST is answered, as far as who sends it may see it."""
    found: Place = request.scope.get(NARROWED) or request.app.state.place
    return found
