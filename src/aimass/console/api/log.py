"""What all processes, jobs and runs say, as one stream: searched, followed, saved, each line with an address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import StreamingResponse

from aimass.console.access.caller import Caller
from aimass.console.access.taken import note_taken
from aimass.console.access.who import needs
from aimass.console.access.whose import LISTED
from aimass.console.api.bodies import PROBLEMS
from aimass.console.logs import stream
from aimass.console.logs.line import Line, Log, Wanted
from aimass.console.place import Place, place_of
from aimass.console.turn import Turn
from aimass.core.errors import InputError

router = APIRouter(prefix="/api/v1/log", tags=["log"], responses=PROBLEMS)
BLOCK = 5000  # lines that are written at once
TEXT = "text/plain; charset=utf-8"
_turn = Turn("others search the logs", at_once=2)  # a rare word is looked for in all there is
LINE = r"^([a-z0-9.-]{1,64}:[0-9]{1,18})?$"

Level = Literal["info", "warning", "error"]
Of = Annotated[str, Query(max_length=100, description=f"whose, with commas between: {', '.join(stream.FAMILIES)}")]
Text = Annotated[str, Query(max_length=200, description="only lines with this in them")]
Cursor = Annotated[str, Query(max_length=4000, pattern=r"^[\w-]*$")]


class Said(BaseModel):
    """A line: whose log it stands in (KEY: "jobs-1", "job-12", "runs"), how bad it is by its words, of which run."""

    id: str
    time: str
    of: str
    key: str
    level: Level
    text: str
    run: int | None


class Page(BaseModel):
    """Lines, oldest first. `older` is `before` of what was said before them, null where nothing was; `newer` is `after`
    of what comes, null where that was not asked for.
    """

    lines: list[Said]
    older: str | None
    newer: str | None


@router.get("", response_model=Page)
def lines(
    request: Request, of: Of = "", level: Level = "info", text: Text = "", before: Cursor = "", after: Cursor = "",
    line: Annotated[str, Query(pattern=LINE, description="lines before and after this one")] = "",
    limit: Annotated[int, Query(ge=1, le=BLOCK)] = 1000, caller: Caller = needs("log.see", of=LISTED),
) -> Any:  # fmt: skip
    """The last lines; those `before` or `after` a place; or those around a line."""
    logs, wanted = _logs(place_of(request), of), Wanted(text, level)
    with nullcontext() if wanted == Wanted() else _turn:
        if line:
            key, _, at = line.partition(":")
            found = stream.around(logs, key, int(at), limit, wanted)
        elif after:
            found = stream.newer(logs, stream.read(after), limit, wanted)
        elif before:
            found = stream.older(logs, stream.read(before), limit, wanted)
        else:
            found = stream.latest(logs, limit, wanted)
    ends = {"older": stream.written(found.older), "newer": stream.written(found.newer)}
    return {"lines": [_said(one) for one in found.lines], **ends}


@router.get("/text", response_class=StreamingResponse, responses={200: {"content": {"text/plain": {}}}})
def text(
    request: Request, of: Of = "", level: Level = "info", text: Text = "", caller: Caller = needs("log.see", of=LISTED)
) -> StreamingResponse:
    """All lines from the first on, as text."""
    place = place_of(request)
    logs = _logs(place, of)
    note_taken(request, caller, "log.download", of or "all", {"level": level, "text": text})
    headers = {"content-disposition": 'attachment; filename="aimass.log"'}
    return StreamingResponse(_all(place, logs, Wanted(text, level)), media_type=TEXT, headers=headers)


async def _all(place: Place, logs: list[Log], wanted: Wanted) -> AsyncIterator[str]:
    """All lines, page by page: who saves them waits for others who do, and nobody else for them."""
    places: stream.Places = {}
    while True:
        page = await run_sync(stream.newer, logs, places, BLOCK, wanted, limiter=place.saving)
        yield "".join(f"{line.time} {line.key} {line.text}\n" for line in page.lines)
        if page.newer == places or page.newer is None:
            return
        places = page.newer


def _logs(place: Place, of: str) -> list[Log]:
    families = [word for word in of.split(",") if word]
    if strange := [word for word in families if word not in stream.FAMILIES]:
        raise InputError(f"nobody's log is called {strange[0]!r}", expected=f"some of: {', '.join(stream.FAMILIES)}",
                         key="of")  # fmt: skip
    return stream.logs_of(place.workspace, families)


def _said(line: Line) -> dict[str, Any]:
    told = {"id": f"{line.key}:{line.at}", "time": line.time, "of": stream.family_of(line.key), "key": line.key}
    return {**told, "level": line.level, "text": line.text, "run": line.run}
