"""What lists of ledgers share: pages of artifacts, newest first, and their files as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Query

from aimass.core.artifact import Artifact
from aimass.core.errors import AimassError
from aimass.core.part import resolve
from aimass.store import tables as t
from aimass.store.base import Damaged
from aimass.store.catalog import Catalog, Row

A = t.artifact.c
Page = Annotated[str, Query(pattern=r"^([0-9T:.+-]{10,40}~[0-9a-f]{64})?$", description="`next` of the page before")]


def page(catalog: Catalog, which: sa.ColumnElement[bool], after: str, limit: int) -> tuple[list[Row], str | None]:
    """Artifacts for WHICH it holds, newest first, behind AFTER; and `after` of the page behind (None on the last)."""
    query = sa.select(A.digest, A.created, A.facts, A.step).where(which)
    if after:
        created, _, digest = after.partition("~")
        query = query.where(sa.tuple_(A.created, A.digest) < sa.tuple_(sa.literal(created), sa.literal(digest)))
    rows = catalog.rows(query.order_by(A.created.desc(), A.digest.desc()).limit(limit + 1))
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], None if last is None else f"{last['created']}~{last['digest']}"


def read(name: str) -> Callable[[Artifact], dict[str, Any]]:
    """Reads the JSON object in the file NAME of an artifact; what reads raises Damaged."""

    def reads(artifact: Artifact) -> dict[str, Any]:
        try:
            found = artifact.read_json(name)
        except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise Damaged(f"{name} of {artifact.digest[:12]} cannot be read: {error}", expected="the file as made",
                          todo="run the project again") from error  # fmt: skip
        return dict(found)

    return reads


def found_in(metric: str) -> str:
    """The good side of METRIC, "higher" or "lower"; "" where it is somebody's own and not installed here."""
    try:
        return str(getattr(resolve("metric", metric), "better", ""))
    except AimassError:
        return ""
