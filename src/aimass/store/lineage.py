"""What an artifact was made from, and what was made from it: one question to the catalog for each generation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

MOST = 200  # artifacts each way: what is near comes first
SHOWN = (t.artifact.c.digest, t.artifact.c.kind, t.artifact.c.step, t.artifact.c.created, t.artifact.c.size)


@dataclass(frozen=True)
class Lineage:
    """Artifacts by digest with the newest run that made each, (parent, child) between them; MORE were left out."""

    artifacts: dict[str, Row]
    edges: set[tuple[str, str]]
    more: bool


def around(catalog: Catalog, digest: str, most: int = MOST) -> Lineage:
    """All that DIGEST comes from, up to the sources, and all that came of it; the nearest MOST of each."""
    up, down = (t.parent.c.child, t.parent.c.parent), (t.parent.c.parent, t.parent.c.child)
    (above, older), (below, later) = (_walk(catalog, digest, *way, most) for way in (up, down))
    found = known(catalog, [digest, *above, *below])
    among = sa.and_(t.parent.c.parent.in_(found), t.parent.c.child.in_(found))
    edges = {(row["parent"], row["child"]) for row in catalog.rows(sa.select(t.parent).where(among))}
    return Lineage(found, edges, older or later)


def known(catalog: Catalog, digests: Collection[str]) -> dict[str, Row]:
    """Those of DIGESTS that are in the catalog, each with number and label of the newest run that made it."""
    made = sa.select(t.run.c.output, sa.func.max(t.run.c.id).label("run")).where(
        t.run.c.output.in_(digests), t.run.c.state == "finished").group_by(t.run.c.output).subquery()  # fmt: skip
    joined = sa.select(*SHOWN, made.c.run, t.run.c.label).join_from(
        t.artifact, made, made.c.output == t.artifact.c.digest, isouter=True)  # fmt: skip
    query = joined.join(t.run, t.run.c.id == made.c.run, isouter=True).where(t.artifact.c.digest.in_(digests))
    return {row["digest"]: {**row, "label": row["label"] or ""} for row in catalog.rows(query)}


def made_of(catalog: Catalog, digest: str, step: str, limit: int) -> list[Row]:
    """What STEP made of DIGEST itself, newest first."""
    query = sa.select(*SHOWN).join(t.parent, t.parent.c.child == t.artifact.c.digest)
    found = query.where(t.parent.c.parent == digest, t.artifact.c.step == step)
    return catalog.rows(found.order_by(t.artifact.c.created.desc(), t.artifact.c.digest).limit(limit))


def versions_of(catalog: Catalog, digests: Collection[str]) -> dict[str, list[Row]]:
    """The versions that are DIGESTS: {"name", "number"}, the oldest first."""
    found: dict[str, list[Row]] = {}
    query = sa.select(t.version.c.digest, t.version.c.name, t.version.c.number).where(t.version.c.digest.in_(digests))
    for row in catalog.rows(query.order_by(t.version.c.name, t.version.c.number)):
        found.setdefault(row["digest"], []).append({"name": row["name"], "number": row["number"]})
    return found


def _walk(catalog: Catalog, digest: str, here: Any, there: Any, most: int) -> tuple[list[str], bool]:
    """Digests THERE that are reached from DIGEST HERE, generation by generation, the nearest MOST; are there more?"""
    reached, edge, more = {digest: None}, [digest], False
    while edge and not more:
        query = sa.select(there.label("next")).where(here.in_(edge)).distinct().order_by(there).limit(2 * most + 2)
        fresh = [row["next"] for row in catalog.rows(query) if row["next"] not in reached]
        edge = fresh[: most + 1 - len(reached)]
        more = len(fresh) > len(edge)
        reached |= dict.fromkeys(edge)
    return list(reached)[1:], more
