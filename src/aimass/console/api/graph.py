"""Netron's files, for those who may see models; the page of a model shows them in a frame."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aimass.console.access.caller import Caller
from aimass.console.access.who import needs
from aimass.console.access.whose import NOBODYS
from aimass.console.graph import netron
from aimass.console.refusals import missing

router = APIRouter(prefix="/graph", include_in_schema=False)
DAY, ASK = "private, max-age=86400", "no-cache"
HEADERS = {"content-security-policy": netron.POLICY, "x-frame-options": "SAMEORIGIN", "vary": "accept-encoding, cookie"}


@router.get("/{name}")
def file(request: Request, name: str, caller: Caller = needs("models.see", of=NOBODYS)) -> Response:
    """A file of Netron by its exact name; its page comes with the consent that it would else ask for."""
    found = netron.file_of(name)
    if found is None:
        raise missing("there is nothing here")
    plain, packed, kind, tag = found
    index = name == netron.INDEX
    headers = {**HEADERS, "cache-control": ASK if index else DAY, "etag": tag, "content-type": kind}
    if index:
        headers["set-cookie"] = f"consent=1; Path={request.scope.get('root_path', '')}/graph; SameSite=Strict"
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if packed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, headers={**headers, "content-encoding": "gzip"})
    return Response(plain, headers=headers)
