"""Who hears a console: this machine alone, or others, too; and what is said of it then."""

from __future__ import annotations

import ipaddress


def warning(host: str, *, secure: bool) -> str:
    """What is to be said of a console that listens at HOST; "" where nobody else hears it, or it is SECURE by TLS."""
    if secure or on_this_machine(host):
        return ""
    return (
        f"the console at {host} can be reached by others: passwords are safe only with TLS (--tls-cert, or a proxy's)"
    )


def on_this_machine(host: str) -> bool:
    """Whether who listens at HOST is heard on this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
