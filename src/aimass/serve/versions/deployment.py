"""What the protocols see of a name: the versions that are here, and which of them answers a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass.core.errors import suggest
from aimass.serve.failures import failed
from aimass.serve.messages import Refused
from aimass.serve.versions.desired import Plan
from aimass.serve.versions.shadow import Shadow
from aimass.serve.versions.traffic import ASKED
from aimass.serve.versions.version import Route, Version


class Deployment:
    """VERSIONS of NAME by their words, served as PLAN says."""

    def __init__(self, name: str, versions: Mapping[str, Version], plan: Plan) -> None:
        self.name = name
        self.become(versions, plan)

    def become(self, versions: Mapping[str, Version], plan: Plan) -> None:
        """Serve these VERSIONS from now on, as PLAN says."""
        self.versions, self.plan, self.traffic = dict(versions), plan, plan.traffic
        sharing = [self.versions[version] for version in self.traffic]
        self.only = sharing[0] if len(sharing) == 1 else None
        mirror = self.versions.get(plan.shadow) if plan.shadow else None
        self.shadow = Shadow(mirror) if mirror else None

    # -- who answers ------------------------------------------------------------------------------------------

    def find(self, word: str) -> Version:
        """The version that WORD names, itself or by its label; the stable one for no word.  Raises Refused."""
        if not word:
            return self.versions[self.plan.stable]
        found = self.versions.get(self.plan.labels.get(word, word))
        if found is None:
            known = [*filter(None, self.versions), *self.plan.labels]
            expected = ", ".join(known) or "none, it was never published"
            raise Refused(404, f"{self.name} has no version {word!r} here{suggest(word, known)}", expected=expected)
        return found

    def pick(self, exchange: Any) -> Version:
        """Whose turn it is.  Raises Refused for a version that is named and not here."""
        asked = exchange.field(ASKED)
        if asked:
            return self.find(asked.decode("latin-1"))
        return self.only or self.versions[self.traffic.pick(exchange.field)]

    def route(self, what: str, word: str, named: bool) -> Route:
        """Who answers WHAT is asked of the version WORD; NAMED says that a field of the request may name it."""
        if word:
            return self.find(word).routes[what]
        if self.only and not named and not self.shadow:
            return self.only.routes[what]
        return Picked(self, what)


class Picked:
    """Answers each request with the version whose turn it is; a shadow gets a copy."""

    def __init__(self, deployment: Deployment, what: str) -> None:
        self.deployment, self.what = deployment, what

    def __call__(self, exchange: Any) -> None:
        try:
            version = self.deployment.pick(exchange)
        except Refused as error:
            failed(exchange, error)
            return
        shadow = self.deployment.shadow
        if shadow is None:
            version.routes[self.what](exchange)
        else:
            shadow.route(self.what, version)(exchange)
