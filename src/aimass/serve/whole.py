"""A server as one of its processes speaks of it: all of it, whether that is this process or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aimass.serve.explaining.jobs import Jobs
from aimass.serve.parameters import Live, Parameters
from aimass.serve.seen import Seen
from aimass.serve.versions.life import Life
from aimass.serve.versions.steps import step_of


class Whole(Protocol):
    """All processes of a server together."""

    async def change(self, name: str, verb: str, said: Mapping[str, Any], why: str) -> None:
        """Serve NAME by another plan everywhere, or nowhere: VERB with what is SAID leads there.  Raises Refused."""

    async def seen(self, name: str = "") -> Seen:
        """What is known of all versions; also what happened to NAME.  Raises Refused while nobody can tell."""

    def settled(self, name: str = "") -> bool:
        """Whether all processes serve NAME, or all there is, as it was last decided."""

    async def parameters(self) -> dict[str, Any]:
        """The live parameters, and what was changed."""

    async def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change parameters everywhere, None: as they were at the start.  Raises Refused, and then none has changed."""

    async def undo(self) -> dict[str, Any]:
        """Take back the last change of parameters.  Raises Refused when there is none."""

    async def job(self, id: str, owner: str, *, end: bool) -> dict[str, Any]:
        """What `explaining.jobs` tells of OWNER's job ID, in whichever process it is; END it.  Raises Refused."""


class Alone:
    """This process is all of the server: LIFE has its versions, LOOK says what it knows, LIVE are its parameters."""

    def __init__(self, life: Life, look: Callable[[], Seen], live: Live, jobs: Callable[[], Jobs]) -> None:
        self.life, self.look, self.live, self.jobs = life, look, live, jobs
        self.owned = Parameters(lambda: life.deployments, live.defaults)

    async def change(self, name: str, verb: str, said: Mapping[str, Any], why: str) -> None:
        await self.life.change(name, step_of(verb, said), why)

    async def seen(self, name: str = "") -> Seen:
        found = self.look()
        found.events = self.life.events.of(name)
        return found

    def settled(self, name: str = "") -> bool:
        return True  # a switch is one step of its event loop

    async def parameters(self) -> dict[str, Any]:
        return self.owned.as_json()

    async def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        self.live.set(self.owned.change(values))
        return self.owned.as_json()

    async def undo(self) -> dict[str, Any]:
        self.live.set(self.owned.undo())
        return self.owned.as_json()

    async def job(self, id: str, owner: str, *, end: bool) -> dict[str, Any]:
        return self.jobs().told(id, owner, end=end)
