"""Archives of projects in a workspace: those it has written, and those that were brought into its data folder.

A request names one by the name that the list gives it; no path of a request reaches the disk.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aimass.console.files.names import ARCHIVE
from aimass.console.jobs.progress import Written
from aimass.console.jobs.work import data_of
from aimass.core.errors import InputError
from aimass.runner.workspace import Workspace

FOLDER = "archives"
Said = dict[str, Any]


def folder_of(workspace: Workspace) -> Path:
    """Where archives that are written here lie."""
    return workspace.folder / FOLDER


def listed(workspace: Workspace) -> list[Said]:
    """Every archive with its size and time, the newest first."""
    found = [_told(place, file) for place, file in _files(workspace)]
    return sorted(found, key=lambda row: (row["made"], row["file"]), reverse=True)


def found(workspace: Workspace, name: str) -> Path:
    """The archive that the list calls NAME.  Raises InputError."""
    for place, file in _files(workspace):
        if _name(place, file) == name:
            return file
    raise InputError(f"there is no archive {name[:100]!r}", expected="one of the list", key="file")


def fresh(project: str) -> str:
    """A name for an archive of PROJECT that no other has."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
    return f"{project}-{stamp}-{secrets.token_hex(3)}{ARCHIVE}"  # two may be asked for within a second


def _files(workspace: Workspace) -> Iterator[tuple[str, Path]]:
    for place, folder in ((FOLDER, folder_of(workspace)), (data_of(workspace).name, data_of(workspace))):
        if folder.is_dir():
            yield from ((place, file) for file in sorted(folder.glob(f"[!.]*{ARCHIVE}")) if _plain(file))


def _plain(file: Path) -> bool:
    return file.is_file() and not file.is_symlink()


def _name(place: str, file: Path) -> str:
    return file.name if place == FOLDER else f"{place}:{file.name}"


def _told(place: str, file: Path) -> Said:
    about = file.stat()
    made = datetime.fromtimestamp(about.st_mtime, UTC).isoformat(timespec="seconds")
    return {"file": _name(place, file), "brought": place != FOLDER, "bytes": about.st_size, "made": made}


# -- as jobs -----------------------------------------------------------------------------------------------------------


def exported(work: Said, workspace: Workspace, folder: Path) -> Said:
    """Write the project of WORK into its file."""
    from aimass.project.archive.write import export_project

    to = folder_of(workspace) / work["file"]
    to.parent.mkdir(exist_ok=True)
    told = export_project(workspace, work["project"], to, text=work.get("text"), force=True, note=_say,
                          progress=Written(folder))  # fmt: skip
    return {**told, "file": work["file"]}


def imported(work: Said, workspace: Workspace, folder: Path) -> Said:
    """Bring the project in the file of WORK in, then say which of its budgets hold on this machine."""
    from aimass.project.archive.take import import_project
    from aimass.publish.held import held_among

    progress = Written(folder)
    told = import_project(workspace, found(workspace, work["file"]), note=_say, progress=progress)
    return {**told, "releases": held_among(workspace, told["versions"], work["measure"], _say, progress)}


def _say(text: str) -> None:
    print(text, flush=True)
