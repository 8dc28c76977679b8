"""Published names page by page, with how many versions, the newest, and the aliases: a few questions a page."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from aimass.publish.names import CHAMPION
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

V = t.version.c


def page(catalog: Catalog, *, text: str = "", after: str = "", limit: int = 100) -> tuple[list[Row], str | None]:
    """Names behind AFTER, with TEXT in them, by letter; and `after` of the page behind this one (None on the last).

    {"name", "versions", "newest", "released", "aliases": [{"alias", "number", "digest", "moved"}],
     "used": the version of the champion, or the newest, "digest": of that version}
    """
    query = sa.select(V.name, sa.func.count().label("versions"), sa.func.max(V.number).label("newest"),
                      sa.func.max(V.created).label("released")).group_by(V.name)  # fmt: skip
    if text:
        query = query.where(V.name.icontains(text, autoescape=True))
    if after:
        query = query.where(V.name > after)
    rows = catalog.rows(query.order_by(V.name).limit(limit + 1))
    more = rows[limit - 1]["name"] if len(rows) > limit else None
    names = [row["name"] for row in rows[:limit]]
    aliases = aliases_of(catalog, names)
    newest = {row["name"]: row["digest"] for row in _digests(catalog, [(r["name"], r["newest"]) for r in rows[:limit]])}
    return [_with(row, aliases[row["name"]], newest[row["name"]]) for row in rows[:limit]], more


def aliases_of(catalog: Catalog, names: Collection[str]) -> dict[str, list[Row]]:
    """The aliases of each of NAMES by letter; `number` is None where one points to what is no version of its name."""
    found: dict[str, list[Row]] = {name: [] for name in names}
    if not names:
        return found
    begins = sa.or_(*(t.name.c.name.startswith(f"{name}@", autoescape=True) for name in names))
    rows = catalog.rows(sa.select(t.name).where(begins).order_by(t.name.c.name))
    query = sa.select(V.name, V.digest, sa.func.max(V.number).label("number")).group_by(V.name, V.digest)
    there = catalog.rows(query.where(V.name.in_(names), V.digest.in_({row["digest"] for row in rows})))
    numbers = {(row["name"], row["digest"]): row["number"] for row in there}
    for row in rows:
        name, _, alias = row["name"].partition("@")
        found[name].append({"alias": alias, "number": numbers.get((name, row["digest"])), "digest": row["digest"],
                            "moved": row["moved"]})  # fmt: skip
    return found


def _digests(catalog: Catalog, versions: Collection[tuple[str, int]]) -> list[Row]:
    """Name and digest of VERSIONS (name, number)."""
    return catalog.rows(sa.select(V.name, V.digest).where(sa.tuple_(V.name, V.number).in_(versions)))


def _with(row: Row, aliases: list[Row], newest: str) -> Row:
    champion = next((one for one in aliases if one["alias"] == CHAMPION and one["number"]), None)
    used = {"used": champion["number"], "digest": champion["digest"]} if champion else {
        "used": row["newest"], "digest": newest}  # fmt: skip
    return {**row, "aliases": aliases, **used}
