"""Facts of an archive come into a catalog: all of them in one transaction, which figures and logs do not make long.

They are checked before it begins; in it their checksum is, once more, so that what is kept is what was checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import groupby, islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from aimass.core.artifact import Manifest
from aimass.core.errors import InputError, StoreError
from aimass.project.archive.contents import LOGS, METRICS
from aimass.project.archive.facts import Facts, artifact_row
from aimass.project.archive.rows import fits, is_point
from aimass.project.archive.unpack import Archive, legible
from aimass.store import figures, origins
from aimass.store import tables as t
from aimass.store.catalog import Catalog, Row, now

AT_ONCE = 20_000  # figures or lines that are kept together
POINT = ("run", "name", "at", "value", "time")


def check(archive: Archive) -> None:
    """Raises InputError for a figure or a line of a log that no catalog keeps."""
    with legible(archive.path):
        for values in archive.lines(METRICS):
            if not is_point(values):
                raise InputError(f"a figure in it is {repr(values)[:60]}")
        for line in archive.lines(LOGS):
            fits(t.log, line, without=("id",))


def keep(
    catalog: Catalog, archive: Archive, facts: Facts, runs: list[Row], versions: list[Row], names: list[Row]
) -> None:
    """Artifacts of FACTS that are new, RUNS with all they reported and said, VERSIONS, and where NAMES lead now.

    Raises StoreError when the catalog cannot be written, or another program was quicker; then nothing is in it.
    """
    try:
        with catalog.writing() as link:
            fresh = _artifacts(link, facts)
            numbers = {row["id"]: _run(link, row) for row in runs}
            _origins(link, fresh, {numbers[row["id"]]: row for row in runs})
            for run, points in _of_runs(archive, METRICS, numbers):
                rows = [{**dict(zip(POINT, values, strict=True)), "run": run} for values in points]
                _insert(link, t.metric, rows)
                figures.keep(link, rows)
            for run, lines in _of_runs(archive, LOGS, numbers):
                _insert(link, t.log, [{**line, "run": run} for line in lines])
            _insert(link, t.version, versions)
            for row in names:
                link.execute(sa.delete(t.name).where(t.name.c.name == row["name"]))
                link.execute(sa.insert(t.name).values(name=row["name"], digest=row["after"], moved=now()))
    except IntegrityError as error:
        raise StoreError("another program changed the same names meanwhile", expected="a workspace at rest",
                         todo="import again") from error  # fmt: skip


def _artifacts(link: sa.Connection, facts: Facts) -> dict[str, Manifest]:
    """Those that were not here."""
    have = set(link.execute(sa.select(t.artifact.c.digest)).scalars())
    fresh = {digest: m for digest, m in facts.artifacts.items() if digest not in have}
    _insert(link, t.artifact, [artifact_row(m) for m in fresh.values()])
    pairs = [{"child": m.digest, "parent": parent} for m in fresh.values() for parent in dict.fromkeys(m.parents)]
    _insert(link, t.parent, pairs)
    return fresh


def _origins(link: sa.Connection, fresh: dict[str, Manifest], runs: dict[int, Row]) -> None:
    """Which sources all of it comes from: artifacts after those they were made from, since they come from the same."""
    above = TopologicalSorter({digest: [p for p in m.parents if p in fresh] for digest, m in fresh.items()})
    for digest in above.static_order():
        origins.keep_artifact(link, fresh[digest])
    for number, row in runs.items():
        task = json.loads(row["task_json"])
        origins.keep_run(link, number, task["step"], task.get("settings"), task.get("inputs"))


def _run(link: sa.Connection, row: Row) -> int:
    """The number that the run has here."""
    key = link.execute(sa.insert(t.run).values({c: row[c] for c in row if c != "id"})).inserted_primary_key
    assert key is not None
    return int(key[0])


def _of_runs(archive: Archive, path: str, numbers: dict[int, int]) -> Iterator[tuple[int, list[Any]]]:
    """What PATH says of each run in NUMBERS (there -> here), some at a time: (number here, facts)."""
    with legible(archive.path):
        for number, facts in groupby(archive.lines(path), key=lambda f: f["run"] if isinstance(f, dict) else f[0]):
            while some := list(islice(facts, AT_ONCE)):
                if number in numbers:
                    yield numbers[number], some


def _insert(link: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    if rows:
        link.execute(sa.insert(table), rows)
