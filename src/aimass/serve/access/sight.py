"""Which models the caller of a request may know of: all, unless its key is for some.

Kept in the context of what is done for a request, as it is asked where names are listed, far from any request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

_SEES: ContextVar[Callable[[str], bool] | None] = ContextVar("aimass_sees", default=None)


def sees(model: str) -> bool:
    """Whether there is such a MODEL, as far as this caller may know."""
    may = _SEES.get()
    return may is None or may(model)


def seen(models: Iterable[str]) -> list[str]:
    """Those of MODELS that this caller may know of."""
    return [model for model in models if sees(model)]


def only(may: Callable[[str], bool], work: Callable[[Any], None], exchange: Any) -> None:
    """WORK on EXCHANGE, and what it begins, is for a caller who sees the models for which MAY says so."""
    before = _SEES.set(may)
    try:
        work(exchange)
    finally:
        _SEES.reset(before)
