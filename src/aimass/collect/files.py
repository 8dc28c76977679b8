"""Files as sources: finding them, unpacking them, and knowing which are new."""

from __future__ import annotations

import bz2
import glob
import gzip
import importlib.util
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from aimass.collect.base import Cursor, Rows
from aimass.core.canonical import digest_of_file
from aimass.core.errors import InputError, suggest

PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# bz2 and gzip say OSError; a zip with a password or an unknown method says RuntimeError (NotImplementedError is one)
BROKEN = (zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, RuntimeError, OSError)
COMMIT = 64 << 20  # bytes of files read before a cursor: many small files share a commit


def find(path: str) -> list[Path]:
    """The files that PATH names: one file, a glob, or "package:NAME/file" inside an installed Python package.

    Raises InputError when there is none.
    """
    if path.startswith("package:"):
        path = _inside_package(path)
    if "://" in path:
        raise InputError(f"{path} is not a local path", expected="a file, a glob or package:NAME/file",
                         todo="download it first", key="path")  # fmt: skip
    file = Path(path)
    if glob.has_magic(path) and kind_of(file) != "file":
        found = sorted(Path(name) for name in glob.glob(path, recursive=True) if Path(name).is_file())  # noqa: PTH207
        if not found:
            raise InputError(f"no file matches {path}", expected="at least one file", key="path",
                             todo="check the pattern; relative paths count from the project file")  # fmt: skip
        return found
    return [one(path)]


def kind_of(path: Path) -> str:
    """ "file", "folder", or empty for what is not there or cannot be (a name that is too long)."""
    try:
        return "folder" if path.is_dir() else "file" if path.exists() else ""
    except OSError:
        return ""


def one(path: str) -> Path:
    """The file at PATH.  Raises InputError with the nearest name when there is none."""
    file = Path(path)
    kind = kind_of(file)
    if kind == "folder":
        raise InputError(
            f"{path} is a folder", expected="a file or a glob", todo=f"try {path.rstrip('/')}/*", key="path"
        )
    if not kind:
        near = suggest(file.name, [p.name for p in file.parent.iterdir()]) if kind_of(file.parent) == "folder" else ""
        raise InputError(f"no file at {path}{near}", expected="a file that exists", key="path",
                         todo="check the path; relative paths count from the project file")  # fmt: skip
    return file


def _inside_package(path: str) -> str:
    """Where the file lies, without importing (and so running) the package."""
    name, _, inner = path.removeprefix("package:").partition("/")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"the Python package {name} is not installed", expected=f"{name} beside aimass",
                         todo=f"pip install {name}", key="path")  # fmt: skip
    folder = Path(next(iter(spec.submodule_search_locations))).resolve()
    file = folder / inner
    if not file.resolve().is_relative_to(folder):
        raise InputError(
            f"{path} leaves the package {name}", expected=f"a file inside it: package:{name}/FILE", key="path"
        )
    return str(file)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of PATH, unpacked when it ends in .gz, .bz2, .xz or .zip (of one file).

    Raises InputError for what cannot be read or unpacked; also while it is being read.
    """
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive, path)) as file:
                yield file  # type: ignore[misc]
        elif path.suffix in PACKED:
            with PACKED[path.suffix](path, "rb") as file:
                yield file
        else:
            with path.open("rb") as file:
                yield file
    except PermissionError as error:
        raise InputError(f"{path} may not be read", expected="a file this user may read", key="path") from error
    except BROKEN as error:
        if path.suffix not in (*PACKED, ".zip"):
            raise
        raise InputError(f"{path} cannot be unpacked: {error}", expected=f"a whole {path.suffix} file", key="path",
                         todo="it is damaged, half-written or locked: get it again") from error  # fmt: skip


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if len(names) != 1:
        raise InputError(f"{path} holds {len(names)} files", expected="a zip of one file", todo="unpack it", key="path")
    return names[0]


def unpacked_suffix(path: Path) -> str:
    """'.csv' of flights.csv.gz."""
    return Path(path.stem).suffix.lower() if path.suffix in (*PACKED, ".zip") else path.suffix.lower()


@dataclass(frozen=True)
class Plan:
    """What to read of the files there are."""

    todo: list[Path]
    replace: bool
    seen: dict[str, str]  # file -> sha256, of those already read and still the same
    now: dict[str, str]  # the same of all there are, taken before anything is read: what the cursor will say


def plan(files: list[Path], cursor: Any | None) -> Plan:
    """New files are added; when one changed or is gone, everything is read again and replaces what was there."""
    seen: dict[str, str] = dict(cursor or {})
    now = {str(file): _digest(file) for file in files}
    if any(now.get(name) != digest for name, digest in seen.items()):
        return Plan(files, True, {}, now)
    return Plan([file for file in files if str(file) not in seen], False, seen, now)


def _digest(file: Path) -> str:
    try:
        return digest_of_file(file)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}", expected="a file this user may read",
                         key="path") from error  # fmt: skip


def check_at_rest(file: Path, what: Plan) -> None:
    """Raises InputError when FILE, which was read, is not the one that was planned: its rows may be half of each."""
    if _digest(file) != what.now[str(file)]:
        raise InputError(f"{file} changed while it was being read", expected="a file at rest", key="path",
                         todo="run again when nobody writes to it")  # fmt: skip


def read_files(path: str, cursor: Any | None, rows_of: Callable[[Path], Iterator[Rows]]) -> Iterator[Rows]:
    """What every collector of files does: ROWS_OF each new file, and cursors between them."""
    what = plan(find(path), cursor)
    seen, replace, size = dict(what.seen), what.replace, 0
    for i, file in enumerate(what.todo):
        yield from rows_of(file)
        check_at_rest(file, what)
        seen[str(file)] = what.now[str(file)]
        size += file.stat().st_size
        if size >= COMMIT or i == len(what.todo) - 1:
            yield Cursor(dict(seen), replace=replace)
            replace, size = False, 0
