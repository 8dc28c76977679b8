"""What V1 says of the models that are here, in the words of both its families of clients."""

from __future__ import annotations

import re
from typing import Any

from aimass.serve.access.sight import seen
from aimass.serve.messages import Answer, Request, json_answer
from aimass.serve.paths import OF_V1, Answering, Place, told
from aimass.serve.seen import UNLOADED
from aimass.serve.v1.model import UNPUBLISHED
from aimass.serve.v2.facts import Facts

STATES = {"READY": "AVAILABLE", "UNAVAILABLE": "END"}  # V2's words in TensorFlow Serving's; the others are the same


class Told:
    """What FACTS knows."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def fixed(self) -> dict[str, dict[str, Answering]]:
        return {"/v1/models": {"GET": told(lambda: {"models": seen(self.facts.life.deployments)})}}

    def places(self) -> list[Place]:
        return [
            Place(re.compile(OF_V1), {"GET": self._status}),
            Place(re.compile(f"{OF_V1}/metadata"), {"GET": told(self.metadata)}, self.facts.find),
        ]

    async def _status(self, request: Request, name: str, version: str | None) -> Answer:
        found = self.status(name, version)
        return json_answer(found, 200 if found["ready"] else 503)

    def status(self, name: str, version: str | None = "") -> dict[str, Any]:
        """TensorFlow Serving asks for the state of versions, KServe whether NAME is ready.  Raises Refused."""
        ready = self.facts.model_ready(name, version)
        only = self.facts.find(name, version).version if version else None
        states = [
            _state(word, *state)
            for (known, word), state in self.facts.life.states.items()
            if known == name and (only is None or word == only)
        ]
        return {"name": name, "ready": ready, "model_version_status": states}

    def metadata(self, name: str, version: str | None = "") -> dict[str, Any]:
        """Raises Refused."""
        return self.facts.find(name, version).v1.metadata()


def _state(version: str, state: str, why: str) -> dict[str, Any]:
    failed = state == "UNAVAILABLE" and why != UNLOADED
    said = {"error_code": "UNAVAILABLE" if failed else "OK", "error_message": why if failed else ""}
    return {"version": version or UNPUBLISHED, "state": STATES.get(state, state), "status": said}
