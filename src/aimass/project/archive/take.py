"""A project comes into a workspace out of an archive: all of it, or nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from aimass.core.errors import InputError, StoreError
from aimass.measure.machine import machine_digest
from aimass.project.archive import lake
from aimass.project.archive.belongs import table_of
from aimass.project.archive.contents import ARTIFACTS, LAKE
from aimass.project.archive.facts import Facts, moves
from aimass.project.archive.keep import check, keep
from aimass.project.archive.progress import Bytes, Progress, unheard
from aimass.project.archive.unpack import Archive, legible, opened
from aimass.project.archive.write import KEPT
from aimass.runner.scratch import scratch_in
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.base import writing
from aimass.store.catalog import Row
from aimass.store.local import sync
from aimass.store.lock import held

Note = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What an import would change.  AGAINST says why it cannot be."""

    artifacts: list[str]  # digests that are new
    runs: list[Row]
    versions: list[Row]
    names: list[dict[str, Any]]  # name, before, after
    tables: dict[str, list[str]]
    against: list[str]

    def as_json(self) -> dict[str, Any]:
        return {"artifacts": len(self.artifacts), "runs": len(self.runs),
                "versions": [_ref(row) for row in self.versions],
                "names": self.names, "tables": sorted(self.tables), "against": self.against}  # fmt: skip


def look(workspace: Workspace, file: Path) -> dict[str, Any]:
    """What the archive FILE holds, and what an import of it would change in WORKSPACE.  Changes nothing.

    The bytes of artifacts are not read: their checksums are held against them when it is imported.
    """
    with opened(file) as archive:
        facts = Facts.read(archive)
        return _told(archive, facts, planned(workspace, archive, facts))


def _told(archive: Archive, facts: Facts, plan: Plan) -> dict[str, Any]:
    whole, kinds = archive.contents, [m.kind for m in facts.artifacts.values()]
    head = {name: getattr(whole, name) for name in ("project", "created", "package", "machine")}
    return {**head, "here": whole.machine == machine_digest(), "bytes": whole.size,
            "artifacts": {kind: kinds.count(kind) for kind in sorted(set(kinds))}, "runs": len(facts.runs),
            "versions": [_ref(row) for row in facts.versions], "tables": sorted(lake.tables(whole)),
            "project_file": facts.text is not None, "new": plan.as_json()}  # fmt: skip


def _ref(row: Row) -> str:
    return f"{row['name']}@{row['number']}"


def planned(workspace: Workspace, archive: Archive, facts: Facts) -> Plan:
    """What importing FACTS would change in WORKSPACE as it is now."""
    names, against = moves(facts, {row["name"]: row["digest"] for row in workspace.names()})
    there = {_ref(row): row["digest"] for row in workspace.versions()}
    fresh = [row for row in facts.versions if _ref(row) not in there]
    others = [row for row in facts.versions if there.get(_ref(row), row["digest"]) != row["digest"]]
    against += [f"{_ref(row)} is another release here" for row in others]
    with legible(archive.path):
        tables = lake.tables(archive.contents)
    clashes = (lake.clash(archive.contents, workspace.lake, table, files) for table, files in tables.items())
    against += [why for why in clashes if why]
    known = {_mark(row) for row in workspace.catalog.rows(sa.select(*(t.run.c[c] for c in MARK)))}
    have = {row["digest"] for row in workspace.catalog.rows(sa.select(t.artifact.c.digest))}
    new = [digest for digest in facts.artifacts if digest not in have or not workspace.bytes.has(digest)]
    return Plan(new, [row for row in facts.runs if _mark(row) not in known], fresh, names, tables, against)


MARK = ("task", "started", "host", "pid")  # tell a run from all others, wherever it is listed


def _mark(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in MARK)


# -- the import --------------------------------------------------------------------------------------------------------


