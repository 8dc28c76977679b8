"""Keys: who may ask, for what, how much.  A key is told once; what is kept of it does not open anything.

Knows nothing of requests or files.
"""

from __future__ import annotations

import hmac
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from aimass.core.errors import InputError, unknown

SCOPES = {
    "predict": "answers of a model",
    "explain": "why it answered so",
    "read": "metadata, metrics, documentation",
    "manage": "load, unload, canary, live parameters",
}
WINDOWS = ("day", "month")
PREFIX = "aim"
SHAPE = re.compile(r"aim_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
GLOB = re.compile(r"[A-Za-z0-9._*?\[\]!-]{1,100}")
NAMED = re.compile(r"[\w .@:/+-]{1,100}")


@dataclass(frozen=True)
class Key:
    """What is known of a key.  Rates are per second, 0 for any; times in UTC, "" for never.

    `burst` is how many seconds of its rates may come at once.  `quota` is rows in a calendar day or month, 0 for any.
    `weight` is its share where several keys wait for the same model.
    """

    id: str
    name: str
    salt: str
    hash: str
    scopes: tuple[str, ...]
    models: tuple[str, ...] = ()  # globs; none is every model
    expires: str = ""
    requests: float = 0.0
    rows: float = 0.0
    burst: float = 1.0
    quota: int = 0
    per: str = "day"
    weight: float = 1.0
    created: str = ""
    revoked: str = ""

    def __post_init__(self) -> None:
        """Raises InputError naming the field at fault."""
        _check_texts(self)
        for name in ("requests", "rows", "burst", "quota", "weight"):
            value = getattr(self, name)
            if not 0 <= value < math.inf or (value == 0 and name in ("burst", "weight")):
                low = "above 0" if name in ("burst", "weight") else "0 (any number) or more"
                raise InputError(f"{name} is {value}", expected=f"a number, {low}", key=name)

    def opened_by(self, secret: str) -> bool:
        """Whether SECRET is this key's.  Takes the same time wherever they differ."""
        return hmac.compare_digest(hashed(self.salt, secret), self.hash)

    @property
    def until(self) -> float:
        """Seconds since 1970 from when on it opens nothing."""
        ends = [moment(text) for text in (self.expires, self.revoked) if text]
        return min(ends, default=math.inf)

    @property
    def limited(self) -> bool:
        """Whether anything is counted."""
        return bool(self.requests or self.rows or self.quota)

    def as_row(self) -> dict[str, Any]:
        """What a person may see of it: neither salt nor hash."""
        facts = {name: value for name, value in self.as_json().items() if name not in ("salt", "hash")}
        return {**facts, "models": list(self.models) or ["*"]}

    def as_json(self) -> dict[str, Any]:
        """What differs from the defaults."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        return {f.name: plain[f.name] for f in fields(self) if getattr(self, f.name) != f.default}


def new_key(name: str, scopes: tuple[str, ...], **more: Any) -> tuple[Key, str]:
    """A key called NAME, and what its holder shows: `aim_<id>_<secret>`.  Raises InputError naming what is at fault."""
    id, secret, salt = secrets.token_hex(6), secrets.token_urlsafe(32), secrets.token_hex(16)
    created = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    key = Key(id, name, salt, hashed(salt, secret), scopes, created=created, **more)
    return key, f"{PREFIX}_{id}_{secret}"


def hashed(salt: str, secret: str) -> str:
    """What is kept of SECRET.

    A secret is 256 random bits, so there is no list of likely ones to try, and a slow hash (argon2, scrypt) would only
    make the first request of every connection slow.  The salt keeps two files from telling that they share a key.
    """
    return sha256(f"{salt}:{secret}".encode()).hexdigest()


def cut(token: str) -> tuple[str, str]:
    """Id and secret of TOKEN; empty where it has not the shape of a key."""
    found = SHAPE.fullmatch(token)
    return (found[1], found[2]) if found else ("", "")


def moment(text: str) -> float:
    """Seconds since 1970 of the ISO date or time TEXT; UTC unless it says otherwise.  Raises InputError."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text!r} is no date", expected="2027-01-31, or 2027-01-31T12:00:00Z") from error


def key_from_json(facts: Any) -> Key:
    """The key that `as_json` described.  Raises InputError naming the field at fault."""
    if not isinstance(facts, Mapping):
        raise InputError(f"a key is an object, this is {type(facts).__name__}")
    known = {f.name: f for f in fields(Key)}
    for name, value in facts.items():
        if name not in known:
            raise unknown("field of a key", name, known)
        _check_kind(name, str(known[name].type), value)
    lacking = [name for name in ("id", "name", "salt", "hash", "scopes") if name not in facts]
    if lacking:
        raise InputError(f"a key lacks {', '.join(lacking)}", key=lacking[0])
    settings: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in facts.items()}
    return Key(**settings)


def _check_kind(name: str, kind: str, value: Any) -> None:
    fits = {
        "str": isinstance(value, str),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "tuple[str, ...]": isinstance(value, list) and all(isinstance(item, str) for item in value),
    }
    if not fits[kind]:
        expected = {"str": "text", "int": "a whole number", "float": "a number"}.get(kind, "a list of texts")
        raise InputError(f"{name} is {value!r}", expected=expected, key=name)


def _check_texts(key: Key) -> None:
    shapes = {"id": r"[0-9a-f]{12}", "salt": r"[0-9a-f]{32}", "hash": r"[0-9a-f]{64}"}
    for name, shape in shapes.items():
        if not re.fullmatch(shape, getattr(key, name)):
            raise InputError(f"{name} of a key is damaged", expected=f"{shape[10:-1]} hex digits", key=name)
    if not NAMED.fullmatch(key.name):
        raise InputError(f"a key cannot be called {key.name!r}", expected="1 to 100 letters or digits", key="name")
    if not key.scopes:
        raise InputError("a key without scopes opens nothing", expected=f"of: {', '.join(SCOPES)}", key="scopes")
    for scope in key.scopes:
        if scope not in SCOPES:
            raise unknown("scope", scope, SCOPES, key="scopes")
    for glob in key.models:
        if not GLOB.fullmatch(glob):
            raise InputError(f"{glob!r} is no name of models", expected="flights, or eu-*", key="models")
    if key.per not in WINDOWS:
        raise unknown("window of a quota", key.per, WINDOWS, key="per")
    for text in (key.expires, key.revoked, key.created):
        if text:
            moment(text)
