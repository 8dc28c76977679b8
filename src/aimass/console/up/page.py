"""The body that answers at the console's port: control API and pages."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

from aimass.console.up.line import BEAT, Line
from aimass.serve.access.tls import Certificate, Tls

GRACE = 5  # seconds for requests under way


def answer(order: dict[str, Any], line: Line) -> None:
    """Serve the console of the workspace in ORDER at the socket that came with it, until SIGTERM.

    The socket outlives this process: who asks while it is started again waits, and is not refused.
    """
    import uvicorn

    from aimass.console.app import create_app

    certificate = Certificate(Tls(*map(Path, order["tls"]))) if "tls" in order else None
    app = create_app(order["url"], host=order["host"], secure=certificate is not None, keeper=line)
    with socket.socket(fileno=order["socket"]) as bound:
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=GRACE, ws="websockets-sansio",
                                ws_per_message_deflate=False, **believed(order["proxies"]))  # fmt: skip
        config.load()
        if certificate:
            certificate.context.set_alpn_protocols(["http/1.1"])
            config.ssl = certificate.context
        server = uvicorn.Server(config)
        started = server.startup

        async def startup(sockets: list[socket.socket] | None = None) -> None:
            await started(sockets)
            if server.started:
                line.ready(url=order["console"])
                app.state.beating = asyncio.create_task(_beat(line, certificate))  # kept, or it would be collected

        server.startup = startup  # type: ignore[method-assign]
        server.run([bound])


def believed(proxies: list[str]) -> dict[str, Any]:
    """Of uvicorn: who may say in x-forwarded-for who asks, PROXIES alone.

    Else it were every process of this machine: a password could be guessed from as many addresses as one invents, and
    the audit would have them.
    """
    return {"proxy_headers": bool(proxies), "forwarded_allow_ips": proxies}


async def _beat(line: Line, certificate: Certificate | None) -> None:
    """Say that the event loop goes on, as long as it does; take up a renewed CERTIFICATE."""
    while True:
        line.beat()
        if certificate:
            await certificate.look()
        await asyncio.sleep(BEAT)
