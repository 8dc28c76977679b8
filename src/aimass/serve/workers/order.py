"""The first that a worker hears, before it has an event loop: which it is, what is its own, what it serves."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aimass.runner.worker import die_with_parent
from aimass.serve.access.tally import Tallies
from aimass.serve.workers.sockets import Sockets


@dataclass(frozen=True)
class Order:
    """For the seat NUMBER: SOCKETS of all seats, TALLIES that all share, and PLANS, if there are any yet."""

    number: int
    sockets: list[Sockets]
    tallies: Tallies | None
    plans: Mapping[str, Any] | None


def heard(line: socket.socket) -> Order:
    """What comes over LINE; ends this process when nobody is there any more, and with whoever sent it."""
    order = json.loads(_first(line))
    die_with_parent(order["parent"])
    made = {number: socket.socket(fileno=number) for one in order["sockets"] for number in one}
    sockets = [[made[number] for number in one] for one in order["sockets"]]
    return Order(order["number"], sockets, _tallies(order["tallies"]), order["plans"])


def _tallies(number: int | None) -> Tallies | None:
    if number is None:
        return None
    from aimass.serve.access.shared import Shared

    return Shared(number)


def _first(line: socket.socket) -> bytes:
    """The first line, and nothing behind it."""
    line.setblocking(True)
    found = bytearray()
    while not found.endswith(b"\n"):
        part = line.recv(1)
        if not part:
            sys.exit(1)  # the supervisor is gone
        found += part
    line.setblocking(False)
    return bytes(found)
