"""Folders to work in, and what becomes of those whose program was killed."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimass.store.base import writing
from aimass.store.lock import held, tried

DAYS = 30  # that checkpoints and lock files of a task nobody took up again are kept


@contextmanager
def scratch_in(folder: Path) -> Iterator[Path]:
    """A fresh folder on the workspace's filesystem, locked while it is used and gone afterwards."""
    place = folder / "scratch" / uuid.uuid4().hex
    lock = place.with_suffix(".lock")
    with held(lock, lambda _: None):
        try:
            with writing(str(place)):
                place.mkdir(mode=0o700)
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            lock.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove from the workspace FOLDER what killed programs left: scratch at once, checkpoints and locks when old.

    Whether a program lives is asked of its lock, which the kernel lets go of: process numbers come again after a
    restart and mean something else in a container.
    """
    for lock in (folder / "scratch").glob("*.lock"):
        _remove(lock.with_suffix(""), lock)
    oldest = time.time() - DAYS * 24 * 3600
    left = [*(folder / "scratch").glob("*"), *(folder / "resume").glob("*"), *(folder / "locks").glob("*")]
    for path in left:
        if _newest(path) < oldest:
            lock = path.with_suffix(".lock") if path.parent.name == "scratch" else folder / "locks" / path.name
            _remove(path, lock)


def _remove(path: Path, lock: Path) -> None:
    """Remove PATH and its LOCK unless a program holds it."""
    with tried(lock) as free:
        if free:
            shutil.rmtree(path, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _newest(path: Path) -> float:
    """When PATH or something directly in it was written last; now when it went away meanwhile."""
    try:
        inside = path.iterdir() if path.is_dir() else ()
        newest: float = max(p.stat().st_mtime for p in [path, *inside])
    except FileNotFoundError:
        return time.time()
    return newest
