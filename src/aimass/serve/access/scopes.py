"""The one table of rights: what is asked where, and which scope it takes.

Read from the top, the first that fits counts.  What is not named here takes `manage`, or `read` where it only looks,
and a key for every model: a path that somebody adds is closed until it is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from aimass.serve.messages import Refused
from aimass.serve.v2.lacking import CALLS

OPEN = ""  # anybody may: what a load balancer asks, one bit
MODEL = r"(?P<model>[^/:]+)"
WITH_VERSION = rf"/v2/models/{MODEL}(/versions/[^/]+)?"

# scope, methods ("" for any), path.  A model in the path is one that the key must know; an answer to a path without one
# tells only of models that the key knows (the application asks `Request.sees`).
PATHS = (
    (OPEN, "GET", r"/v2/health/(live|ready)"),
    ("predict", "POST", rf"/v1/predict/{MODEL}([/:].*)?"),
    ("predict", "POST", rf"{WITH_VERSION}/infer"),
    ("predict", "POST", rf"/v1/models/{MODEL}(/(versions|labels)/[^/:]+)?:predict"),
    ("predict", "POST", rf"/v1/feedback/{MODEL}"),
    ("explain", "", r"/v1/explain/jobs/[^/]+"),  # of the key that asked, whatever the model: see `explaining.jobs`
    ("explain", "POST", rf"/v1/explain/{MODEL}([/:].*)?"),
    ("explain", "POST", rf"{WITH_VERSION}/explain"),
    ("explain", "POST", rf"/v1/models/{MODEL}(/(versions|labels)/[^/:]+)?:explain"),
    ("read", "POST", r"/v2/repository/index"),
    ("read", "GET", r"/v2/models/stats"),
    ("manage", "", rf"/v2/repository/models/{MODEL}([/:].*)?"),
    ("read", "GET", rf"/v2/models/{MODEL}([/:].*)?"),
    ("manage", "", rf"/v2/models/{MODEL}([/:].*)?"),
    ("read", "GET", r"/|/metrics|/v2|/v1/docs|/v1/health|/v1/deployments|/v1/models"),
    ("read", "GET", rf"/v1/[^/]+/{MODEL}([/:].*)?"),
    ("manage", "", rf"/v1/[^/]+/{MODEL}([/:].*)?"),
)

# The same for methods of gRPC; which model, stands in the message.
METHODS = {
    "Check": OPEN, "Watch": OPEN, **dict.fromkeys(CALLS, "read"),
    "ServerLive": OPEN, "ServerReady": OPEN, "ModelInfer": "predict", "ModelStreamInfer": "predict",
    "ModelReady": "read", "ServerMetadata": "read", "ModelMetadata": "read", "ModelConfig": "read",
    "ModelStatistics": "read", "RepositoryIndex": "read", "RepositoryModelLoad": "manage",
    "RepositoryModelUnload": "manage",
}  # fmt: skip

OF_ALL = re.compile(r"/v1/parameters(/undo)?")  # of the server and all its models together
_TABLE = [(scope, method, re.compile(path, re.S)) for scope, method, path in PATHS]


class Needed(NamedTuple):
    """The SCOPE a request takes, the MODEL whose name stands in its path, and whether it may tell of EVERY model."""

    scope: str
    model: str = ""
    every: bool = False


def of_path(method: str, path: str) -> Needed:
    """What METHOD at PATH takes.  Paths are the application's: unquoted, and a slash at the end is nothing."""
    asked = "GET" if method == "HEAD" else method
    plain = path.rstrip("/") or "/"
    if OF_ALL.fullmatch(plain):
        return Needed("read" if asked == "GET" else "manage", every=True)
    for scope, wanted, pattern in _TABLE:
        found = pattern.fullmatch(plain) if wanted in ("", asked) else None
        if found:
            return Needed(scope, found.groupdict().get("model") or "")
    return Needed("read" if asked == "GET" else "manage", every=True)


def of_method(path: str) -> Needed:
    """What the gRPC method at PATH, /package.Service/Method, takes."""
    scope = METHODS.get(path.rpartition("/")[2])
    return Needed("manage", every=True) if scope is None else Needed(scope)


def check_scope(held: Iterable[str], scope: str) -> None:
    """Raises Refused where a key that has HELD lacks SCOPE; also for what no path says, but a body."""
    if scope not in held:
        raise forbidden(f"this key lacks the scope {scope!r}", scope, "a key that has it")


def forbidden(what: str, scope: str, expected: str) -> Refused:
    """A 403 that names the SCOPE it takes (RFC 6750, section 3.1)."""
    fields = [(b"www-authenticate", f'Bearer realm="aimass", error="insufficient_scope", scope="{scope}"'.encode())]
    return Refused(403, what, expected=expected, headers=fields)
