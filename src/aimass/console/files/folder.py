"""The data folder: what lies there, what comes in and what is removed.

What is known of a file besides its bytes (who brought it, its SHA-256) is in the audit, where its coming was written
down; it is believed as long as size and time are as they were then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from aimass.collect.endings import collector_of
from aimass.console.access import audit
from aimass.console.access.caller import Caller
from aimass.console.files.names import checked_name
from aimass.console.files.uploads import Upload, Uploads
from aimass.console.jobs.work import data_of
from aimass.console.once import Once, same, still
from aimass.console.refusals import missing, taken
from aimass.core.canonical import digest_of_file
from aimass.core.errors import InputError
from aimass.runner.workspace import Workspace
from aimass.store import tables as t
from aimass.store.base import writing
from aimass.store.catalog import Catalog, Row
from aimass.store.lock import held

TAKE, REMOVE = "files.take", "files.remove"
MOST = 1000  # files that are told
HASHED = 1 << 30  # bytes of a file whose SHA-256 is computed for who looks at it
counted = Once(MOST, "others wait for the checksum of that file")  # SHA-256 of files that came by other ways


@dataclass(frozen=True)
class File:
    """A file of the data folder; USE is the collector that reads it, "" for none.  Times are ISO 8601."""

    name: str
    size: int
    modified: str
    use: str
    sha256: str | None = None
    who: str | None = None
    taken: str | None = None


def listed(space: Workspace) -> list[File]:
    """What lies there, by name."""
    files = [_file(path) for path in _paths(space)[:MOST]]
    known = _known(space.catalog, [file.name for file in files])
    return [_with(file, known.get(file.name)) for file in files]


def found(space: Workspace, name: str) -> tuple[File, Path]:
    """The file called NAME exactly.  Raises Refusal (404)."""
    path = next((one for one in _paths(space) if one.name == name), None)
    if path is None:
        raise missing(f"there is no file {name[:80]!r} in the data folder")
    return _with(_file(path), _known(space.catalog, [name]).get(name)), path


def digest(file: File, path: Path) -> str | None:
    """SHA-256 of FILE at PATH; None for a large one that nobody has counted yet."""
    return file.sha256 or checksum(path)


def checksum(path: Path) -> str | None:
    """SHA-256 of the file at PATH, counted once for as long as it stays the same; None for a large one."""
    if path.stat().st_size > HASHED:
        return None
    before = same(path)
    found: str = counted((path, before), lambda: digest_of_file(path), lambda _: still(path, before))
    return found


def take(space: Workspace, uploads: Uploads, upload: Upload, by: Caller, *, name: str = "", sha256: str = "",
         over: bool = False) -> File:  # fmt: skip
    """Put UPLOAD, which is whole, into the folder, as NAME or as it is called.

    Raises Refusal (409) when it is not what SHA256 says was sent, and for a name that is there, unless OVER it.
    """
    name = checked_name(name or upload.name)
    with uploads.alone(upload):  # what was counted is what is moved
        came = uploads.digest(upload)
        if sha256 and sha256 != came:
            raise taken(f"what came is not what was sent: SHA-256 {came[:12]}... against {sha256[:12]}...",
                        expected="the same bytes", key="sha256",
                        todo="send it again; was the file changed meanwhile?")  # fmt: skip
        with held(space.folder / "locks" / "files", lambda _: None):
            _place(space, uploads.path(upload), name, came, by, over)
    uploads.drop(upload)
    return found(space, name)[0]


def _place(space: Workspace, path: Path, name: str, sha256: str, by: Caller, over: bool) -> None:
    """PATH, whose bytes have SHA256, is NAME from now on, and the audit says so."""
    before = next((found(space, name)[0] for one in _paths(space) if one.name == name), None)
    if before and not over:
        raise taken(f"{name} is there already", expected="another name", key="name",
                    todo="rename it, or replace the one that is there")  # fmt: skip
    after = {**_told(_file(path)), "sha256": sha256}
    with audit.acting(space.catalog, by, TAKE, name, before=before and _told(before), after=after), writing(name):
        _move(path, data_of(space), name)


def remove(space: Workspace, name: str, by: Caller) -> File:
    """Remove the file NAME; datasets that were collected from it stay.  Raises Refusal (404)."""
    file, path = found(space, name)
    with audit.acting(space.catalog, by, REMOVE, name, before=_told(file)), writing(name):
        path.unlink(missing_ok=True)
    return file


def _told(file: File) -> Row:
    """By what a file is known again."""
    return {"size": file.size, "modified": file.modified, "sha256": file.sha256}


def _move(path: Path, folder: Path, name: str) -> None:
    """PATH, now called NAME in FOLDER, its bytes on the disk before its name is."""
    folder.mkdir(parents=True, exist_ok=True)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.replace(folder / name)


def _paths(space: Workspace) -> list[Path]:
    """The files of the folder by name; hidden ones, and names that are no text, are not told.

    A file belongs to no project: who has a grant over some of them only finds none.
    """
    folder = data_of(space)
    there = folder.iterdir() if folder.is_dir() and not space.catalog.reach else ()
    return sorted(path for path in there if path.name[0] not in "._" and _is_text(path.name) and path.is_file())


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _file(path: Path) -> File:
    facts = path.stat()
    changed = datetime.fromtimestamp(facts.st_mtime, UTC).isoformat(timespec="microseconds")
    try:
        use = collector_of(path.name)
    except InputError:
        use = ""
    return File(path.name, facts.st_size, changed, use)


def _with(file: File, row: Row | None) -> File:
    """FILE with what ROW of the audit says of it, if it is still that file."""
    told = (row or {}).get("after") or {}
    if row is None or (told.get("size"), told.get("modified")) != (file.size, file.modified):
        return file
    return replace(file, sha256=told["sha256"], who=row["who"], taken=row["time"])


def _known(catalog: Catalog, names: list[str]) -> dict[str, Row]:
    """The newest coming of each of NAMES."""
    a = t.audit.c
    newest = sa.select(sa.func.max(a.id)).where(a.what == TAKE, a.subject.in_(names), audit.done()).group_by(a.subject)
    rows = catalog.rows(sa.select(a.subject, a.who, a.time, a.after).where(a.id.in_(newest))) if names else []
    return {row["subject"]: row for row in rows}
