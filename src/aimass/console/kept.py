"""What was read of artifacts, kept: they never change, so it is read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any

from aimass.core.errors import StoreError
from aimass.publish.card import headline
from aimass.runner.workspace import Workspace

MOST = 2000  # artifacts of which a few figures are kept


class Kept:
    """What READ says of artifacts of a workspace: the last MOST that were asked for."""

    def __init__(self, read: Callable[[Any], Any], most: int = MOST) -> None:
        self.read, self.most = read, most
        self._known: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._lock = Lock()

    def __call__(self, space: Workspace, digest: str) -> Any:
        """What is to be said of DIGEST; None where its bytes are gone or cannot be read, and then asked again."""
        key = (str(space.folder), digest)
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        try:
            found = self.read(space.open(digest))
        except StoreError:
            return None
        with self._lock:
            self._known[key] = found
            while len(self._known) > self.most:
                self._known.popitem(last=False)
        return found


kept_headline = Kept(headline)
