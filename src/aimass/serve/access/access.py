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
from aimass.serve.access.keys import Key
from aimass.serve.access.quotas import quotas_beside
from aimass.serve.access.tally import Tallies


class Access:
    """The keys in the file at PATH.  Raises InputError when it cannot be read; later on the old keys stay.

    HOUSE is the key of who keeps this server, beside those of the file.  TALLIES: where it is counted what they take.
    Those that are shared are saved by whoever shares them out.
    """

    def __init__(self, path: Path, tallies: Tallies | None = None, house: Key | None = None) -> None:
        self.path, self.house = path, [house] if house else []
        self.stamp: Stamp | None = None  # None: to be read again
        self.quotas = quotas_beside(path, tallies)
        self.keys = read_keys(path)
        self.clients = Clients([*self.house, *self.keys], self.quotas)
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
        if time.monotonic() - self.saved >= 1 and not self.quotas.tallies.shared:
            self.saved = time.monotonic()
            await self.quotas.saving()

    async def _reread(self, stamp: Stamp) -> None:
        """A mistake in the file is said at the health path, and must not lock everybody out.  To no key at all a file
        comes only while somebody writes it anew; `aimass keys revoke` keeps the lines.
        """
        self.stamp = stamp if settled(stamp) else None
        try:
            keys = await asyncio.to_thread(read_keys, self.path)
            if self.keys and not keys:
                raise InputError(f"{self.path} is empty")
            if keys != self.keys:
                self.clients.change([*self.house, *keys])
        except InputError as error:
            self.error = error.what
            return
        self.error = ""
        if keys != self.keys:
            self.keys = keys
            self._changed()

    def _changed(self) -> None:
        self.generation += 1
        self.next_end = self.clients.next_end()

    def health(self) -> dict[str, Any]:
        """Empty when all is well."""
        keys = {"keys": f"{self.error}; the keys before that count"} if self.error else {}
        return {**keys, **self.quotas.health()}

    def close(self) -> None:
        """Save what was used."""
        if not self.quotas.tallies.shared:
            self.quotas.save()
