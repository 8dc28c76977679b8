"""A project leaves its workspace as one file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from aimass import __version__
from aimass.core.artifact import MANIFEST
from aimass.core.canonical import digest_of_file
from aimass.core.errors import InputError
from aimass.measure.machine import machine_digest
from aimass.project.archive import lake
from aimass.project.archive.belongs import Belongings, belongings
from aimass.project.archive.contents import ARTIFACTS, LOGS, METRICS, NAMES, OWNER, PROJECT, RUNS, VERSIONS, Contents
from aimass.project.archive.pack import Packer, packing
from aimass.project.archive.progress import Bytes, Progress, unheard
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.base import Damaged
from aimass.store.catalog import Catalog, now
from aimass.store.database import speaking
from aimass.store.jobs import Jobs

KEPT = "projects"  # folder of a workspace: project files that came in archives, NAME/aimass.toml
Note = Callable[[str], None]


def export_project(workspace: Workspace, project: str, to: Path, *, text: str | None = None, force: bool = False,
                   note: Note = lambda _: None, progress: Progress = unheard) -> dict[str, Any]:  # fmt: skip
    """Write PROJECT, all that belongs to it, into the file TO; what it holds, in numbers.

    TEXT is the project file; without it the one that a job or an archive brought along, where there is one.  NOTE hears
    what is written, PROGRESS how much of it.  Raises InputError when there is no such project or TO exists (unless
    FORCE), StoreError when an artifact is damaged or the disk is full; then there is no file.
    """
    if not OWNER.fullmatch(project):
        raise InputError(f"{project!r} cannot be carried", expected="letters, digits and . _ -", key="project")
    if to.exists() and not force:
        raise InputError(f"{to} exists", expected="a new file", todo="give another, or --force", key="to")
    found = belongings(workspace, project)
    text = text if text is not None else known_text(workspace, project)
    with packing(to, Bytes(progress, _size(workspace, found))) as packer:
        _artifacts(packer, workspace, found, note)
        for table in found.tables:
            note(f"rows of {table}")
            lake.pack(packer, workspace.lake, table)
        note(f"{len(found.runs)} runs")
        _facts(packer, workspace.catalog, found)
        if text is not None:
            packer.add(PROJECT, io.BytesIO(text.encode()))
        contents = Contents(project, now(), __version__, machine_digest(), packer.files)
        packer.close(contents)
    return {"project": project, "file": str(to), "bytes": to.stat().st_size, "sha256": digest_of_file(to),
            "artifacts": len(found.artifacts), "runs": len(found.runs),
            "versions": [f"{row['name']}@{row['number']}" for row in found.versions],
            "tables": found.tables, "project_file": text is not None}  # fmt: skip


def known_text(workspace: Workspace, project: str) -> str | None:
    """The project file of PROJECT as the newest job of that name had it, or an archive; None where neither did."""
    rows = [row for row in Jobs(workspace.catalog).rows(1000, kinds=("project",)) if row["label"] == project]
    if rows:
        return str(rows[0]["work"]["text"])
    file = workspace.folder / KEPT / project / "aimass.toml"
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _size(workspace: Workspace, found: Belongings) -> int:
    """Bytes of artifacts and tables: what is more than some lines."""
    a = t.artifact.c
    sizes = {row["digest"]: row["size"] for row in workspace.catalog.rows(sa.select(a.digest, a.size))}
    files: int = sum(sizes[digest] for digest in found.artifacts)
    return files + sum(lake.size(workspace.lake, table) for table in found.tables)


def _artifacts(packer: Packer, workspace: Workspace, found: Belongings, note: Note) -> None:
    """Each file of each artifact, and its checksum held against the manifest while it is copied."""
    for number, digest in enumerate(found.artifacts, 1):
        artifact = workspace.open(digest)
        note(f"{artifact.kind} {digest[:12]} ({number} of {len(found.artifacts)})")
        for name, expected in {**artifact.manifest.files, MANIFEST: ""}.items():
            path = f"{ARTIFACTS}/{digest}/{name}"
            try:
                with (artifact.folder / name).open("rb") as file:
                    packer.add(path, file)
            except FileNotFoundError as error:
                raise _damaged(digest, name) from error
            if expected and packer.files[path][1] != expected:
                raise _damaged(digest, name)


def _damaged(digest: str, name: str) -> Damaged:
    return Damaged(f"artifact {digest[:12]} is damaged: {name}", expected="the files its manifest lists",
                   todo="run the project again, which makes it again; then export")  # fmt: skip


def _facts(packer: Packer, catalog: Catalog, found: Belongings) -> None:
    packer.lines(RUNS, found.runs)
    ids = [row["id"] for row in found.runs]
    packer.lines(METRICS, _points(catalog, ids))
    packer.lines(LOGS, _lines(catalog, ids))
    packer.lines(NAMES, found.names)
    packer.lines(VERSIONS, found.versions)


def _points(catalog: Catalog, runs: list[int]) -> Iterator[list[Any]]:
    """Every figure of RUNS as [run, name, at, value, time], in the order they were reported."""
    m = t.metric.c
    for run in runs:
        query = sa.select(m.run, m.name, m.at, m.value, m.time).where(m.run == run).order_by(m.id)
        yield from (list(row) for row in _streamed(catalog, query))


def _lines(catalog: Catalog, runs: list[int]) -> Iterator[dict[str, Any]]:
    """What RUNS have said; a letter 0, which not every database keeps, is shown as a gap."""
    line = t.log.c
    for run in runs:
        query = sa.select(line.time, line.text).where(line.run == run).order_by(line.id)
        for time, text in _streamed(catalog, query):
            yield {"run": run, "time": time, "text": text.replace("\0", "\ufffd")}


def _streamed(catalog: Catalog, query: sa.Select[Any]) -> Iterator[Any]:
    """A million rows take no more memory than some."""
    with speaking(catalog.engine), catalog.engine.connect().execution_options(yield_per=10_000) as link:
        yield from link.execute(query)
