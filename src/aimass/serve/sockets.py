"""Sockets a server listens on: had or refused in words, and closed without losing a caller."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import socket
import struct
import sys

from aimass.core.errors import InputError

BACKLOG = 2048
SO_ATTACH_FILTER = 26  # asm-generic/socket.h


def bind(host: str, port: int) -> socket.socket:
    """A bound socket.  Raises InputError when HOST is no address of this machine or PORT cannot be had."""
    if not 0 <= port <= 65535:
        raise InputError(f"port {port} does not exist", expected="0 to 65535; 0 picks a free one", key="port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise InputError(
            f"no address is known for host {host!r}", expected="a name or an address", key="host"
        ) from error
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _unavailable(error, host, port) from error
    return bound


def listen(bound: socket.socket, host: str) -> None:
    try:
        bound.listen(BACKLOG)
    except OSError as error:  # another program bound the same port at the same time
        raise _unavailable(error, host, bound.getsockname()[1]) from error
    bound.setblocking(False)


def _unavailable(error: OSError, host: str, port: int) -> InputError:
    if error.errno == errno.EADDRINUSE:
        return InputError(
            f"port {port} of {host} is taken",
            expected="a free port",
            todo="stop the program that listens there, or choose another: --port 0 picks a free one",
            key="port",
        )
    return InputError(
        f"cannot listen on port {port} of {host}: {error.strerror}",
        expected="an address of this machine and a port this user may open",
        todo="try --host 127.0.0.1 and a port above 1023",
        key="host" if error.errno == errno.EADDRNOTAVAIL else "port",
    )


def no_more_knocks(listener: socket.socket) -> None:
    """From here on the kernel drops what would open a connection to LISTENER, and lets pass what open ones send.

    Between the last accept and the close a caller could still be let in by the kernel, and then be reset with its
    request on the way.  With this filter (classic BPF on the 14th byte of the TCP header, its flags: a SYN without an
    ACK is dropped) that caller knocks again a second later and is refused cleanly.  Linux only; elsewhere the moment
    between accept and close stays, and a caller who falls into it has to ask again.
    """
    if sys.platform != "linux":
        return
    flags, syn, ack = 13, 0x02, 0x10
    load_byte, jump_if_set, leave = 0x30, 0x45, 0x06
    lines = [(load_byte, 0, 0, flags), (jump_if_set, 2, 0, ack), (jump_if_set, 0, 1, syn), (leave, 0, 0, 0)]
    lines.append((leave, 0, 0, 0xFFFFFFFF))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    attach = struct.pack("HL", len(lines), ctypes.addressof(program))
    with contextlib.suppress(OSError):  # a container may forbid it: then as elsewhere
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, attach)


def knocked(bound: socket.socket) -> list[socket.socket]:
    """Connections the kernel has made and nobody has accepted: closing the listener would reset them."""
    found = []
    with contextlib.suppress(OSError):
        while True:
            found.append(bound.accept()[0])
    return found
