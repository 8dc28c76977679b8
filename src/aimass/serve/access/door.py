"""The door of a server, as it is set: who may come in, and whether what is said stays between two.

Without keys anybody who reaches it may ask for anything, which is meant for this machine alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass.core.errors import InputError

if TYPE_CHECKING:
    from aimass.serve.access.access import Access
    from aimass.serve.access.guard import Guard
    from aimass.serve.access.keys import Key
    from aimass.serve.access.tally import Tallies
    from aimass.serve.access.tls import Certificate, Tls


@dataclass(frozen=True)
class Door:
    """KEYS: the file of keys.  TLS: the files of the certificate.  HOUSE: the key of who keeps the server."""

    keys: Path | None = None
    tls: Tls | None = None
    house: Key | None = None

    def open(self, tallies: Tallies | None = None) -> Opened:
        """Read the files.  TALLIES: where other processes see, too, what keys take.  Raises InputError naming the file
        at fault.
        """
        access = certificate = None
        if self.keys is not None:
            from aimass.serve.access.access import Access

            access = Access(self.keys, tallies, self.house)
        if self.tls is not None:
            from aimass.serve.access.tls import Certificate

            certificate = Certificate(self.tls)
        return Opened(access, certificate)

    def warnings(self, host: str) -> list[str]:
        """What is worth a word before it listens at HOST."""
        if is_loopback(host):
            return []
        found = []
        if self.keys is None:
            found.append(f"whoever reaches {host} may ask for everything: --keys FILE asks for keys")
        if self.tls is None:
            found.append(f"what is said to {host} can be read on its way: --tls-cert FILE --tls-key FILE")
        return found


@dataclass(frozen=True)
class Opened:
    """What stands at the door while a server runs."""

    access: Access | None = None
    certificate: Certificate | None = None

    def guard(self, names: Callable[[], Iterable[str]]) -> Guard | None:
        """Who asks for keys, where they are asked for; NAMES are the models there are."""
        if self.access is None:
            return None
        from aimass.serve.access.guard import Guard

        return Guard(self.access, names)

    @property
    def secured(self) -> dict[str, Any]:
        """How a socket is listened on."""
        if self.certificate is None:
            return {}
        from aimass.serve.access.tls import HANDSHAKE

        return {"ssl": self.certificate.context, "ssl_handshake_timeout": HANDSHAKE}

    @property
    def looks(self) -> list[Callable[[], Awaitable[None]]]:
        """What is done twice a second."""
        return [thing.look for thing in (self.access, self.certificate) if thing is not None]

    def health(self) -> dict[str, Any]:
        """Empty when all is well."""
        found: dict[str, Any] = {}
        for thing in (self.access, self.certificate):
            found.update(thing.health() if thing is not None else {})
        return {"access": found} if found else {}

    def close(self) -> None:
        """Save what was counted."""
        if self.access is not None:
            self.access.close()


def door(keys: Path | None, cert: Path | None, key: Path | None, client_ca: Path | None) -> Door:
    """A door from what stands on a command line.  Raises InputError when a setting of TLS lacks another."""
    if cert is None and key is None and client_ca is None:
        return Door(keys)
    from aimass.serve.access.tls import Tls

    if cert is None or key is None:
        lacking = "tls-cert" if cert is None else "tls-key"
        raise InputError(f"TLS needs --{lacking}, too", expected="--tls-cert FILE --tls-key FILE", key=lacking)
    return Door(keys, Tls(cert, key, client_ca))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches HOST."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
