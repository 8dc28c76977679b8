"""Passwords: kept as scrypt (RFC 7914), never as they are.

A hash takes 32 MiB and about 0.2 seconds, so that a stolen catalog is slow to search; nobody calls these functions on
an event loop.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from hashlib import scrypt

from aimass.core.errors import InputError

COST, BLOCK, LANES = 1 << 15, 8, 3  # OWASP's advice for 32 MiB
ROOM = 256 << 20  # bytes that one hash may take, at most
SHORTEST, LONGEST = 10, 1024  # letters


def hashed(password: str) -> str:
    """What is kept of PASSWORD.  Raises InputError when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        expected = f"{SHORTEST} to {LONGEST} letters"
        what = "short" if len(password) < SHORTEST else "long"
        raise InputError(f"the password is too {what}", expected=expected, key="password")
    salt = secrets.token_bytes(16)
    return _written(COST, BLOCK, LANES, salt, _hash(password, salt, COST, BLOCK, LANES))


def matches(password: str, kept: str) -> bool:
    """Whether PASSWORD is the one that KEPT was made of.  Takes the same time wherever they differ."""
    _, cost, block, lanes, salt, found = kept.split("$")
    numbers = int(cost), int(block), int(lanes)
    return hmac.compare_digest(_hash(password[:LONGEST], b64decode(salt), *numbers), b64decode(found))


def nobodys() -> str:
    """What a password is compared with where there is no such user: it takes as long, and never matches."""
    return _written(COST, BLOCK, LANES, bytes(16), bytes(32))


def _hash(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    words = password.encode("utf-8", "surrogatepass")
    return scrypt(words, salt=salt, n=cost, r=block, p=lanes, maxmem=ROOM, dklen=32)


def _written(cost: int, block: int, lanes: int, salt: bytes, found: bytes) -> str:
    return f"scrypt${cost}${block}${lanes}${b64encode(salt).decode()}${b64encode(found).decode()}"
