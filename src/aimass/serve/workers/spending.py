"""What the holders of keys take of all workers together: in memory that outlives each of them, and in the file."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from aimass.serve.access.quotas import quotas_beside
from aimass.serve.access.shared import Shared, shared_tallies

PERIOD = 1.0  # seconds between two times that quotas are saved


class Spending:
    """By the keys in the file KEYS.  NUMBER is the descriptor that workers are given."""

    def __init__(self, keys: Path) -> None:
        self.number = shared_tallies()
        self.quotas = quotas_beside(keys, Shared(self.number))
        self.saved = time.monotonic()

    async def look(self) -> None:
        """Save what was taken, once a second at most."""
        if time.monotonic() - self.saved >= PERIOD:
            self.saved = time.monotonic()
            await self.quotas.saving()

    def health(self) -> dict[str, Any]:
        """Empty when all is well."""
        found = self.quotas.health()
        return {"access": found} if found else {}

    def close(self) -> None:
        """Save the rest, when all workers have ended."""
        self.quotas.save()
        os.close(self.number)
