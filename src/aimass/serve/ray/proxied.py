"""What Ray's proxy calls: requests go to the application as they are, answers are packed as at a replica's own port."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from aimass.serve.http.packing import AT_ONCE, SMALL, coding, packed
from aimass.serve.messages import Receive, Scope, Send


class Proxied:
    """APP with a beginning and an end, and without web sockets."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            how = coding(dict(scope["headers"]).get(b"accept-encoding"))
            await self.app(scope, receive, Packing(send, how) if how else send)
        elif scope["type"] == "lifespan":
            for expected in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{expected}.complete"})
        else:
            await send({"type": "websocket.close", "code": 1003, "reason": "there are no web sockets here"})


class Packing:
    """`send`, which packs good answers HOW their caller asks."""

    def __init__(self, send: Send, how: bytes) -> None:
        self.send, self.how = send, how
        self.start: MutableMapping[str, Any] = {}

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            return
        body = message["body"]
        if self.start["status"] == 200 and len(body) > SMALL:
            body = packed(body, self.how) if len(body) <= AT_ONCE else await asyncio.to_thread(packed, body, self.how)
            kept = [field for field in self.start["headers"] if field[0] != b"content-length"]
            told = (
                (b"content-length", b"%d" % len(body)),
                (b"content-encoding", self.how),
                (b"vary", b"accept-encoding"),
            )
            self.start["headers"] = [*kept, *told]
        await self.send(self.start)
        await self.send({**message, "body": body})
