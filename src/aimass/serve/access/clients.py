"""Keys at work: who shows one is a client, with what it may take now."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from fnmatch import translate

from aimass.serve.access.keys import Key, cut, new_key
from aimass.serve.access.quotas import Quotas, Used
from aimass.serve.access.rates import Bucket
from aimass.serve.access.tally import REQUESTS, ROWS, Tally
from aimass.serve.batch.base import Spent
from aimass.serve.messages import Refused

NOTHING = Tally([])  # of a key without rates or quota
NOBODY, _ = new_key("nobody", ("read",))  # what a secret is compared with where no key has its id


class Client:
    """The holder of KEY.  `id` and `weight` are for its turn among others; amounts are taken in rows and requests."""

    __slots__ = ("_models", "_per_row", "id", "key", "quota", "requests", "rows", "tally", "until", "weight")

    def __init__(self, key: Key, quotas: Quotas) -> None:
        self.id = key.id
        self.change(key, quotas)

    def change(self, key: Key, quotas: Quotas) -> None:
        """Go on with KEY of the same id: what was taken stays taken.  Raises InputError when there is no room."""
        self.key, self.weight, self.until = key, key.weight, key.until
        self.tally = quotas.tallies.of(key.id) if key.limited else NOTHING
        self.requests = Bucket(key.requests, key.burst, self.tally, REQUESTS) if key.requests else None
        self.rows = Bucket(key.rows, key.burst, self.tally, ROWS) if key.rows else None
        self.quota: Used | None = quotas.of(key.id, key.per) if key.quota else None
        self._per_row = self.rows is not None or self.quota is not None
        self._models = re.compile("|".join(map(translate, key.models))) if key.models else None

    def sees(self, model: str) -> bool:
        """Whether there is such a MODEL, as far as this client may know."""
        return self._models is None or self._models.match(model) is not None

    @property
    def everywhere(self) -> bool:
        """Whether its key is for every model."""
        return self._models is None

    def knock(self) -> Spent | None:
        """A request comes in; why it comes too soon, if it does."""
        bucket = self.requests
        if bucket is None:
            return None
        with self.tally:
            now = time.perf_counter()
            seconds = bucket.wait(1, now)
            if not seconds:
                bucket.take(1, now)
        return Spent(f"this key may send {self.key.requests:g} requests a second", seconds) if seconds else None

    def check(self, rows: int) -> None:
        """Whether ROWS may be asked for.  Raises Spent when not yet, Refused when never."""
        if not self._per_row:
            return
        seconds = self.rows.wait(rows, time.perf_counter()) if self.rows is not None else 0.0
        if seconds == math.inf:
            raise Refused(413, f"{rows} rows are more than this key may send at once", expected=self._at_once())
        if seconds:
            raise Spent(f"this key may send {self.key.rows:g} rows a second", seconds)
        if self.quota is not None:
            self._check_quota(self.quota, rows)

    def _check_quota(self, used: Used, rows: int) -> None:
        clock = time.time()
        left = self.key.quota - used.look(clock)
        if rows > self.key.quota:
            raise Refused(413, f"{rows} rows are more than this key's quota", expected=f"at most {self.key.quota}")
        if rows > left:
            what = f"{max(0, left)} rows are left of this key's {self.key.quota} in a {used.per}"
            raise Spent(what, max(1.0, used.until - clock))

    def _at_once(self) -> str:
        assert self.rows is not None
        return f"at most {int(self.rows.size)}"

    def take(self, rows: int) -> None:
        """ROWS are asked for; after `check`.  What others took since then is not looked at again: who took too much so
        waits for it longer.
        """
        if not self._per_row:
            return
        with self.tally:
            if self.rows is not None:
                self.rows.take(rows, time.perf_counter())
            if self.quota is not None:
                self.quota.add(rows)


class Clients:
    """By the id of their key."""

    def __init__(self, keys: Iterable[Key], quotas: Quotas) -> None:
        self.quotas = quotas
        self.known: dict[str, Client] = {}
        self.change(keys)

    def change(self, keys: Iterable[Key]) -> None:
        """KEYS are all there are from now on.  Raises InputError where there is no room, and then nothing changes."""
        keys = list(keys)
        for key in keys:
            if key.limited:
                self.quotas.tallies.of(key.id)
        old, self.known = self.known, {}
        for key in keys:
            client = old.get(key.id)
            if client is None:
                client = Client(key, self.quotas)
            else:
                client.change(key, self.quotas)
            self.known[key.id] = client

    def shown(self, fields: Iterable[tuple[bytes, bytes]]) -> Client:
        """Whose key stands in FIELDS.  Raises Refused; never tells whether there is a key of that id."""
        tokens = set(tokens_in(fields))
        if not tokens:
            raise unauthorised("no key is shown")
        if len(tokens) > 1:
            raise unauthorised("several keys are shown", "invalid_request")
        id, secret = cut(tokens.pop())
        client = self.known.get(id)
        key = NOBODY if client is None else client.key
        if not key.opened_by(secret) or client is None:
            raise unauthorised("the key is not known", "invalid_token")
        if client.until <= time.time():
            raise unauthorised("the key has ended", "invalid_token")
        return client

    def next_end(self) -> float:
        """Seconds since 1970 of the next moment at which a key ends."""
        now = time.time()
        return min((client.until for client in self.known.values() if client.until > now), default=math.inf)


def tokens_in(fields: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """What FIELDS show as keys: bearer tokens (RFC 6750) and x-api-key; other ways to authorise are somebody else's."""
    found = []
    for name, value in fields:
        if name == b"x-api-key":
            found.append(value.strip().decode("latin-1"))
        elif name == b"authorization":
            scheme, _, token = value.strip().partition(b" ")
            if scheme.lower() == b"bearer":
                found.append(token.strip().decode("latin-1"))
    return found


def unauthorised(what: str, error: str = "") -> Refused:
    """A 401 that says how to show a key."""
    more = f', error="{error}"' if error else ""
    fields = [(b"www-authenticate", b'Bearer realm="aimass"' + more.encode())]
    return Refused(401, what, expected="authorization: Bearer KEY, or x-api-key: KEY", headers=fields)
