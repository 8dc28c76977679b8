"""Where a request meets who may ask: before it is answered, on whichever path and protocol.

What a head or a block of headers may is decided once and kept with it: it names the key, the method and the path, and
nothing else counts.  A kept decision holds as long as the generation of the keys it was made under, so a repeated
request costs a comparison, and what it takes of its rates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from aimass.serve.access.access import Access
from aimass.serve.access.clients import Client
from aimass.serve.access.scopes import OPEN, Needed, check_scope, forbidden, of_path
from aimass.serve.access.sight import only
from aimass.serve.failures import failed, no_model
from aimass.serve.http.heads import Head
from aimass.serve.messages import Refused

Route = Callable[[Any], None]


class Decision:
    """Under GENERATION: CLIENT may ask (None: anybody may), unless it is REFUSED."""

    __slots__ = ("client", "generation", "refused")

    def __init__(self, generation: int, client: Client | None = None, refused: Refused | None = None) -> None:
        self.generation, self.client, self.refused = generation, client, refused


class Guard:
    """Stands before routes and methods.  NAMES are the models there are."""

    def __init__(self, access: Access, names: Callable[[], Iterable[str]]) -> None:
        self.access, self.names = access, names

    def routes(self, find: Callable[[Head], Route]) -> Callable[[Head], Route]:
        """FIND for heads, with a guard at every route."""
        return lambda head: partial(self._enter, find(head))

    def _enter(self, route: Route, exchange: Any) -> None:
        error = self.met(exchange, self.of_head(exchange.head))
        if error is None:
            answered(route, exchange)
        else:
            failed(exchange, error)

    def met(self, exchange: Any, decision: Decision) -> Exception | None:
        """Why EXCHANGE (or call) may not be answered, if so; else it knows its client."""
        client = decision.client
        if client is None:
            return decision.refused
        exchange.client = client
        return client.knock()

    # -- decisions ------------------------------------------------------------------------------------------

    def of_head(self, head: Head) -> Decision:
        """May who sends HEAD ask for what it asks?  Kept with it."""
        found: Decision | None = head.decision
        if found is None or found.generation != self.access.generation:
            found = head.decision = self.decided(head.fields, of_path(head.method, head.path))
        return found

    def decided(self, fields: Iterable[tuple[bytes, bytes]], needed: Needed) -> Decision:
        """May who sends FIELDS have what is NEEDED?"""
        generation = self.access.generation
        if needed.scope == OPEN:
            return Decision(generation)
        try:
            client = self.access.clients.shown(fields)
            self._check(client, needed)
        except Refused as refused:  # without its traceback, which would hold all it was made from
            return Decision(generation, refused=refused.with_traceback(None))
        return Decision(generation, client)

    def _check(self, client: Client, needed: Needed) -> None:
        """Raises Refused.  A model the client may not know of is not there, whatever its scopes."""
        if needed.model and not client.sees(needed.model):
            raise no_model(needed.model, filter(client.sees, self.names()))
        check_scope(client.key.scopes, needed.scope)
        if needed.every and client.key.models:
            raise forbidden("this key is for some models, and this is about all", needed.scope, "a key for all of them")

    # -- bodies ---------------------------------------------------------------------------------------------

    def turns_away(self, head: Head) -> Route | None:
        """Who answers HEAD when its body is not even kept: who may not ask holds none of our memory."""
        refused = self.of_head(head).refused
        return None if refused is None else partial(failed, error=refused)


def answered(route: Route, exchange: Any) -> None:
    """Let ROUTE answer EXCHANGE (or a call), which is let in."""
    client = exchange.client
    if client is None or client.everywhere:
        route(exchange)
    else:
        only(client.sees, route, exchange)
