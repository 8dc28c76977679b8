"""What a caller is told when a request cannot be answered: the status, what is wrong, what to do."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

from aimass.core.errors import InputError, suggest
from aimass.engines.base import Died
from aimass.serve.batch.base import Ask, Busy, Late, Spent
from aimass.serve.messages import Refused, to_json

REFUSALS = (Refused, Busy, Late, InputError)  # what a request may meet before it waits with the others

REASONS = {401: "key", 403: "key", 404: "unknown", 413: "large", 415: "encoding", 429: "quota"}

Then = Callable[[Ask], None]
Reader = Callable[[Any, Then], None]  # what is asked in an exchange goes on there, at once or later

log = logging.getLogger("aimass.serve")


def asking(served: Any, ask: Reader) -> Callable[[Any], None]:
    """A route: what ASK reads in an exchange is asked of the model SERVED, or refused."""
    add, counts = served.batcher.add, served.counts

    def route(exchange: Any) -> None:
        exchange.counts = counts
        try:
            ask(exchange, add)
        except REFUSALS as error:
            failed(exchange, error)

    return route


def failed(exchange: Any, error: Exception) -> None:
    """Answer EXCHANGE, unless it was, with what ERROR means for its caller."""
    if exchange.done:
        return
    exchange.counts.refused(reason(error))
    status, body, fields = meaning(error, exchange.id)
    exchange.answer(status, to_json(body), fields=fields)


def reason(error: Exception) -> str:
    """In a word why ERROR is an answer, for those who count: of what the caller did, what there was no room for, ..."""
    if isinstance(error, Refused):
        return REASONS.get(error.status, "invalid" if error.status < 500 else "unready")
    if isinstance(error, (InputError, Busy, Late)):
        return {Busy: "busy", Spent: "quota", Late: "late"}.get(type(error), "invalid")
    return "fault"


def no_model(name: str, names: Iterable[str]) -> Refused:
    """A 404 for a caller who may know of NAMES.  Programs that were written for Triton look for these words."""
    known = sorted(names)
    what = f"Request for unknown model: {name!r} is not found{suggest(name, known)}"
    return Refused(404, what, expected=f"of: {', '.join(known) or 'none'}")


def meaning(error: Exception, request: str) -> tuple[int, dict[str, Any], tuple[tuple[bytes, bytes], ...]]:
    """Status, body and fields for ERROR of REQUEST (its id).  What nobody foresaw is logged whole and is a 500."""
    if isinstance(error, Refused):
        return error.status, error.body, error.headers
    if isinstance(error, InputError):
        return 400, error.as_json(), ()
    if isinstance(error, Busy):
        seconds = max(1, math.ceil(error.retry))
        more = "" if isinstance(error, Spent) else ", or give it more time"
        body = {"error": str(error), "to_do": f"ask again in {error.retry:.3g} s{more}"}
        return 429, body, ((b"retry-after", str(seconds).encode()),)
    if isinstance(error, Late):
        return 504, {"error": str(error), "to_do": "give it more time, or send fewer rows"}, ()
    if isinstance(error, Died):  # it says why; a trace for each request of a host that is down fills the log
        log.error("request %s failed: %s", request, str(error).replace("\n", " "))
        body = {"error": "the process of the model ended", "request": request, "to_do": "ask again in a moment"}
        return 503, body, ((b"retry-after", b"1"),)
    log.error("request %s failed", request, exc_info=error)
    body = {"error": "the server failed at this request", "request": request}
    return 500, {**body, "to_do": "look the request up in the server's own output"}, ()
