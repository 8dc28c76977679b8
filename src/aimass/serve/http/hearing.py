"""The request that is coming in on a connection: httptools parses, this bounds what it may take.  RFC 9112."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httptools

from aimass.serve.http.heads import LONGEST, Head

if TYPE_CHECKING:
    from aimass.serve.http.connection import Connection

PACKING = 8  # bytes on the wire for a byte of a chunked body, at most: one-byte chunks take six


class Fault(Exception):
    """Why a request is not heard to its end."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status


class Hearing:
    """Tells CONNECTION `begin` (head, body) of every request that is whole.  After a Fault nothing more is heard."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.front, self.limits = connection, connection.front, connection.front.crowd.limits
        self.parser = httptools.HttpRequestParser(self)
        self.fault: Fault | None = None
        self._between()

    def _between(self) -> None:
        """No request is coming in."""
        self.inside = False
        self.head: Head | None = None
        self.raw = self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.said = 0  # bytes of target and fields
        self.body: bytes | bytearray = b""
        self.away: Any = None  # who answers a head whose body is not kept
        self.dropped = 0  # bytes of it
        self.fed = 0  # bytes since the head began, or since its end

    def feed(self, data: bytes, end: int) -> None:
        """Hear DATA, in which a head ends before END if it begins there.  Raises Fault."""
        if not self.inside:
            self.raw = data[:end] if 3 < end <= LONGEST else b""
        self.fresh = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_as_before(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            raise self.fault or Fault(400, f"this is not HTTP/1.1: {error}") from error
        if self.inside and not self.fresh:
            self.fed += len(data)
            if self.head is None and self.fed > self.limits.head:  # of a field that is not whole nothing is told
                raise Fault(431, f"the head is longer than {self.limits.head} bytes")
            if self.fed > self.limits.head + PACKING * (len(self.body) + self.dropped):
                raise Fault(413, "the body is wrapped in too much")

    def _go_on_as_before(self, rest: bytes) -> None:
        """What an upgrade asks for is not spoken here: the request is heard anew, without that field."""
        head, target = self.head, self.target
        assert head is not None
        self.parser = httptools.HttpRequestParser(self)
        self._between()
        fields = b"".join(b"%b: %b\r\n" % field for field in head.fields if field[0] != b"upgrade")
        self.feed(b"%b %b HTTP/1.1\r\n%b\r\n%b" % (head.method.encode(), target, fields, rest), 0)

    def forget(self) -> None:
        """The request that is coming in: nobody waits for it."""
        self.front.crowd.held -= len(self.body)
        self._between()

    def end(self) -> None:
        """The connection is gone.  Parser and hearing know each other: a ring that only a collection would find."""
        self.forget()
        del self.parser, self.connection

    # -- what httptools tells -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self.inside = self.fresh = True
        self.connection.since = self.front.crowd.now

    def on_url(self, part: bytes) -> None:
        self.target += part
        self.said += len(part)
        if len(self.target) > self.limits.target:
            self._stop(414, f"the target is longer than {self.limits.target} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head is not None:  # behind the body: nobody here reads trailers
            return
        self.fields.append((name.lower(), value))
        self.said += len(name) + len(value)
        if self.said > self.limits.head:
            self._stop(431, f"the head is longer than {self.limits.head} bytes")
        if len(self.fields) > self.limits.fields:
            self._stop(431, f"the head has more than {self.limits.fields} fields")

    def on_headers_complete(self) -> None:
        parser, self.fed = self.parser, 0
        self.head = head = Head(
            parser.get_method().decode("latin-1"), self.target, self.fields,
            version=parser.get_http_version(), keep_alive=parser.should_keep_alive(),
        )  # fmt: skip
        if head.method == "CONNECT":
            self._stop(405, "this is no proxy")
        if head.version == "1.1" and sum(name == b"host" for name, _ in self.fields) != 1:
            self._stop(400, "the head names no host, or several")
        if head.length > self.limits.body:
            self._stop(413, f"the body is larger than {self.limits.body} bytes")
        if self.front.turns_away is not None:
            self.away = self.front.turns_away(head)
        if head.get(b"expect"):
            self.connection.expected()

    def on_body(self, part: bytes) -> None:
        if self.away is not None:
            self.dropped += len(part)
            if self.dropped > self.limits.body:
                self._stop(413, f"the body is larger than {self.limits.body} bytes")
            return
        if not self.body:
            self.body = part
        elif isinstance(self.body, bytes):
            self.body = bytearray(self.body + part)
        else:
            self.body += part
        self.front.crowd.held += len(part)
        if len(self.body) > self.limits.body:
            self._stop(413, f"the body is larger than {self.limits.body} bytes")
        if self.front.crowd.held > self.limits.held:
            self._stop(503, "the server holds all the bodies it may")

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():  # httptools leaves the body out
            return
        head, raw, body, away = self.head, self.raw, bytes(self.body), self.away
        assert head is not None
        self.front.crowd.held -= len(body)
        self._between()
        if away is not None:
            head.route = away
        elif raw:
            self.front.heads.keep(raw, head)
        self.connection.begin(head, body)

    def _stop(self, status: int, what: str) -> None:
        self.fault = Fault(status, what)
        raise self.fault
