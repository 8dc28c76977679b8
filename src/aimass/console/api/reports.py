"""Reports: a run or a version of a model as one HTML file that asks nobody for anything."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath
from starlette.requests import Request
from starlette.responses import HTMLResponse

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import MODEL, RUN
from aimass.console.api.bodies import PROBLEMS, Id
from aimass.console.api.runs import run_of
from aimass.console.api.versions import Number, digest_of_version
from aimass.console.place import place_of
from aimass.project.reports.release import report_of_release
from aimass.project.reports.run import report_of_run

router = APIRouter(prefix="/api/v1", tags=["reports"], responses=PROBLEMS)
Name = Annotated[str, InPath(max_length=200)]


@router.get("/runs/{id}/report", response_class=HTMLResponse)
def run(request: Request, id: Id, caller: Caller = needs("runs.see", of=RUN)) -> HTMLResponse:
    """A run as one HTML file."""
    space = place_of(request).workspace
    run_of(space.catalog, id)
    return _saved(report_of_run(space, str(id)), f"run-{id}")


@router.get("/models/{name}/{number}/report", response_class=HTMLResponse)
def version(
    request: Request, name: Name, number: Number, caller: Caller = needs("models.see", of=MODEL)
) -> HTMLResponse:
    """A version of a model as one HTML file."""
    space, digest = digest_of_version(request, name, number)
    return _saved(report_of_release(space, digest), f"{name}-{number}")


def _saved(page: str, name: str) -> HTMLResponse:
    """To be saved, and never shown as a page of ours."""
    headers = {"content-disposition": f'attachment; filename="{name}.html"', "content-security-policy": "sandbox"}
    return HTMLResponse(page, headers=headers)
