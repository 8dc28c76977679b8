"""Writes the file of an archive: one member after the other, as they are, and last what they are."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from aimass.core.canonical import canonical
from aimass.project.archive.contents import INDEX, Contents
from aimass.store.base import writing

BLOCK = 1 << 20  # bytes
DAY = (1980, 1, 1, 0, 0, 0)  # of every member: the same content is the same bytes


class Packer:
    """Members of a zip, and what is known of them.  HEARD is told the size of each piece of a file that is in."""

    def __init__(self, zip: zipfile.ZipFile, heard: Callable[[int], None]) -> None:
        self.zip, self.heard = zip, heard
        self.files: dict[str, tuple[int, str]] = {}

    def add(self, path: str, source: IO[bytes]) -> None:
        """All that SOURCE still has, as PATH."""

        def read() -> Iterator[bytes]:
            while block := source.read(BLOCK):
                yield block
                self.heard(len(block))

        self._write(path, read())

    def lines(self, path: str, values: Iterable[Any]) -> int:
        """VALUES as JSON, one a line; how many there were."""
        count = 0

        def told() -> Iterator[bytes]:
            nonlocal count
            for value in values:
                count += 1
                yield canonical(value).encode() + b"\n"

        self._write(path, told())
        return count

    def _write(self, path: str, blocks: Iterable[bytes]) -> None:
        size, sha = 0, hashlib.sha256()
        with self.zip.open(zipfile.ZipInfo(path, DAY), "w", force_zip64=True) as member:
            for block in blocks:
                member.write(block)
                sha.update(block)
                size += len(block)
        self.files[path] = size, sha.hexdigest()

    def close(self, contents: Contents) -> None:
        """The list of all members ends it."""
        self.zip.writestr(zipfile.ZipInfo(INDEX, DAY), json.dumps(contents.as_json(), ensure_ascii=False, indent=0))


@contextmanager
def packing(to: Path, heard: Callable[[int], None]) -> Iterator[Packer]:
    """A packer for the file TO, which appears when it is whole; what goes wrong leaves nothing."""
    scratch = to.with_name(f".{to.name}.{uuid.uuid4().hex[:8]}")
    with writing(str(to)):
        try:
            with scratch.open("xb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as zip:
                    yield Packer(zip, heard)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(to)
        finally:
            scratch.unlink(missing_ok=True)
