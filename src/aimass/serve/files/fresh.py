"""A file that appears when it is whole: written under another name beside its place, and renamed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from aimass.core.errors import InputError, StoreError
from aimass.store.base import writing


def check(path: Path, *, force: bool, key: str) -> None:
    """Raises InputError when PATH is there already, unless FORCE, or cannot be written."""
    if path.is_dir() or (path.exists() and not force):
        raise InputError(
            f"{path} exists", expected="a new file", todo="name another, or overwrite it: --force", key=key
        )
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: the folder is not there or may not be written", expected="a folder to write into",
                         todo="make it, or name another", key=key)  # fmt: skip


@contextmanager
def fresh(path: Path) -> Iterator[BinaryIO]:
    """A file that becomes PATH at the end of the block; nothing is left of it when the block fails.

    What a killed program left is overwritten by the next.  Raises StoreError when another program is writing it.
    """
    rough = path.with_name(f".{path.name}.unfinished")
    with writing(str(path)), rough.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"another program is writing {path}", expected="one at a time", todo="wait") from error
        try:
            file.truncate(0)
            yield file
            file.flush()
            os.fsync(file.fileno())
            rough.replace(path)
        except BaseException:
            rough.unlink(missing_ok=True)
            raise
