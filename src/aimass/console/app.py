"""The application: control API, live socket and front end of one workspace, under any path."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from aimass import __version__
from aimass.console import api, exports
from aimass.console.access.links import opened
from aimass.console.access.roles import PERMISSIONS, WIDE
from aimass.console.access.who import rule_of, whose_of
from aimass.console.door import Bounded, Marked, Prefix, SameOrigin
from aimass.console.heard import warning
from aimass.console.pages import BUILT, Pages
from aimass.console.parameters import effect
from aimass.console.parameters.own import dials_of
from aimass.console.place import Place
from aimass.console.refusals import translate
from aimass.console.up.line import Line

log = logging.getLogger("aimass.console")
LARGEST = 1 << 20  # bytes of a body
TIDY = 3600.0  # seconds between looks for exports that are a day old
OPENAPI = "/api/v1/openapi.json"


def create_app(
    workspace: str, *, host: str = "127.0.0.1", secure: bool = False, static: Path | None = None,
    keeper: Line | None = None,
) -> FastAPI:  # fmt: skip
    """The console of WORKSPACE (a folder, or a workspace's `url`), as an ASGI application.

    host    where it will listen: elsewhere than on this machine it warns of what goes over the network...
    secure  ...unless it speaks TLS
    static  the folder of the front end (default: as it was built)
    keeper  the way to `aimass up`, where that has started it
    Raises StoreError when the workspace cannot be opened.
    """
    app = FastAPI(title="AI Mass control API", version=__version__, openapi_url=OPENAPI, docs_url=None, redoc_url=None,
                  redirect_slashes=False, lifespan=looking)  # fmt: skip
    space = opened(workspace)
    app.state.place = place = Place(space, keeper=keeper)
    place.dials = dials_of(place)
    place.ring.then = partial(effect.settle, place)
    if keeper is not None:
        keeper.offer(place.dials)
    for router in api.ROUTERS:
        app.router.routes.extend(router.routes)
    check_rules(app)
    translate(app)
    app.router.routes.append(Route("/{rest:path}", Pages(static or BUILT).answer, methods=["GET"]))
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)  # 9: 4 % less, six times as long
    app.add_middleware(Bounded, largest=LARGEST)
    app.add_middleware(SameOrigin)
    app.add_middleware(Prefix)
    app.add_middleware(Marked)  # the outermost
    if said := warning(host, secure=secure):
        log.warning(said)
    return app


@asynccontextmanager
async def looking(app: FastAPI) -> AsyncIterator[None]:
    """While APP answers, the figures of its endpoints are kept, and what was left lying is removed."""
    place: Place = app.state.place
    tidying = asyncio.create_task(_tidy(place.workspace.folder))
    with place.ring.looking():
        try:
            yield
        finally:
            tidying.cancel()


async def _tidy(folder: Path) -> None:
    while True:
        await asyncio.to_thread(exports.sweep, folder)
        await asyncio.sleep(TIDY)


def check_rules(app: FastAPI) -> None:
    """Raises AssertionError when a route of APP does not say what it needs, and whose things it is about."""
    for route in app.routes:
        if isinstance(route, APIRoute | APIWebSocketRoute):
            rule, whose = rule_of(route.dependant), whose_of(route.dependant)
            assert rule is not None, f"{route.path} does not say what it needs"
            free = rule in WIDE or rule not in PERMISSIONS
            assert (whose is None) == free, f"{route.path} does not say whose things it is about"
