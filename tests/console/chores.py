"""Steps whose ends a test decides."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from aimass.core.artifact import Report
from aimass.core.errors import InputError
from aimass.core.step import Context, step


@step
def deaf(ctx: Context, *, note: str, interrupts: bool = True) -> Report:
    """Never reports, so that it does not hear a wish to stop; without INTERRUPTS not even that of its process."""
    if not interrupts:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    Path(note).write_text("begun")
    time.sleep(60)


@step
def grow(ctx: Context, *, points: int, pause: float = 0.05) -> Report:
    """A figure that falls from 1, POINTS times, and goes on where it was."""
    place = ctx.resume / "at.json"
    first = json.loads(place.read_text()) if place.exists() else 0
    ctx.log(f"begun at {first}")
    for at in range(first, points):
        ctx.report(at=at, loss=1 / (1 + at), accuracy=1 - 1 / (2 + at))
        place.write_text(json.dumps(at + 1))
        time.sleep(pause)
    (ctx.folder / "report.json").write_text("{}")


@step
def wrong(ctx: Context, *, note: str) -> Report:
    """Reports a little and fails, for a reason that may be anything."""
    ctx.report(at=0, loss=1.0)
    raise InputError(f"{note} cannot be used", expected="something else", todo="mend it")
