"""Sockets of several workers on one port: whose they are, and who is kept out."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest

from aimass.core.errors import InputError
from aimass.serve.workers.sockets import Sockets, bound_sockets, close_all, listen_on_all

HERE = "127.0.0.1"
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux deals connections out")


@pytest.fixture
def some() -> Iterator[list[Sockets]]:
    found = bound_sockets(HERE, [0, 0], 3)
    yield found
    close_all(found)


def port(some: list[Sockets], place: int = 0) -> int:
    return int(some[0][place].getsockname()[1])


def test_every_worker_has_a_socket_on_every_port(some: list[Sockets]) -> None:
    assert [len(mine) for mine in some] == [2, 2, 2] and port(some) != port(some, 1)
    assert {mine[0].getsockname()[1] for mine in some} == {port(some)}


def test_nobody_is_let_in_before_all_listen(some: list[Sockets]) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HERE, port(some)), timeout=10)
    listen_on_all(some, HERE)
    socket.create_connection((HERE, port(some)), timeout=10).close()


@linux
def test_connections_are_dealt_out(some: list[Sockets]) -> None:
    listen_on_all(some, HERE)
    callers = [socket.create_connection((HERE, port(some)), timeout=10) for _ in range(120)]
    counts = []
    for mine in some:
        taken = []
        try:
            while True:
                taken.append(mine[0].accept()[0])
        except BlockingIOError:
            counts.append(len(taken))
        for one in taken:
            one.close()
    for caller in callers:
        caller.close()
    assert sum(counts) == 120 and min(counts) > 10


def test_a_port_where_somebody_listens_is_refused() -> None:
    with socket.create_server((HERE, 0)) as taken, pytest.raises(InputError, match="is taken"):
        bound_sockets(HERE, [taken.getsockname()[1]], 2)


def test_of_two_who_want_the_same_port_the_second_to_listen_is_refused(some: list[Sockets]) -> None:
    other = bound_sockets(HERE, [port(some)], 2)
    listen_on_all(some, HERE)
    with pytest.raises(InputError, match="is taken"):
        listen_on_all(other, HERE)
    close_all(other)
