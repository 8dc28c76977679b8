"""What one of several replicas says of all: it knows itself, and changes nothing that the others would not hear of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aimass.serve.messages import Refused
from aimass.serve.parameters import Parameters
from aimass.serve.predictor import Wanted
from aimass.serve.seen import Seen

if TYPE_CHECKING:
    from aimass.serve.app import App

REDEPLOY = "change what the command says, and run it again: aimass serve {name}@VERSION --on ray://HOST:PORT"


class Several:
    """The `Whole` and the `Repository` of a replica's APP, which is set once it is made."""

    app: App

    def list(self) -> list[tuple[str, str]]:
        return [(model.name, model.version) for model in self.app.life.models]

    def find(self, name: str, word: str) -> Wanted:
        raise unchanged(name)

    async def change(self, name: str, verb: str, said: Mapping[str, Any], why: str) -> None:
        raise unchanged(name)

    async def seen(self, name: str = "") -> Seen:
        found = self.app.seen()
        found.events = self.app.life.events.of(name)
        return found

    async def parameters(self) -> dict[str, Any]:
        return Parameters(lambda: self.app.deployments, self.app.live.defaults).as_json()

    async def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        raise unchanged("NAME")

    async def undo(self) -> dict[str, Any]:
        raise unchanged("NAME")


def unchanged(name: str) -> Refused:
    """Why a replica of NAME stays as it is, and what to do instead."""
    why = "every other replica would have to change, and one that is started later would not know"
    return Refused(409, f"nothing is changed in one replica: {why}", to_do=REDEPLOY.format(name=name))
