"""A tiny proxy: puts a console under a path as a web server would, and can cut every line through it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

HEAD = 1 << 16  # bytes of a request's head


class Proxy:
    """To PORT of this machine, under PREFIX ("/team/ml"), which it takes off."""

    def __init__(self, port: int, prefix: str = "") -> None:
        self.to, self.prefix, self.port = port, prefix, 0
        self.deaf = False
        self.open: set[asyncio.StreamWriter] = set()
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}/"

    def cut(self) -> None:
        """Break all lines, and let nobody through until `mend`."""
        self.deaf = True
        self.loop.call_soon_threadsafe(self._break)

    def mend(self) -> None:
        self.deaf = False

    def _break(self) -> None:
        for writer in self.open:
            writer.transport.abort()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD))
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()
        server.close()
        self._break()
        self.loop.run_until_complete(asyncio.sleep(0.05))
        self.loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection, and then bytes both ways: a socket of the web's is such a request."""
        self.open.add(writer)
        try:
            if not self.deaf:
                head = self._told(await reader.readuntil(b"\r\n\r\n"))
                there, back = await asyncio.open_connection("127.0.0.1", self.to)
                back.write(head)
                await asyncio.gather(_pump(reader, back), _pump(there, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    def _told(self, head: bytes) -> bytes:
        first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
        method, path, version = first.split(b" ")
        if self.prefix:
            assert path.startswith(self.prefix.encode() + b"/"), f"{path!r} left its place"
            path = path[len(self.prefix) :]
        kept = [line for line in lines if not line.lower().startswith(b"connection:")]
        upgrade = any(line.lower().startswith(b"upgrade:") for line in lines)
        kept.append(b"connection: upgrade" if upgrade else b"connection: close")
        kept += [b"x-forwarded-prefix: " + self.prefix.encode()] if self.prefix else []
        return b"\r\n".join([b" ".join([method, path, version]), *kept, b"", b""])


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while said := await reader.read(1 << 16):
            writer.write(said)
            await writer.drain()
    writer.close()


@contextmanager
def proxied(port: int, prefix: str = "") -> Iterator[Proxy]:
    """A proxy to PORT, gone afterwards."""
    proxy = Proxy(port, prefix)
    thread: Any = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    assert proxy.ready.wait(10)
    try:
        yield proxy
    finally:
        proxy.loop.call_soon_threadsafe(proxy.loop.stop)
        thread.join(10)
