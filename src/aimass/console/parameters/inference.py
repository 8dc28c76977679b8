"""What can be changed of the server of predictions: its own list, asked for over the loopback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.console.beside import Answer, asked
from aimass.console.place import Place
from aimass.console.refusals import Refusal
from aimass.core.errors import InputError
from aimass.store.catalog import Row

PATH = "/v1/parameters"


class Inference:
    """The server decides; `aimass up` remembers, so that a server which is started anew has the same values."""

    subsystems = ("models", "server")

    def rows(self, place: Place) -> list[Row]:
        found = _good(asked(place.workspace, "GET", PATH)).json()["parameters"]
        return [{**row, "choices": [], "wanted": None} for row in found]

    def set(self, place: Place, values: Mapping[str, Any]) -> None:
        _good(asked(place.workspace, "PATCH", PATH, dict(values)))
        if place.keeper is not None:
            place.keeper.ask(set=dict(values))


def _good(answer: Answer) -> Answer:
    """ANSWER.  Raises InputError for what the server does not take, Refusal (502) when it failed."""
    if answer.good:
        return answer
    if answer.status == 400:
        raise InputError(answer.why(), expected=str(answer.json().get("expected") or ""))
    raise Refusal(502, f"the server of predictions refused: {answer.why()}", todo="look at its log: aimass status")
