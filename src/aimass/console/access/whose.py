"""Whose things a route is about: each says so beside the permission, and here it is found out for a request.

Who holds the permission over some projects only is answered out of a catalog that has nothing else (`store.reach`), so
what is beyond is not there: to any route, in the words of that route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aimass.store import tables as t
from aimass.store.catalog import Catalog
from aimass.store.datasets import COLLECT, named

Find = Callable[[Catalog, str], sa.Select[Any]]


@dataclass(frozen=True)
class Whose:
    """A thing of NAME, told by the parameter KEY of the path; FIND asks whether there is one.

    Without KEY: whatever of it is in reach.
    """

    name: str
    key: str = ""
    find: Find | None = None

    def is_in(self, catalog: Catalog, path: Mapping[str, Any]) -> bool:
        """Whether CATALOG has the thing that PATH names."""
        if self.find is None:
            return True
        return bool(catalog.rows(self.find(catalog, str(path[self.key])).limit(1)))


def _numbered(column: Any) -> Find:
    def find(catalog: Catalog, text: str) -> sa.Select[Any]:
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
        return sa.select(column).where(column == number)

    return find


def _source(catalog: Catalog, name: str) -> sa.Select[Any]:
    return sa.select(t.run.c.id).where(t.run.c.step == COLLECT, named(catalog) == name)


NOBODYS = Whose("nothing of a project")
LISTED = Whose("what is in reach: a list, or what the request names beside its path")
RUN = Whose("run", "id", _numbered(t.run.c.id))
JOB = Whose("job", "job", _numbered(t.job.c.id))
ARTIFACT = Whose("artifact", "digest", lambda _, text: sa.select(t.artifact.c.digest).where(
    t.artifact.c.digest >= text, t.artifact.c.digest < text + "g"))  # fmt: skip
MODEL = Whose("model", "name", lambda _, name: sa.select(t.version.c.name).where(t.version.c.name == name))
SOURCE = Whose("source", "name", _source)
