"""Requests and answers as the rest of `serve` sees them: a body of bounded size, a status, JSON.

Knows HTTP, never models.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson

from aimass.serve.http.answers import JSON

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CLIENT = "aimass.client"  # in a scope: whose key was shown, where keys are asked for
WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib's window bits; 47 finds the header by itself


class Refused(Exception):
    """A request that gets an answer other than 200.  `headers` go out with it."""

    def __init__(self, status: int, what: str, *, headers: Iterable[tuple[bytes, bytes]] = (), **more: Any) -> None:
        super().__init__(what)
        self.status, self.headers = status, tuple(headers)
        self.body = {"error": what, **{key: text for key, text in more.items() if text}}


@dataclass(slots=True)
class Answer:
    """What goes back: STATUS, BODY and its type."""

    body: bytes
    status: int = 200
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_answer(value: Any, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    """VALUE as JSON.  Numbers that JSON cannot say (NaN, infinity) become null: an answer is always valid JSON."""
    return Answer(to_json(value), status, JSON, headers)


def to_json(value: Any) -> bytes:
    """Valid JSON in ASCII, so that no text a caller sent can break the encoding of the answer."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
    except ValueError:
        return json.dumps(_finite(value), separators=(",", ":")).encode("ascii")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


class Request:
    """One request under way."""

    __slots__ = ("headers", "id", "limit", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive, limit: int, number: str) -> None:
        self.scope, self.receive, self.limit = scope, receive, limit
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id")
        self.id = given.decode("latin-1")[:128] if given else number

    @property
    def client(self) -> Any:
        """Whose key was shown, where keys are asked for."""
        return self.scope.get(CLIENT)

    async def raw(self) -> bytes:
        """The whole body as it was sent.  Raises Refused: 413 over the limit."""
        length = self.headers.get(b"content-length")
        if length is not None and int(length) > self.limit:
            raise too_large(self.limit)
        return await self._received()

    async def _received(self) -> bytes:
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Refused(499, "the caller has gone")
            parts.append(message.get("body", b""))
            size, more = size + len(parts[-1]), message.get("more_body", False)
            if size > self.limit:
                raise too_large(self.limit)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def body_of(exchange: Any, limit: int) -> bytes:
    """The body of EXCHANGE, unpacked.  Raises Refused."""
    encoding = exchange.head.get(b"content-encoding")
    return exchange.body if encoding is None else unpacked(exchange.body, encoding, limit)


def kind_of(exchange: Any) -> str:
    """The content type of EXCHANGE in small letters, its parameters left out."""
    said: bytes = exchange.head.get(b"content-type", b"")
    return said.decode("latin-1").partition(";")[0].strip().lower()


def unpacked(raw: bytes, encoding: bytes, limit: int) -> bytes:
    """RAW without its content ENCODING, at most LIMIT bytes.  Raises Refused."""
    name = encoding.decode("latin-1").strip().lower()
    if name == "identity":
        return raw
    if name not in WINDOWS:
        raise Refused(415, f"content-encoding {name!r} is not understood", expected="gzip, deflate or none")
    unpacker = zlib.decompressobj(WINDOWS[name])
    try:
        whole = unpacker.decompress(raw, limit + 1)
    except zlib.error as error:
        raise Refused(400, f"the body is not {name}: {error}") from error
    if len(whole) > limit:
        raise too_large(limit)
    if not unpacker.eof:
        raise Refused(400, f"the {name} body ends too early")
    if unpacker.unused_data:  # further members of gzip, too: thousands of empty ones cost more than they weigh
        raise Refused(
            400, f"something follows the end of the {name} body", expected="one stream", to_do="pack it whole"
        )
    return whole


def too_large(limit: int) -> Refused:
    return Refused(413, f"the body is larger than {limit} bytes", to_do="send fewer rows in a request")


def parsed(body: bytes) -> Any:
    """BODY as JSON.  NaN and Infinity are taken, as real clients send them.  Raises Refused."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # or JSON that says NaN; it says better what is wrong, too
        return _parsed(body)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise Refused(400, "the body is nested too deeply to be JSON for a model") from error
    except ValueError as error:
        raise Refused(400, f"the body is not JSON: {error}", expected="a JSON object in UTF-8") from error
