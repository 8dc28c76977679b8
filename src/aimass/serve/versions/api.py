"""Versions over HTTP: V2's repository extension, and /v1/deployments for what it has no words for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aimass.serve.access.sight import seen, sees
from aimass.serve.failures import no_model
from aimass.serve.messages import Answer, Refused, Request, json_answer, parsed, unpacked
from aimass.serve.paths import NAME, Answering, Place
from aimass.serve.versions.life import Life
from aimass.serve.whole import Whole

REPOSITORY = rf"/v2/repository/models/{NAME}"
DEPLOYMENT = rf"/v1/deployments/{NAME}"
DEFAULT = ""  # of a repository: the version to be served


class Api:
    """Says what LIFE keeps, and changes it wherever the WHOLE server is changed."""

    def __init__(self, life: Life, whole: Whole) -> None:
        self.life, self.whole = life, whole

    def fixed(self) -> dict[str, dict[str, Answering]]:
        return {"/v2/repository/index": {"POST": self._index}, "/v1/deployments": {"GET": self._all}}

    def places(self) -> list[Place]:
        return [
            Place(re.compile(f"{REPOSITORY}/load"), {"POST": self._load}),
            Place(re.compile(f"{REPOSITORY}/unload"), {"POST": self._unload}),
            Place(re.compile(DEPLOYMENT), {"GET": self._one}),
            Place(re.compile(rf"{DEPLOYMENT}/(?P<verb>[a-z]+)"), {"POST": self._change}),
        ]

    # -- V2's repository extension ----------------------------------------------------------------------------

    async def _index(self, request: Request) -> Answer:
        said = await body_of(request)
        return json_answer(await self.index(ready=bool(said.get("ready"))))

    async def index(self, *, ready: bool = False) -> list[dict[str, str]]:
        """All versions that are here or could be."""
        return self.life.index(await self.whole.seen(), ready=ready)

    async def _load(self, request: Request, name: str) -> Answer:
        await self.load(name, parameters(await body_of(request), ("version",)))
        return json_answer({})

    async def load(self, name: str, said: Mapping[str, Any]) -> None:
        """All requests to the version SAID, or to the one that should have them.  Raises Refused."""
        if not sees(name):
            raise no_model(name, seen(self.life.deployments))
        version = await self.life.meant(name, text(said, "version", DEFAULT))
        await self.whole.change(name, "serve", {"version": version}, "loaded")

    async def _unload(self, request: Request, name: str) -> Answer:
        await self.unload(name, parameters(await body_of(request), ("version", "unload_dependents")))
        return json_answer({})

    async def unload(self, name: str, said: Mapping[str, Any]) -> None:
        """A version of NAME, or all of them.  Raises Refused."""
        if name not in self.life.deployments or not sees(name):
            raise Refused(404, f"no model called {name!r} is loaded")
        await self.whole.change(name, "unload", {"version": text(said, "version", "")}, "unloaded")

    # -- deployments ------------------------------------------------------------------------------------------

    async def _all(self, request: Request) -> Answer:
        return json_answer([await self._told(name) for name in seen(self.life.deployments)])

    async def _one(self, request: Request, name: str) -> Answer:
        return json_answer(await self._told(name))

    async def _told(self, name: str) -> dict[str, Any]:
        return self.life.as_json(name, await self.whole.seen(name))

    async def _change(self, request: Request, name: str, verb: str) -> Answer:
        if verb not in SAID:
            raise Refused(404, f"a deployment has no {verb!r}", expected=f"one of: {', '.join(SAID)}")
        said = checked(verb, await body_of(request))
        if said.get("version") or verb in ("serve", "canary"):
            said["version"] = await self.life.meant(name, said.get("version", ""))
        elif name not in self.life.deployments:
            raise Refused(404, f"no model called {name!r} is loaded")
        await self.whole.change(name, verb, said, verb)
        return json_answer(await self._told(name))


KINDS: dict[str, tuple[str, tuple[type, ...]]] = {  # what a word of a request must be
    "version": ("a text", (str,)), "share": ("a number from 0 to 1", (int, float)), "sticky": ("a text", (str,)),
    "shares": ("an object of numbers", (dict,)), "label": ("a text", (str,)),
}  # fmt: skip
SAID: dict[str, tuple[str, ...]] = {
    "serve": ("version",), "canary": ("share", "version", "sticky"), "split": ("shares", "sticky"), "promote": (),
    "rollback": (), "shadow": ("version",), "label": ("label", "version"), "unload": ("version",),
}  # fmt: skip
NEEDED = {"canary": ("share",), "split": ("shares",), "shadow": ("version",), "label": ("label", "version")}


def checked(verb: str, said: dict[str, Any]) -> dict[str, Any]:
    """What is SAID to VERB, of the right kinds.  Raises Refused."""
    for key, value in said.items():
        if key not in SAID[verb]:
            raise Refused(400, f"{verb} knows no {key[:80]!r}", expected=", ".join(SAID[verb]) or "an empty object")
        expected, kinds = KINDS[key]
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise Refused(400, f"{key!r} is {str(value)[:40]!r}", expected=expected)
    for key in NEEDED.get(verb, ()):
        if key not in said:
            raise Refused(400, f"{verb} needs {key!r}", expected=", ".join(SAID[verb]))
    for share in said.get("shares", {}).values():
        if isinstance(share, bool) or not isinstance(share, (int, float)):
            raise Refused(400, f"a share is {str(share)[:40]!r}", expected="a number from 0 to 1")
    return said


async def body_of(request: Request) -> dict[str, Any]:
    """The object in the body of REQUEST; an empty body is an empty one.  Raises Refused."""
    raw = await request.raw()
    encoding = request.headers.get(b"content-encoding")
    body = unpacked(raw, encoding, request.limit) if encoding else raw
    said = parsed(body) if body.strip() else {}
    if not isinstance(said, dict):
        raise Refused(400, "the body is not an object", expected="a JSON object, or nothing")
    return said


def parameters(said: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    """What stands in the parameters of a repository request.  Raises Refused for what cannot be honoured."""
    found = said.get("parameters") or {}
    if not isinstance(found, dict):
        raise Refused(400, "'parameters' is not an object", expected="an object")
    for key in found:
        if key not in known:
            raise Refused(400, f"the parameter {key[:80]!r} cannot be honoured here", expected=", ".join(known))
    return found


def text(said: Mapping[str, Any], key: str, default: str) -> str:
    value = said.get(key, default)
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise Refused(400, f"{key!r} is {str(value)[:40]!r}", expected="a text")
    return str(value)
