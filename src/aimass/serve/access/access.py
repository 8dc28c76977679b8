"""The keys of a server while it runs: read again when their file changes, ended when their time is over.

`generation` changes whenever an earlier decision may be wrong; who keeps one looks at it.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from aimass.core.errors import InputError
from aimass.serve.access.clients import Clients
from aimass.serve.access.file import Stamp, read_keys, settled, stamp_of
from aimass.serve.access.quotas import Quotas


class Access:
    """The keys in the file at PATH.  Raises InputError when it cannot be read; later on the old keys stay."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stamp: Stamp | None = None  # None: to be read again
        self.quotas = Quotas(path.with_name(path.name + ".used"))
        self.keys = read_keys(path)
        self.clients = Clients(self.keys, self.quotas)
        self.next_end = self.clients.next_end()
        self.saved = time.monotonic()
        self.generation = 1
        self.error = ""

    async def look(self) -> None:
        """Take up what changed; save what was used, once a second at most."""
        stamp = stamp_of(self.path)
        if stamp != self.stamp:
            await self._reread(stamp)
        if time.time() >= self.next_end:
            self._changed()
        if time.monotonic() - self.saved >= 1:
            await self._save()

    async def _reread(self, stamp: Stamp) -> None:
        """A mistake in the file is said at the health path, and must not lock everybody out.  To no key at all a file
        comes only while somebody writes it anew; `aimass keys revoke` keeps the lines.
        """
        self.stamp = stamp if settled(stamp) else None
        try:
            keys = await asyncio.to_thread(read_keys, self.path)
        except InputError as error:
            self.error = error.what
            return
        if self.keys and not keys:
            self.error = f"{self.path} is empty"
            return
        self.error = ""
        if keys != self.keys:
            self.keys = keys
            self.clients.change(keys)
            self._changed()

    def _changed(self) -> None:
        self.generation += 1
        self.next_end = self.clients.next_end()

    async def _save(self) -> None:
        news = self.quotas.news()
        if news:
            self.saved = time.monotonic()
            await asyncio.to_thread(self.quotas.write, news)
            self.quotas.settle(news)

    def health(self) -> dict[str, Any]:
        """Empty when all is well."""
        told = {"keys": self.error and f"{self.error}; the keys before that count", "quotas": self.quotas.error}
        return {name: text for name, text in {**told, "counts": self.quotas.lost}.items() if text}

    def close(self) -> None:
        """Save what was used."""
        self.quotas.save()
