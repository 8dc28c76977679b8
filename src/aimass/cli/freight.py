"""Archives between here and a console: in pieces, taken up again after a break, and whole by their SHA-256."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aimass.cli.remote import Remote, Unanswered, patiently
from aimass.core.canonical import digest_of_file
from aimass.core.errors import AimassError, InputError, StoreError
from aimass.store.base import writing

BLOCK = 1 << 18  # bytes that are read at once
ENDING = ".aimass.zip"
Note = Callable[[str], None]
Said = dict[str, Any]


def export_there(there: Remote, project: str, text: str | None, to: Path, *, force: bool, note: Note) -> Said:
    """Have a console write PROJECT, with TEXT as its project file, fetch that as TO; what it holds, in numbers.

    What came before a break stays beside TO, and the same command goes on with it.  The console's copy is removed.
    """
    if to.exists() and not force:
        raise InputError(f"{to} exists", expected="a new file", todo="give another, or --force", key="to")
    with writing(str(to)):  # before a console works for an hour
        trial = to.with_name(f".{to.name}.{uuid.uuid4().hex[:8]}")
        trial.touch()
        trial.unlink()
    told = _begun(there, project, text, to)
    if told is None:
        wanted = {"project": project, **({} if text is None else {"text": text})}
        told = there.job(wanted, note, "archive/export")
    else:
        note(f"goes on with {told['file']}, which was fetched in part")
    part = _part(to, told["sha256"])
    for old in to.parent.glob(f".{escape(to.name)}.*.part"):
        if old != part:
            old.unlink(missing_ok=True)
    _fetch(there, told, part, note)
    came = digest_of_file(part)
    whole = came == told["sha256"]
    with writing(str(to)):
        part.replace(to) if whole else part.unlink()
    _remove(there, told["file"], note)
    if not whole:
        raise StoreError(f"what came is not what was sent: SHA-256 {came[:12]}... against {told['sha256'][:12]}...",
                         expected="the same bytes", todo="run the command again")  # fmt: skip
    return {**told, "file": str(to)}


def _begun(there: Remote, project: str, text: str | None, to: Path) -> Said | None:
    """What was exported for TO before and fetched in part, if the console still has it."""
    if not any(to.parent.glob(f".{escape(to.name)}.*.part")):
        return None
    known = there.ask("GET", "archive")
    files = {row["file"] for row in known["files"]}
    for row in known["jobs"]:
        told: Said = row["outcome"] or {}
        fits = (row["kind"], row["label"]) == ("export", project) and told.get("file") in files
        if fits and _part(to, told.get("sha256", "")).exists():
            work = there.ask("GET", f"jobs/{row['id']}")["work"]
            return told if work.get("text") == text else None
    return None


def _part(to: Path, sha256: str) -> Path:
    return to.with_name(f".{to.name}.{sha256[:16]}.part")


def _fetch(there: Remote, told: Said, part: Path, note: Note) -> None:
    """The archive that TOLD is of as PART, which may hold its beginning."""
    size, heard = told["bytes"], _heard("fetched", told["bytes"], note)
    with writing(str(part)):
        part.touch()
        file = part.open("r+b")
        file.seek(0, os.SEEK_END)

    def more() -> None:
        at = file.tell()
        if at < size:
            with there.answer("GET", f"archive/files/{quote(told['file'])}", None, {"range": f"bytes={at}-"}) as answer:
                if at and answer.status != 206:  # somebody between us answers with all of it
                    file.seek(0)
                    file.truncate()
                while block := answer.read(BLOCK):
                    with writing(str(part)):
                        file.write(block)
                    heard(file.tell())
            if file.tell() < size:
                raise Unanswered(f"{there.url} broke off", expected="all of it", todo="run the command again")

    with file:
        patiently(more)
        with writing(str(part)):
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def brought(there: Remote, file: Path, note: Note) -> Iterator[str]:
    """What the archive FILE is called at a console while this lasts; it is sent there and removed at the end.

    It stays when the console is not heard of any more: a job may still be reading it.
    """
    name = _sent(there, file, note)
    try:
        yield name
    except Unanswered:
        raise
    except AimassError:
        _remove(there, name, note)
        raise
    _remove(there, name, note)


def _remove(there: Remote, name: str, note: Note) -> None:
    """Remove the archive NAME there; what was done with it is done, even if that fails."""
    try:
        there.ask("DELETE", f"archive/files/{quote(name)}")
    except AimassError as error:
        note(f"{name} stays there: {error.what}")


def _sent(there: Remote, file: Path, note: Note) -> str:
    """FILE in the console's data folder, under a name of its own.  What came before a break is not sent again."""
    from aimass.project.archive.unpack import opened

    with opened(file):  # what is none is not sent
        sha256 = digest_of_file(file)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", file.name.removesuffix(ENDING)).strip("-_")[:80] or "project"
    facts = {"name": f"{stem}-{sha256[:12]}{ENDING}", "size": file.stat().st_size}
    known = there.ask("GET", "uploads")
    same = (row for row in known["rows"] if all(row[key] == value for key, value in facts.items()))
    upload = next(same, None) or there.ask("POST", "uploads", facts)
    _send(there, file, upload, known["piece"], note)
    taking = {"name": f"{stem}-{upload['id'][:12]}{ENDING}", "sha256": sha256}
    try:
        file_there = there.ask("POST", f"uploads/{upload['id']}/take", taking)
    except InputError:  # it was changed meanwhile, or what came first was another's
        there.ask("DELETE", f"uploads/{upload['id']}")
        raise
    return f"data:{file_there['name']}"


def _send(there: Remote, file: Path, upload: Said, piece: int, note: Note) -> None:
    at, heard = upload["received"], _heard("sent", upload["size"], note)
    path = f"uploads/{upload['id']}"
    with file.open("rb") as source:
        source.seek(at)
        while block := source.read(piece):
            try:
                there.still("PUT", path, block, at=at)
            except InputError as error:
                came = there.ask("GET", path)["received"] if error.key == "at" else None
                if came != at + len(block):  # else it has come, and its answer was lost
                    raise
            at += len(block)
            heard(at)


def _heard(what: str, size: int, note: Note) -> Callable[[int], None]:
    """Tells NOTE at each tenth of SIZE bytes how many were sent or fetched."""
    told = 0

    def heard(at: int) -> None:
        nonlocal told
        if 10 * at // max(size, 1) > told:
            told = 10 * at // size
            note(f"{what} {at / 1e6:.1f} of {size / 1e6:.1f} MB")

    return heard
