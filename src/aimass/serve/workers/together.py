"""A server of several processes, as one of them speaks of it: whoever owns the plans is asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aimass.serve.messages import Refused
from aimass.serve.seen import Seen
from aimass.serve.workers.channel import Gone, Talk
from aimass.serve.workers.follower import Follower

PATIENCE = 5.0  # seconds in which the owner says what it knows


class Together:
    """The `Whole` of a process that has a CHANNEL to the owner of the plans, and a FOLLOWER for what it decides."""

    channel: Talk
    follower: Follower

    async def change(self, name: str, verb: str, said: Mapping[str, Any], why: str) -> None:
        await self._ask("change", None, name=name, verb=verb, said=dict(said), why=why)

    async def seen(self, name: str = "") -> Seen:
        return Seen.from_json(await self._ask("seen", PATIENCE, name=name))

    def settled(self, name: str = "") -> bool:
        return self.follower.settled(name)

    async def parameters(self) -> dict[str, Any]:
        return dict(await self._ask("parameters", PATIENCE))

    async def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return dict(await self._ask("set", None, values=dict(values)))

    async def undo(self) -> dict[str, Any]:
        return dict(await self._ask("undo", None))

    async def job(self, id: str, owner: str, *, end: bool) -> dict[str, Any]:
        """It may be here, or in any other process."""
        with suppress(Refused):
            return await self.follower.job(id=id, owner=owner, end=end)
        return dict(await self._ask("job", PATIENCE, id=id, owner=owner, end=end))

    async def _ask(self, what: str, seconds: float | None, **said: Any) -> Any:
        try:
            return await self.channel.ask(what, seconds, **said)
        except (Gone, TimeoutError) as error:
            raise Refused(503, "who keeps the processes of this server does not answer", to_do="ask again") from error
