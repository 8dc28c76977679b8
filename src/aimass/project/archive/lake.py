"""Lake tables on their way into an archive and out of it.

A table's log is a row of numbered files that are never changed, and its rows lie in files named by their content.  So a
table that is there already is the same table when its log says the same as far as both reach.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import fsspec

from aimass.core.errors import InputError, StoreError
from aimass.project.archive.contents import LAKE, Contents
from aimass.project.archive.pack import Packer
from aimass.store.base import lake_uri, writing
from aimass.store.lock import held

LOG = "_delta_log"
COMMIT = re.compile(r"_delta_log/[0-9]{20}\.json")


def pack(packer: Packer, lake: str, table: str) -> None:
    """The table TABLE of LAKE goes into an archive; nobody collects into it meanwhile."""
    uri = lake_uri(lake, table)
    with _still(uri):
        filesystem, root = fsspec.core.url_to_fs(uri)
        for name in _listed(filesystem, root):
            with filesystem.open(f"{root}/{name}", "rb") as file:
                packer.add(f"{LAKE}/{table}/{name}", file)


def size(lake: str, table: str) -> int:
    """Bytes of the table TABLE of LAKE, as it is now."""
    return sum(_listed(*fsspec.core.url_to_fs(lake_uri(lake, table))).values())


def _still(uri: str) -> AbstractContextManager[None]:
    """Object storage has no locks; there a commit that comes meanwhile is whole or not in the archive."""
    return nullcontext() if "://" in uri else held(Path(f"{uri}.lock"), lambda _: None)


def _listed(filesystem: Any, root: str) -> dict[str, int]:
    """Files of the table at ROOT, with their bytes: its log first, so that what a commit names is there after it."""
    if not filesystem.isdir(f"{root}/{LOG}"):
        raise StoreError(f"the table {root} is not there", expected="the Delta table that a dataset points to",
                         todo="put it back, or collect again")  # fmt: skip
    found: dict[str, int] = {}
    for folder, prefix in ((f"{root}/{LOG}", f"{LOG}/"), (root, "")):
        entries = filesystem.ls(folder, detail=True)
        files = {one["name"].rstrip("/").rpartition("/")[2]: one["size"] for one in entries if one["type"] == "file"}
        found |= {f"{prefix}{name}": files[name] for name in sorted(files)}
    return found


# -- out of it ---------------------------------------------------------------------------------------------------------


def tables(contents: Contents) -> dict[str, list[str]]:
    """The files of each table in an archive, by its name.  Raises InputError for a file of none."""
    paths = [path.removeprefix(f"{LAKE}/") for path in contents.below(LAKE)]
    found: dict[str, list[str]] = {p.partition(f"/{LOG}/")[0]: [] for p in paths if f"/{LOG}/" in p}
    for path in paths:
        table, _, name = path.rpartition("/")
        table, name = (table.removesuffix(f"/{LOG}"), f"{LOG}/{name}") if table.endswith(f"/{LOG}") else (table, name)
        if table not in found or table.count("/") > 1:
            raise InputError(f"its file {path[:100]!r} belongs to no table")
        found[table].append(name)
    return found


def clash(contents: Contents, lake: str, table: str, files: list[str]) -> str:
    """Why the table cannot be put into LAKE, "" when it can: there is none, or the same one as far as both reach."""
    filesystem, root = fsspec.core.url_to_fs(lake_uri(lake, table))
    if not filesystem.isdir(f"{root}/{LOG}"):
        return ""
    for name in filter(COMMIT.fullmatch, files):
        if filesystem.exists(f"{root}/{name}"):
            with filesystem.open(f"{root}/{name}", "rb") as file:
                here = hashlib.sha256(file.read()).hexdigest()
            if here != contents.files[f"{LAKE}/{table}/{name}"][1]:
                return f"the table {table} of this workspace has other rows"
    return ""


def place(scratch: Path, lake: str, table: str, files: list[str]) -> Iterator[str]:
    """Put FILES, which lie in SCRATCH, into the table: rows first, then commit after commit.  Gives what is new."""
    uri = lake_uri(lake, table)
    filesystem, root = fsspec.core.url_to_fs(uri)
    with _still(uri), writing(f"the table {uri}"):
        for name in sorted(files, key=lambda name: (name.startswith(LOG), name)):
            target = f"{root}/{name}"
            if filesystem.exists(target):
                continue
            filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
            if "://" in uri:
                filesystem.put_file(str(scratch / name), target)
            else:
                (scratch / name).replace(target)
            yield target


def take_back(lake: str, table: str, placed: list[str]) -> None:
    """Remove what `place` gave, commits before the rows that they name, and folders that are empty then.

    All of it stays where somebody has collected into the table meanwhile: those rows stand on these.
    """
    uri = lake_uri(lake, table)
    filesystem, root = fsspec.core.url_to_fs(uri)
    with _still(uri):
        ours = [target.removeprefix(f"{root}/") for target in placed]
        first = next(filter(COMMIT.fullmatch, ours), None)
        if first and any(
            COMMIT.fullmatch(name) and name > first and name not in ours for name in _listed(filesystem, root)
        ):
            return
        _remove(filesystem, placed)


def _remove(filesystem: Any, placed: list[str]) -> None:
    for target in reversed(placed):
        filesystem.rm_file(target)
    for folder in sorted({target.rpartition("/")[0] for target in placed}, key=len, reverse=True):
        with suppress(OSError):  # others' files are in it
            filesystem.rmdir(folder)


def check(folder: Path, dataset: dict[str, Any]) -> None:
    """Raises InputError unless the table in FOLDER has the version that DATASET (its dataset.json) is."""
    from aimass.store.lake import LakeTable

    try:
        columns = [str(column["name"]) for column in dataset["columns"]]
        rows = LakeTable(str(folder)).at(int(dataset["version"]), columns).count_rows()
    except (StoreError, KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(f"its table {folder.name[:100]!r} cannot be read: {str(error).splitlines()[0]}") from error
    if rows != dataset.get("rows"):
        raise InputError(f"its table {folder.name[:100]!r} has {rows} rows where {dataset.get('rows')} were promised")
