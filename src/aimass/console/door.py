"""What stands in front of all routes: the prefix under which we live, an id for each request, where it comes from.

Knows nothing of users.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from urllib.parse import quote, urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aimass.console.refusals import WORDS

log = logging.getLogger("aimass.console")
PREFIX = re.compile(r"(/[A-Za-z0-9._~-]{1,100}){1,10}")
LONG = 300  # letters of a path that a log tells
SAFE = ("GET", "HEAD", "OPTIONS")
LOG = "/api/v1/log"  # who follows the log would read for ever that it was read
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",  # of the drawing of a graph
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Prefix:
    """Lets APP live under any path: the server's root path, or what a proxy tells as x-forwarded-prefix.

    It does not matter whether the proxy takes the prefix off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            told = Headers(scope=scope).get("x-forwarded-prefix", "").rstrip("/")
            root = (told if PREFIX.fullmatch(told) else scope.get("root_path", "")).rstrip("/")
            path = scope["path"]
            inside = path == root or path.startswith(f"{root}/")
            scope = {**scope, "root_path": root, "path": path if inside else root + path}
            if root and scope["path"] == root and scope["type"] == "http":  # addresses in pages are relative
                await RedirectResponse(f"{root.rpartition('/')[2]}/", 308)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Marked:
    """Gives each request an id, and each answer of APP that id and the headers that keep a page safe."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        id, began = secrets.token_hex(6), time.perf_counter()
        scope["aimass.request"] = id

        async def marked(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                took = 1000 * (time.perf_counter() - began)
                say = log.debug if scope["path"].endswith(LOG) and message["status"] == 200 else log.info
                say("%s %s %d in %.1f ms, request %s", scope.get("method", "socket"), told(scope["path"]),
                    message["status"], took, id)  # fmt: skip
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = id
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, marked)


def told(path: str) -> str:
    """PATH in a log: as it came over the network, so that it ends no line and colours none; cut where it is long."""
    return quote(path[:LONG], safe="/:@!$&'()*+,;=~", errors="replace") + ("..." if len(path) > LONG else "")


class Bounded:
    """Refuses a body of more than LARGEST bytes: at once where it says so, else as soon as it is; and odd addresses."""

    def __init__(self, app: ASGIApp, largest: int) -> None:
        self.app, self.largest = app, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = self.largest

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b"")) if message["type"] == "http.request" else 0
            if left < 0:
                raise HTTPException(413)
            return message

        if scope["type"] != "lifespan" and ("\0" in scope["path"] or b"%00" in scope["query_string"]):
            what = {"error": "the address holds the letter 0", "expected": "text that a database can keep"}
            await JSONResponse({**what, "request": scope["aimass.request"]}, 400)(scope, receive, send)
            return
        size = Headers(scope=scope).get("content-length", "0") if scope["type"] == "http" else "0"
        if size.isdigit() and int(size[:20]) <= self.largest:
            await self.app(scope, counted, send)
            return
        what = {"error": WORDS[413], "expected": f"at most {self.largest} bytes"}
        await JSONResponse({**what, "request": scope["aimass.request"]}, 413)(scope, receive, send)


class SameOrigin:
    """Refuses changes and sockets that a page of another origin asks APP for.

    A browser says where a page comes from; who says nothing is no browser.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watched = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in SAFE)
        if not watched or ours(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        what = {"error": "a page of another origin may not do this", "expected": "a page of this console",
                "to_do": "behind a proxy, let it pass host or x-forwarded-host"}  # fmt: skip
        await JSONResponse({**what, "request": scope["aimass.request"]}, 403)(scope, receive, send)


def ours(headers: Headers) -> bool:
    """Whether the page behind HEADERS was served by us, as far as its browser says."""
    site = headers.get("sec-fetch-site")  # no page can change it, and it knows nothing of proxies
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(host) and host in (headers.get("host", "").lower(), headers.get("x-forwarded-host", "").lower())
