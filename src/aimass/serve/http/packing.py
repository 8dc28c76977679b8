"""Answers packed as their callers ask: with gzip or deflate, and no more effort than a network repays.

A caller asks by naming the one coding it wants, as tritonclient and Prometheus do.  The lists that most clients send
with every request say what they could read, not that they wait for it, and packing takes longer than a near network.
"""

from __future__ import annotations

import zlib

WINDOWS = {b"gzip": 31, b"deflate": 15}  # zlib's window bits, by coding; deflate means zlib's format (RFC 9110)
SMALL = 1400  # bytes: what one packet carries anyway
AT_ONCE = 1 << 16  # bytes that are packed on the event loop; more would hold up the answers of others
LEVEL = 1


def coding(accepted: bytes | None) -> bytes | None:
    """The one coding that ACCEPTED, the field of a head, names; None where it leaves a choice, or there is none."""
    word = (accepted or b"").strip().lower()
    return word if word in WINDOWS else None


def packed(body: bytes, how: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOWS[how])
    return packer.compress(body) + packer.flush()
