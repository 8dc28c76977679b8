"""Reads the file of an archive, which anybody may have made: looked at as a whole before any of it is believed.

Members are not packed, do not lie over each other and are those that the list names, so that what comes out is never
more than the file; each byte that is read counts into the checksum it must have.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from aimass.core.errors import InputError
from aimass.project.archive.contents import INDEX, LARGEST, Contents
from aimass.project.archive.pack import BLOCK
from aimass.store.base import writing

HEADER = 30  # bytes in front of a member's name
LINE = 16 << 20  # bytes of one fact: a task, a line of a log
ENCRYPTED = 0x1
WRONG = (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, OverflowError, struct.error)


class Archive:
    """An archive that was opened, and its `contents`."""

    def __init__(self, path: Path, zip: zipfile.ZipFile) -> None:
        self.path, self.zip = path, zip
        with legible(path):
            self.members = members(zip)
            if INDEX not in self.members or self.members[INDEX].file_size > LARGEST:
                raise InputError(f"it has no {INDEX}")
            self.contents = Contents.read(zip.read(self.members.pop(INDEX)))
            self._check_listed()

    def _check_listed(self) -> None:
        """Raises InputError unless the list names just the members there are."""
        listed = {path: size for path, (size, _) in self.contents.files.items()}
        found = {path: info.file_size for path, info in self.members.items()}
        if listed != found:
            odd = sorted(path for path in {*listed, *found} if listed.get(path) != found.get(path))
            raise InputError(f"its {INDEX} and what it holds differ: {odd[0][:100]!r}")

    def blocks(self, path: str) -> Iterator[bytes]:
        """The bytes of PATH.  Raises InputError, at the end at the latest, when they are not what the list says."""
        size, digest = self.contents.files[path]
        seen, sha = 0, hashlib.sha256()
        with self.zip.open(self.members[path]) as member:
            while block := member.read(BLOCK):
                seen += len(block)
                sha.update(block)
                yield block
        if (seen, sha.hexdigest()) != (size, digest):
            raise InputError(f"the checksum of {path[:100]!r} is wrong")

    def read(self, path: str) -> bytes:
        """All of PATH."""
        with legible(self.path):
            return b"".join(self.blocks(path))

    def copy(self, path: str, to: Path, heard: Callable[[int], None]) -> None:
        """PATH as the file TO.  HEARD is told the size of each piece that is there."""
        with legible(self.path):
            blocks = self.blocks(path)
            with writing(str(to)):
                to.parent.mkdir(parents=True, exist_ok=True)
                with to.open("xb") as file:
                    for block in blocks:
                        file.write(block)
                        heard(len(block))

    def lines(self, path: str) -> Iterator[Any]:
        """The facts in PATH, one by one.  What was given out is only to be believed when the last one was."""
        rest = b""
        with legible(self.path):
            for block in self.blocks(path):
                *whole, rest = (rest + block).split(b"\n")
                yield from map(parsed, whole)
                if len(rest) > LINE:
                    raise InputError(f"{path} has a line of more than {LINE} bytes")
            if rest:
                raise InputError(f"{path} ends in the middle of a line")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at PATH.  Raises InputError for a file that is none."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", expected="an archive of `aimass export`",
                         key="archive") from error  # fmt: skip
    with file:
        with legible(path):
            zip = zipfile.ZipFile(file)
        with zip:
            yield Archive(path, zip)


@contextmanager
def legible(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file PATH is said in one sentence."""
    try:
        yield
    except InputError as error:
        raise _refused(path, error.what) from error
    except WRONG as error:
        raise _refused(path, str(error)[:200] or type(error).__name__) from error


def _refused(path: Path, why: str) -> InputError:
    return InputError(f"{path.name} is no whole archive: {why.removeprefix(f'{path.name} is no whole archive: ')}",
                      expected="a file that `aimass export` wrote, unchanged",
                      todo="copy it again from where it was made, or export it again", key="archive")  # fmt: skip


def members(zip: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members of ZIP by name.  Raises InputError for one that is packed, locked, doubled or over another."""
    found: dict[str, zipfile.ZipInfo] = {}
    end = 0
    for info in sorted(zip.infolist(), key=lambda info: info.header_offset):
        name = info.filename
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise InputError(f"{name[:100]!r} in it is packed, which nothing in an archive is")
        if info.flag_bits & ENCRYPTED:
            raise InputError(f"{name[:100]!r} in it is locked")
        if name in found:
            raise InputError(f"{name[:100]!r} is in it twice")
        if info.header_offset < end:
            raise InputError(f"{name[:100]!r} lies over another file in it")
        end = info.header_offset + HEADER + len(name.encode(errors="replace")) + info.file_size
        found[name] = info
    if end > zip.start_dir:
        raise InputError("it says that it is longer than it is")
    return found


def parsed(line: bytes) -> Any:
    """A line of facts: JSON without NaN.  Raises InputError."""
    try:
        return json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"a line of its facts is not JSON: {str(error)[:100]}") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
