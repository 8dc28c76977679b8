"""The sockets of several workers on one port, and who else listens there.

Each worker has sockets of its own (SO_REUSEPORT), and the kernel deals connections out evenly.  They are made here, by
the supervisor, and handed down: what waits in the queue of a worker that died waits for the next one, instead of being
reset with the socket.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

from aimass.serve.sockets import BACKLOG, bind, listen

Sockets = list[socket.socket]  # of one worker: a socket a port


def bound_sockets(host: str, ports: Sequence[int], seats: int) -> list[Sockets]:
    """A socket for each of PORTS and each of so many SEATS, bound and not listened on; 0 picks a free port.

    One socket for all where the system does not deal out connections (other than Linux).  Raises InputError.
    """
    found: list[Sockets] = [[] for _ in range(seats)]
    for port in ports:
        first = bind(host, port)  # by itself: it fails where anybody listens, us included
        _share(first)
        for place, mine in enumerate(found):
            mine.append(first if place == 0 or not _dealt() else _beside(first))
    return found


def listen_on_all(all_sockets: Sequence[Sockets], host: str) -> None:
    """Listen.  Raises InputError when another server, ours or not, listens by now."""
    for sockets in zip(*all_sockets, strict=True):
        guard = bind(host, sockets[0].getsockname()[1])  # a port that is shared is taken for all but us
        with guard:
            listen(guard, host)
            _share(guard)
            for sock in dict.fromkeys(sockets):
                sock.listen(BACKLOG)
                sock.setblocking(False)


def close_all(all_sockets: Sequence[Sockets]) -> None:
    for mine in all_sockets:
        for sock in mine:
            sock.close()


def _dealt() -> bool:
    return sys.platform == "linux"


def _share(bound: socket.socket) -> None:
    if _dealt():
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def _beside(first: socket.socket) -> socket.socket:
    other = socket.socket(first.family, first.type, first.proto)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _share(other)
    other.bind(first.getsockname())
    return other
