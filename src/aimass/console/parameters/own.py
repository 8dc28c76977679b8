"""How the console's own parameters are changed: from their names to what they are."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aimass.console.place import Place


def dials_of(place: Place) -> dict[str, Callable[[Any], None]]:
    """What can be turned at PLACE; each keeps its value where the page looks it up."""

    def look(seconds: float) -> None:
        place.feed.every = seconds

    def last(hours: float) -> None:
        place.lasts = timedelta(hours=hours)

    def tries(number: int) -> None:
        place.attempts.pair = (number, place.attempts.pair[1])

    def wait(seconds: float) -> None:
        place.attempts.pair = (place.attempts.pair[0], seconds)

    dials: dict[str, Callable[[Any], None]] = {
        "console/look_seconds": look, "console/session_hours": last, "console/tries": tries,
        "console/try_seconds": wait, "console/log_level": logging.getLogger().setLevel,
    }  # fmt: skip
    return {name: _kept(place, name, turn) for name, turn in dials.items()}


def _kept(place: Place, name: str, turn: Callable[[Any], None]) -> Callable[[Any], None]:
    def turned(value: Any) -> None:
        turn(value)
        place.values[name] = value

    return turned
