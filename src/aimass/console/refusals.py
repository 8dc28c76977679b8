"""Errors that have a status of HTTP, and the one place where every error becomes an answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket

from aimass.core.errors import AimassError, InfeasibleError, InputError, StoreError

log = logging.getLogger("aimass.console")
WORDS = {404: "there is nothing here", 405: "this cannot be done here", 413: "the request is too large"}


class Refusal(AimassError):
    """Not this, and why: STATUS of HTTP, MORE fields of the answer, HEADERS."""

    def __init__(self, status: int, what: str, *, expected: str = "", todo: str = "", key: str = "",
                 headers: Mapping[str, str] | None = None, **more: Any) -> None:  # fmt: skip
        super().__init__(what, expected=expected, todo=todo, key=key)
        self.status, self.headers, self.more = status, dict(headers or {}), more


def missing(what: str) -> Refusal:
    """404."""
    return Refusal(404, what)


def taken(what: str, *, expected: str = "", todo: str = "", key: str = "") -> Refusal:
    """409: it contradicts what is."""
    return Refusal(409, what, expected=expected, todo=todo, key=key)


def translate(app: FastAPI) -> None:
    """Let every error of APP be answered as JSON: {"error", "expected"?, "to_do"?, "key"?, "request"}."""
    handled: dict[type[Exception], Any] = {
        AimassError: _ours, RequestValidationError: _invalid, HTTPException: _plain, Exception: _unexpected,
    }  # fmt: skip
    for kind, answer in handled.items():
        app.add_exception_handler(kind, answer)


async def _ours(request: HTTPConnection, error: Exception) -> Response | None:
    assert isinstance(error, AimassError)
    return await _answer(request, error)


async def _invalid(request: HTTPConnection, error: Exception) -> Response | None:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        why = first.get("ctx", {}).get("error", "")
        return await _answer(request, InputError(f"the body is not JSON: {why}", expected="a JSON object"))
    place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
    what = f"{place}: {first['msg']}" if place else str(first["msg"])
    return await _answer(request, InputError(what[:500], todo="see api/v1/openapi.json", key=place[:200]))


async def _plain(request: HTTPConnection, error: Exception) -> Response | None:
    assert isinstance(error, HTTPException)
    what = WORDS.get(error.status_code, str(error.detail))
    return await _answer(request, Refusal(error.status_code, what, headers=error.headers))


async def _unexpected(request: HTTPConnection, error: Exception) -> Response | None:
    log.error("request %s failed", _id(request), exc_info=error)
    todo = f"look for {_id(request)} in the log of the console"
    return await _answer(request, Refusal(500, "the console failed at this", todo=todo))


async def _answer(request: HTTPConnection, error: AimassError) -> Response | None:
    found = error.as_json()
    told = {name: found[name] for name in ("error", "expected", "to_do", "key") if found.get(name)}
    more = error.more if isinstance(error, Refusal) else {}
    headers = error.headers if isinstance(error, Refusal) else {}
    body = {**told, **more, "request": _id(request)}
    response = JSONResponse(body, status_of(error), {"cache-control": "no-store", **headers})
    if not isinstance(request, WebSocket):
        return response
    await request.send_denial_response(response)
    return None


def status_of(error: AimassError) -> int:
    """What HTTP calls ERROR."""
    if isinstance(error, Refusal):
        return error.status
    if isinstance(error, StoreError):
        return 503
    return 422 if isinstance(error, InputError | InfeasibleError) else 500


def _id(request: HTTPConnection) -> str:
    return str(request.scope.get("aimass.request", ""))
