"""What a workspace knows: names, versions, artifacts and runs, in the catalog's words."""

from __future__ import annotations

from datetime import datetime

from aimass.store.catalog import Catalog, Row
from aimass.store.curves import Sample, thin


class Facts:
    """Questions that the catalog answers."""

    catalog: Catalog

    def find_name(self, name: str) -> str | None:
        """The digest NAME points to."""
        return self.catalog.find_name(name)

    def names(self) -> list[Row]:
        return self.catalog.names()

    def register_version(self, name: str, digest: str) -> int:
        """The number of DIGEST as a version of NAME; registering the newest again gives its own number."""
        return self.catalog.add_version(name, digest)

    def versions(self, name: str | None = None) -> list[Row]:
        return self.catalog.versions(name)

    def artifacts(self, kind: str | None = None, limit: int = 100) -> list[Row]:
        return self.catalog.artifacts(kind, limit)

    def runs(self, limit: int = 100) -> list[Row]:
        return self.catalog.runs(limit)

    def run_row(self, run: str) -> Row:
        return self.catalog.run_row(run)

    def latest(self, run: str) -> dict[str, float]:
        return self.catalog.latest(run)

    def metrics(self, run: str, name: str) -> list[Row]:
        return self.catalog.metrics(run, name)

    def curves(self, run: str, points: int = 500) -> dict[str, list[Sample]]:
        """Every figure of RUN so far, by name: (position, value, seconds since its start), at most POINTS of each.

        Names that begin with machine/ tell what its machine did.  Where there are more points, the first, the last and
        each stretch's lowest and highest are kept.
        """
        began = datetime.fromisoformat(self.catalog.run_row(run)["started"]).timestamp()
        found = {name: thin(curve, points) for name, curve in self.catalog.history(run).items()}
        return {name: [(at, v, round(time - began, 3)) for at, v, time in curve] for name, curve in found.items()}

    def logs(self, run: str) -> list[Row]:
        return self.catalog.logs(run)

    def stop(self, run: str) -> None:
        """Ask RUN to stop at its next report; its checkpoint stays."""
        self.catalog.stop_run(run)
