"""Which path means what: one table of those that name a model, one of those that do not.

Knows the words of the protocols, never how they are answered.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from aimass.core.errors import suggest
from aimass.serve.messages import Answer, Refused, Request, json_answer

Answering = Callable[..., Awaitable[Answer]]

NAME = r"(?P<name>[^/:]+)"
OF_V2 = rf"/v2/models/{NAME}(?:/versions/(?P<version>[^/]+))?"
OF_V1 = rf"/v1/models/{NAME}(?:/(?:versions|labels)/(?P<version>[^/:]+))?"

HOT = (  # what is asked of a model, by path
    ("infer", re.compile(OF_V2 + "/infer")),
    ("predict", re.compile(rf"/v1/predict/{NAME}(?:/versions/(?P<version>[^/]+))?")),
    ("instances", re.compile(OF_V1 + ":predict")),
)


def hot(path: str) -> tuple[str, str, str] | None:
    """What is asked of which model and which version, where PATH asks for inference; no word: any version."""
    for what, pattern in HOT:
        found = pattern.fullmatch(path)
        if found:
            return what, found["name"], found["version"] or ""
    return None


class Place(NamedTuple):
    """Paths that PATTERN fits.  METHODS answer requests, given what the pattern names, if CHECK lets it pass."""

    pattern: re.Pattern[str]
    methods: Mapping[str, Answering]
    check: Callable[..., Any] | None = None


class Paths:
    """FIXED paths and PLACES with patterns."""

    def __init__(self, fixed: Mapping[str, Mapping[str, Answering]], places: list[Place]) -> None:
        self.fixed, self.places = dict(fixed), places

    def find(self, path: str, method: str) -> tuple[Answering, dict[str, Any]]:
        """Who answers, and what the path says.  Raises Refused: 404, or 405 naming what is taken."""
        methods, said = self._at(path)
        answering = methods.get("GET" if method == "HEAD" else method)
        if answering is None:
            allowed = ", ".join(methods)
            fields = [(b"allow", allowed.encode())]
            raise Refused(405, f"{path} does not take {method}", expected=allowed, headers=fields)
        return answering, said

    def _at(self, path: str) -> tuple[Mapping[str, Answering], dict[str, Any]]:
        for text in (path, path.rstrip("/")):
            if text in self.fixed:
                return self.fixed[text], {}
            for place in self.places:
                found = place.pattern.fullmatch(text)
                if found:
                    said = found.groupdict()
                    if place.check:
                        place.check(**said)
                    return place.methods, said
        raise Refused(404, f"nothing is at {path}{suggest(path, self.fixed)}", to_do="see /v1/docs")


def told(facts: Callable[..., Any]) -> Answering:
    """Answers with what FACTS says of what the path names."""

    async def answering(request: Request, **said: Any) -> Answer:
        return json_answer(facts(**said))

    return answering
