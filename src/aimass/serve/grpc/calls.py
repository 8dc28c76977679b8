"""All that is answered over gRPC: the service, its streams, and health, with the guard before each where one is."""

from __future__ import annotations

from typing import Any

from aimass.serve.access.gate import Gate
from aimass.serve.access.guard import Guard
from aimass.serve.grpc.health import Health
from aimass.serve.grpc.service import Service
from aimass.serve.grpc.turn import in_turns
from aimass.serve.http.crowd import Crowd
from aimass.serve.http2.front import Front


def calls_of(app: Any, crowd: Crowd, guard: Guard | None = None) -> Front:
    """The front of APP for calls of CROWD."""
    service, health = Service(app.facts, app.api), Health(app.facts.answers)
    app.changed.append(service.forget)
    crowd.duties.append(health.look)
    methods = {**service.methods, **health.methods}
    if guard is None:
        return Front(methods, crowd, streams=in_turns(service.turns))
    gate = Gate(guard)
    return Front(gate.methods(methods), crowd, gate.lets_in, in_turns(gate.methods(service.turns)))
