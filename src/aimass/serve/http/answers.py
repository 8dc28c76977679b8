"""Answers as bytes of HTTP/1.1: a head whose parts are made once a second, and a body of known size."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus

JSON = b"application/json"  # exactly: the KServe client shows an error's text for no other spelling
PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus} | {499: b"Client Closed Request"}


class Clock:
    """The date, as heads say it.  `tick` once a second."""

    def __init__(self) -> None:
        self.tick()

    def tick(self) -> None:
        self.date = formatdate(usegmt=True).encode()
        self.lines: dict[int, bytes] = {}

    def line(self, status: int) -> bytes:
        """Status line and date."""
        found = self.lines.get(status)
        if found is None:
            phrase = PHRASES.get(status, b"Unknown")
            found = self.lines[status] = b"HTTP/1.1 %d %b\r\ndate: %b\r\n" % (status, phrase, self.date)
        return found

    def head(self, status: int, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Of an answer with these FIELDS."""
        return b"%b%b\r\n" % (self.line(status), b"".join(b"%b: %b\r\n" % field for field in fields))

    def answer(
        self, status: int, body: bytes, kind: bytes = JSON, fields: Iterable[tuple[bytes, bytes]] = (), *,
        close: bool = False, bare: bool = False,
    ) -> bytes:  # fmt: skip
        """The whole answer.  CLOSE says that it is the connection's last; BARE leaves the body out, as HEAD asks."""
        told = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *fields]
        if close:
            told.append((b"connection", b"close"))
        head = self.head(status, told)
        return head if bare else head + body
