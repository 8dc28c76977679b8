"""A closed-loop HTTP/1.1 client in a process of its own:  python -m aimass.measure.client < plan.json

N kept-alive connections, each with exactly one request under way; the next is sent when the answer is whole.  One
thread and an epoll loop on plain sockets, because the time a client spends parsing would be booked to the server.
The answer is one JSON line: seconds of every request, and what went wrong.
"""

from __future__ import annotations

import gc
import json
import selectors
import socket
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

from aimass.measure.child import plan_given

SILENCE = 30.0  # seconds without any answer: the server hangs
EXAMPLES = 3  # of what went wrong


@dataclass
class Tally:
    """What to send, what came back."""

    requests: list[bytes]
    left: int
    sent: int = 0
    ns: list[int] = field(default_factory=list)
    errors: int = 0
    examples: list[str] = field(default_factory=list)

    def next(self) -> bytes | None:
        if self.left == 0:
            return None
        self.left -= 1
        self.sent += 1
        return self.requests[self.sent % len(self.requests)]

    def wrong(self, what: str) -> None:
        self.errors += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(what)


class Connection:
    """One kept-alive connection with at most one request under way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=SILENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.begin = b"", 0

    def send(self, request: bytes) -> None:
        self.buffer = b""
        self.begin = perf_counter_ns()
        self.socket.sendall(request)

    def receive(self) -> tuple[int, bytes] | None:
        """(status, body) when the answer is whole, None when more is to come.  Raises OSError when it is lost."""
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise OSError("the server closed the connection")
        self.buffer += piece
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = _length(head)
        return (int(head[9:12]), body) if len(body) >= length else None


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise OSError("an answer without content-length")


def turn(connection: Connection, tally: Tally) -> bool:
    """Take in what CONNECTION has; when an answer is whole, send the next.  False when it has no more to do."""
    try:
        answer = connection.receive()
        if answer is None:
            return True
        tally.ns.append(perf_counter_ns() - connection.begin)
        if answer[0] != 200:
            tally.wrong(f"{answer[0]}: {answer[1][:300].decode(errors='replace')}")
        request = tally.next()
        if request is None:
            return False
        connection.send(request)
        return True
    except (OSError, ValueError) as error:
        tally.wrong(str(error))
        return False


def drive(connections: list[Connection], tally: Tally) -> None:
    """Keep every connection busy until all of TALLY is sent and answered."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            request = tally.next()
            if request is None:
                break
            connection.send(request)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        while selector.get_map():
            ready = selector.select(SILENCE)
            if not ready:
                tally.wrong(f"no answer in {SILENCE:.0f} s")
                return
            for key, _ in ready:
                if not turn(key.data, tally):
                    selector.unregister(key.data.socket)


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Warm up, then measure; one tally each, on the same connections."""
    address = (plan["host"], plan["port"])
    requests = [_request(plan["path"], body.encode(), address) for body in plan["bodies"]]
    connections = [Connection(address) for _ in range(plan["clients"])]
    try:
        warm = Tally(requests, plan["warmups"])
        drive(connections, warm)
        gc.collect()
        gc.disable()  # a collection belongs to this program, not to the server
        tally = Tally(requests, 0 if warm.errors else plan["samples"])
        drive(connections, tally)
    finally:
        for connection in connections:
            connection.socket.close()
    return {"ns": tally.ns, "errors": warm.errors + tally.errors, "examples": warm.examples + tally.examples}


def _request(path: str, body: bytes, address: tuple[str, int]) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {address[0]}:{address[1]}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    print(json.dumps(run(plan_given())))