def import_project(
    workspace: Workspace, file: Path, *, note: Note = lambda _: None, progress: Progress = unheard
) -> dict[str, Any]:
    """Bring the project in the archive FILE into WORKSPACE; what is new, in numbers.  Twice is once.

    NOTE hears what is done, PROGRESS how much of the file was read.

    Finished runs are reused here as if they had been done here.  Raises InputError for a file that is no whole archive,
    or where the workspace has something else under the same name; then nothing was changed.  A project file that could
    not be kept is told of as `warning`: the project is in by then.
    """
    with opened(file) as archive, held(workspace.folder / "locks" / "import", lambda _: note("another import runs")):
        facts = Facts.read(archive)
        _check_room(archive, workspace)
        with scratch_in(workspace.folder) as scratch:
            paths = [path for path in archive.contents.files if path.startswith((f"{ARTIFACTS}/", f"{LAKE}/"))]
            heard = Bytes(progress, sum(archive.contents.files[path][0] for path in paths))
            for path in paths:
                archive.copy(path, scratch / path, heard)
            note(f"{len(archive.contents.files)} files are whole")
            check(archive)
            _check_datasets(archive, facts, scratch)
            plan = planned(workspace, archive, facts)
            if plan.against:
                raise InputError(
                    f"{archive.contents.project} cannot come into this workspace: {'; '.join(plan.against[:3])}",
                    expected="a workspace without it, or with the same as far as both reach",
                    todo="import into another: aimass -w FOLDER import ...", key="archive")  # fmt: skip
            _apply(workspace, archive, facts, plan, scratch)
        kept, warning = _keep_text(workspace, archive.contents.project, facts.text)
        if warning:
            note(warning)
        return {**_told(archive, facts, plan), "kept_project_file": kept and str(kept), "warning": warning}


def _check_room(archive: Archive, workspace: Workspace) -> None:
    free, needed = shutil.disk_usage(workspace.folder).free, archive.contents.size
    if free < needed:
        raise StoreError(f"No space left: the archive holds {needed} bytes, {free} are free",
                         expected="free space in the workspace",
                         todo="free some space, or use another disk: --workspace FOLDER")  # fmt: skip


def _check_datasets(archive: Archive, facts: Facts, scratch: Path) -> None:
    """Raises InputError unless each version of a table that a dataset is can be read from what was unpacked."""
    tables = lake.tables(archive.contents)
    for digest, manifest in facts.artifacts.items():
        file = scratch / ARTIFACTS / digest / "dataset.json"
        if manifest.kind != "dataset" or not file.is_file():
            continue
        with legible(archive.path):
            table = table_of(file)
            if table and table not in tables:
                raise InputError(f"dataset {digest[:12]} is a version of a table that is not in it")
            if table:
                lake.check(scratch / LAKE / table, json.loads(file.read_bytes()))


def _apply(workspace: Workspace, archive: Archive, facts: Facts, plan: Plan, scratch: Path) -> None:
    """Bytes first, then all facts in one transaction; what goes wrong before its end takes back what was placed."""
    with ExitStack() as undo:
        for table, files in plan.tables.items():
            sync(scratch / LAKE / table)
            placed: list[str] = []
            undo.callback(lake.take_back, workspace.lake, table, placed)
            for target in lake.place(scratch / LAKE / table, workspace.lake, table, files):
                placed.append(target)
        for digest, manifest in facts.artifacts.items():
            if workspace.bytes.put(scratch / ARTIFACTS / digest, manifest):
                undo.callback(_take_back, workspace, digest)
        keep(workspace.catalog, archive, facts, plan.runs, plan.versions, plan.names)
        undo.pop_all()


def _take_back(workspace: Workspace, digest: str) -> None:
    """Remove an artifact that was placed, unless it is known here by now: a run has made the same meanwhile."""
    try:
        known = workspace.catalog.artifact(digest)
    except StoreError:  # nobody can say: bytes that nobody needs do no harm
        return
    if known is None:
        workspace.bytes.discard(digest)


def _keep_text(workspace: Workspace, project: str, text: str | None) -> tuple[Path | None, str]:
    """Where the project file is kept; and what is to be done where it could not be."""
    if text is None:
        return None, ""
    file = workspace.folder / KEPT / project / "aimass.toml"
    fresh = file.with_name("aimass.toml.new")
    try:
        with writing(str(file)):
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(file)
    except StoreError as error:
        return None, f"the project is in, without its aimass.toml: {error.what}; {error.todo}, then import it again"
    return file, ""
