"""What one caller may take of the server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Beyond them a caller gets an answer that names the limit, and the connection is closed."""

    head: int = 64 << 10  # bytes of request line and fields
    fields: int = 128  # of a head
    target: int = 8 << 10  # bytes of path and query
    body: int = 32 << 20  # bytes, packed and unpacked
    held: int = 512 << 20  # bytes of bodies, of all callers together
    connections: int = 4096
    pipelined: int = 32  # requests of a connection that wait for their answers
    head_seconds: float = 10.0  # from the first byte of a head to its last
    body_seconds: float = 60.0  # the same of a body
    idle_seconds: float = 75.0  # of a connection without a request
    write_seconds: float = 60.0  # in which a caller takes none of an answer
