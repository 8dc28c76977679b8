"""The guard before the methods of a gRPC service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aimass.serve.access.guard import Decision, Guard, answered
from aimass.serve.access.scopes import of_method
from aimass.serve.grpc.said import refuse
from aimass.serve.http2.blocks import Fields
from aimass.serve.http2.call import Call

Method = Callable[[Any], None]


class Gate:
    """GUARD, as calls meet it.  Which model is meant, stands in the message: the service asks `client.sees`."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    def methods(self, methods: Mapping[bytes, Method]) -> dict[bytes, Method]:
        """METHODS, with the guard at each."""
        return {path: partial(self._enter, method) for path, method in methods.items()}

    def _enter(self, method: Method, call: Call) -> None:
        error = self.guard.met(call, self.of_block(call.fields))
        if error is None:
            answered(method, call)
        else:
            refuse(call, error)

    def of_block(self, fields: Fields) -> Decision:
        """May who begins a call with FIELDS ask for what they name?  Kept with them."""
        found: Decision | None = fields.decision
        if found is None or found.generation != self.guard.access.generation:
            needed = of_method(fields.get(b":path", b"").decode("latin-1"))
            found = fields.decision = self.guard.decided(fields.pairs, needed)
        return found

    def lets_in(self, call: Call) -> bool:
        """Whether the message of CALL is heard; else it is refused at once."""
        refused = self.of_block(call.fields).refused
        if refused is not None:
            refuse(call, refused)
        return refused is None
