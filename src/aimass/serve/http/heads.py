"""Heads of requests, parsed once: a client on an open connection sends the same bytes again and again.

A head that is byte for byte one that was parsed before means what it meant then, so it is looked up instead.  Only
heads that leave nothing to decide are kept: a known length, no transfer encoding, no expectation, an open end.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from aimass.serve.http.packing import coding
from aimass.serve.known import Known

END = b"\r\n\r\n"
KEPT = 1024  # heads
LONGEST = 2048  # bytes of a head that is kept
DECIDES = {b"transfer-encoding", b"expect", b"upgrade"}
ONCE = {b"x-request-id", b"traceparent"}  # fields that differ from request to request


class Head:
    """What is said before the body.  ROUTE is who answers it, found when it is first asked; DECISION whether."""

    __slots__ = (
        "decision", "fields", "get", "id", "keep_alive", "length", "method", "packing", "path", "query", "route",
        "version",
    )  # fmt: skip

    def __init__(
        self, method: str, target: bytes, fields: list[tuple[bytes, bytes]], *, version: str = "1.1",
        keep_alive: bool = True,
    ) -> None:  # fmt: skip
        path, _, self.query = target.partition(b"?")
        self.method, self.path = method, unquote_to_bytes(path).decode("utf-8", "replace")
        self.fields, self.version, self.keep_alive = fields, version, keep_alive
        self.get = dict(fields).get  # a field by its name in lower case
        self.length = int(self.get(b"content-length", b"0"))
        self.id = self.get(b"x-request-id", b"")[:128]
        self.packing = coding(self.get(b"accept-encoding"))
        self.route: Any = None
        self.decision: Any = None  # see `access.guard`

    @property
    def plain(self) -> bool:
        """Whether all that follows is a body of the stated length."""
        named = {name for name, _ in self.fields}
        return self.keep_alive and self.version == "1.1" and not named & (DECIDES | ONCE)


class Heads:
    """At most `KEPT` plain heads by their bytes, end included."""

    def __init__(self) -> None:
        self.known = Known[bytes, Head](KEPT)
        self.get = self.known.get

    def keep(self, raw: bytes, head: Head) -> None:
        """Remember that RAW means HEAD, if nothing else can follow, and it may come again."""
        if len(raw) > LONGEST or raw[:1] in b"\r\n" or not head.plain:  # blank lines before a head are not its own
            return
        self.known.keep(raw, head)

    def forget(self) -> None:
        """All of them: who answers what has changed."""
        self.known.clear()
