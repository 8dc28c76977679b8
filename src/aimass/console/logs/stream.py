"""All logs of a workspace as one: merged by time, page by page, each log read from its own place."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from heapq import nlargest
from itertools import accumulate
from typing import NamedTuple

from aimass.console.jobs.attempt import log_of
from aimass.console.logs.file import FileLog
from aimass.console.logs.line import Found, Line, Log, Wanted
from aimass.console.logs.runs import RunsLog
from aimass.console.up.state import FOLDER
from aimass.core.errors import InputError
from aimass.runner.workspace import Workspace
from aimass.store.jobs import Jobs

JOBS = 20  # whose logs are in the stream: the newest
FAMILIES = ("console", "inference", "workers", "up", "jobs", "runs")

Places = dict[str, int]  # by the key of a log


class Page(NamedTuple):
    """LINES, oldest first; where what is OLDER ends (None: nothing is), and where what is NEWER begins."""

    lines: list[Line]
    older: Places | None
    newer: Places | None


def family_of(key: str) -> str:
    """What kind of process says what the log KEY holds."""
    word = key.partition(".")[0].partition("-")[0]
    return {"jobs": "workers", "job": "jobs"}.get(word, word)


def logs_of(space: Workspace, families: Sequence[str] = ()) -> list[Log]:
    """The logs of FAMILIES (of all) in SPACE, as far as its catalog is seen: processes work for all projects."""
    files = [] if space.catalog.reach else sorted((space.folder / FOLDER).glob("*.log"))
    folders = [one.parent for one in (space.folder / "jobs").glob("*/log.txt") if one.parent.name.isdigit()]
    numbers = [int(folder.name) for folder in folders]
    newest = nlargest(JOBS, Jobs(space.catalog).among(numbers) if space.catalog.reach else numbers)
    found: list[Log] = [
        RunsLog(space.catalog),
        *(FileLog(file.stem, file) for file in files),
        *(FileLog(f"job-{number}", log_of(space, str(number))) for number in newest),
    ]
    return [log for log in found if not families or family_of(log.key) in families]


def latest(logs: Sequence[Log], limit: int, wanted: Wanted) -> Page:
    """The last LIMIT lines there are."""
    ends = {log.key: log.end() for log in logs}
    return Page(*_back(logs, ends, limit, wanted), ends)


def older(logs: Sequence[Log], places: Places, limit: int, wanted: Wanted) -> Page:
    """LIMIT lines before PLACES."""
    return Page(*_back(logs, places, limit, wanted), None)


def newer(logs: Sequence[Log], places: Places, limit: int, wanted: Wanted) -> Page:
    """LIMIT lines from PLACES on; a log that was not there is read from its begin."""
    found = {log.key: log.after(places.get(log.key, 0), limit, wanted) for log in logs}
    lines = _merged(found.values())[:limit]
    taken = set(lines)
    reached: Places = {}
    for key, one in found.items():
        left = [line.at for line in one.lines if line not in taken]
        reached[key] = left[0] if left else one.reached
    return Page(lines, None, reached)


def around(logs: Sequence[Log], key: str, at: int, limit: int, wanted: Wanted) -> Page:
    """Lines before and after the one that stands AT a place of the log KEY.  Raises InputError where none does."""
    log = next((log for log in logs if log.key == key), None)
    mine = log.after(at, 1, Wanted()).lines if log else []
    if not mine or mine[0].at != at:
        raise InputError(f"there is no line {key}:{at} (any more)", expected="the id of a line", key="line")
    places = {one.key: at if one.key == key else one.at(mine[0].time) for one in logs}
    before = older(logs, places, limit // 2, wanted)
    after = newer(logs, places, limit - limit // 2, wanted)
    return Page([*before.lines, *after.lines], before.older, after.newer)


def _back(logs: Sequence[Log], places: Places, limit: int, wanted: Wanted) -> tuple[list[Line], Places | None]:
    there = [log for log in logs if log.key in places]
    found = {log.key: log.before(places[log.key], limit, wanted) for log in there}
    lines = _merged(found.values())[-limit:]
    taken = set(lines)
    reached: Places = {}
    for key, one in found.items():
        mine = [line.at for line in one.lines if line in taken]
        left = len(mine) < len(one.lines)
        reached[key] = (mine[0] if mine else places[key]) if left else one.reached
    return lines, reached if any(reached.values()) else None


def _merged(found: Iterable[Found]) -> list[Line]:
    """All lines by time, but those of one log as they stand there, so that what is taken of it has no gaps.

    Where two processes write one file, a line may have an earlier time than the one above it.
    """
    keyed = [
        (time, line.key, line.at, line)
        for one in found
        for time, line in zip(accumulate((line.time for line in one.lines), max), one.lines, strict=True)
    ]
    return [line for *_, line in sorted(keyed)]


def written(places: Places | None) -> str | None:
    """PLACES as a cursor."""
    if places is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(places, separators=(",", ":")).encode()).decode().rstrip("=")


def read(cursor: str) -> Places:
    """The places that CURSOR says.  Raises InputError."""
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        if not isinstance(told, dict) or not all(type(at) is int and 0 <= at < 1 << 62 for at in told.values()):
            raise ValueError
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InputError("the cursor is none of ours", expected="`older` or `newer` of a page") from error
    return told
