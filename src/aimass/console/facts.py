"""The catalog's rows for programs, page by page: no answer grows with the catalog."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import sqlalchemy as sa

from aimass.core.errors import InputError
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row

MOST = 1000  # rows of an answer
ARTIFACTS, RUNS, NAMES, VERSIONS, LOG = t.artifact, t.run, t.name, t.version, t.log
ORDERS: dict[str, tuple[bool, tuple[sa.Column[Any], ...]]] = {  # by table: the greatest first? and what orders its rows
    ARTIFACTS.name: (True, (ARTIFACTS.c.created, ARTIFACTS.c.digest)),
    RUNS.name: (True, (RUNS.c.id,)),
    NAMES.name: (False, (NAMES.c.name,)),
    VERSIONS.name: (False, (VERSIONS.c.name, VERSIONS.c.number)),
    LOG.name: (False, (LOG.c.id,)),
}


def page(
    catalog: Catalog, table: sa.Table, after: str, limit: int, *where: sa.ColumnElement[bool]
) -> tuple[list[Row], str | None]:
    """At most LIMIT rows of TABLE behind the cursor AFTER ("" for the first), and the next cursor; None on the last.

    In the order of `aimass ls`.  Raises InputError for a cursor that is none.
    """
    down, keys = ORDERS[table.name]
    query = sa.select(table).where(*where).order_by(*(key.desc() if down else key for key in keys)).limit(limit + 1)
    if after:
        here, there = sa.tuple_(*keys), sa.tuple_(*map(sa.literal, _read(after, keys)))
        query = query.where(here < there if down else here > there)
    rows = catalog.rows(query)
    return rows[:limit], _written([rows[limit - 1][key.name] for key in keys]) if len(rows) > limit else None


def _written(values: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _read(cursor: str, keys: tuple[sa.Column[Any], ...]) -> list[Any]:
    try:
        values = json.loads(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        kinds = [key.type.python_type for key in keys]
        if not isinstance(values, list) or [type(value) for value in values] != kinds:
            raise ValueError
        if not all(0 <= value < 1 << 62 for value in values if isinstance(value, int)):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise InputError("the cursor is none of ours", expected="`next` of a page", key="after") from error
    return values
