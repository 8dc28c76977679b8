"""Records for an endpoint, as any caller would send them; its refusals become ours, with the field they are about."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from aimass.console.beside import Answer, asked, url_of
from aimass.console.refusals import Refusal
from aimass.runner.workspace import Workspace

PATIENCE = 30.0  # seconds over the budget of an explanation
MEANT = {400: 422, 404: 404, 409: 409, 413: 413, 415: 422, 422: 422, 429: 429}  # statuses of the server, and ours


def path_of(name: str, version: str) -> str:
    """Where records for VERSION of NAME go; for no version to whoever has its turn."""
    return f"/v1/predict/{quote(name, safe='')}" + (f"/versions/{quote(version, safe='')}" if version else "")


def predicted(
    space: Workspace, name: str, version: str, body: Mapping[str, Any], *, resize: bool = False, id: str = ""
) -> dict[str, Any]:
    """What NAME answers to BODY, {"records": [...], "explain"?: ...}, and milliseconds until it was here.

    ID is the request's in the prediction log.  Raises Refusal: 422 whose key is the field at fault, 404, 413, 429, 503.
    """
    url_of(space)  # who is not there is not waited for
    path = path_of(name, version) + ("?resize=true" if resize else "")
    budget = float((body.get("explain") or {}).get("budget_ms", 0)) / 1000
    begun = time.perf_counter()
    answer = asked(space, "POST", path, body, seconds=PATIENCE + budget, headers={"x-request-id": id} if id else None)
    took = 1000 * (time.perf_counter() - begun)
    if not answer.good:
        raise refusal_of(answer)
    said = answer.json()
    return {"model": said["model"], "predictions": said["predictions"], "explain": said.get("explain"),
            "milliseconds": round(took, 3)}  # fmt: skip


def refusal_of(answer: Answer) -> Refusal:
    """What the server has against a request, in our words for it."""
    told: dict[str, Any] = {}
    with suppress(ValueError, AttributeError):  # words of something in between
        told = {key: str(value) for key, value in answer.json().items() if value is not None}
    wait = {"retry-after": answer.headers["retry-after"]} if "retry-after" in answer.headers else {}
    hints = {"expected": told.get("expected", ""), "todo": told.get("to_do", ""), "key": told.get("key", "")}
    return Refusal(MEANT.get(answer.status, 503), answer.why(), headers=wait, **hints)
