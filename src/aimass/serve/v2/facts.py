"""What V2 says of a server and its models, in the words REST and gRPC share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aimass import __version__
from aimass.serve.access.sight import seen, sees
from aimass.serve.failures import no_model
from aimass.serve.versions.deployment import Deployment
from aimass.serve.versions.life import Life
from aimass.serve.versions.version import Version
from aimass.serve.whole import Whole

EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository", "statistics"]


class Facts:
    """Of what LIFE keeps; WHOLE knows all of the server; ANSWERS says whether it goes on to answer."""

    def __init__(self, life: Life, whole: Whole, answers: Callable[[], bool]) -> None:
        self.life, self.whole, self.answers = life, whole, answers

    def deployment(self, name: str) -> Deployment:
        """Raises Refused."""
        found = self.life.deployments.get(name)
        if found is None or not sees(name):
            raise no_model(name, seen(self.life.deployments))
        return found

    def find(self, name: str, version: str | None = "") -> Version:
        """A version of NAME, also by its label; the stable one for no word.  Raises Refused."""
        return self.deployment(name).find(version or "")

    def server(self) -> dict[str, Any]:
        return {"name": "aimass", "version": __version__, "extensions": EXTENSIONS}

    def metadata(self, name: str, version: str | None = "") -> dict[str, Any]:
        """Of one version; all that are here are listed."""
        versions = [word for word in self.deployment(name).versions if word]
        return {**self.find(name, version).v2.metadata(), "versions": versions}

    def config(self, name: str, version: str | None = "") -> dict[str, Any]:
        return self.find(name, version).v2.config()

    async def stats(self, name: str = "", version: str | None = "") -> dict[str, Any]:
        """Of one version, of all versions of a name, or of all."""
        if version:
            found = [self.find(name, version)]
        else:
            names = [name] if name else seen(self.life.deployments)
            found = [one for name in names for one in self.deployment(name).versions.values()]
        counts = (await self.whole.seen()).counts
        told = [(counts.get((one.name, one.version), one.served.counts), one) for one in found]
        return {"model_stats": [mine.as_stats(one.name, one.version) for mine, one in told]}

    def ready(self) -> bool:
        """Whether it answers, and all of its processes serve the same."""
        return self.answers() and self.whole.settled()

    def model_ready(self, name: str, version: str | None = "") -> bool:
        """Whether it would be answered, whichever process is asked.  Raises Refused for what nobody knows."""
        known = sees(name) and any(name == one for one, _ in self.life.states)
        if known and not version and name not in self.life.deployments:
            return False  # not loaded
        return bool(self.find(name, version)) and self.answers() and self.whole.settled(name)
