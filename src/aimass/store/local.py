"""Bytes in a local folder: `artifacts/ab/<digest>`, published by one atomic rename."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from aimass.core.artifact import MANIFEST, Manifest
from aimass.core.errors import StoreError
from aimass.store.base import Damaged, whole, writing

GONE = "gone-"  # what is being removed; no digest begins like this


class LocalBytes:
    """Artifacts below ROOT.  The scratch folder must be on the same filesystem, so that a rename publishes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _place(self, digest: str) -> Path:
        return self.root / digest[:2] / digest

    def has(self, digest: str) -> bool:
        return (self._place(digest) / MANIFEST).is_file()

    def path(self, digest: str) -> Path:
        if not self.has(digest):
            raise StoreError(
                f"artifact {digest[:12]} is not in the store",
                expected=f"a folder below {self.root}",
                todo="run the project again; the step that made it is repeated",
            )
        return self._place(digest)

    def put(self, folder: Path, manifest: Manifest) -> bool:
        place = self._place(manifest.digest)
        with writing(f"artifact {manifest.digest[:12]}"):
            if place.exists() and not self._opens(place):
                self.discard(manifest.digest)
            if self.has(manifest.digest):
                shutil.rmtree(folder)
                return False
            sync(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                folder.rename(place)
            except OSError:
                if not self.has(manifest.digest):  # another program may have published the same bytes just now
                    raise
                shutil.rmtree(folder)
                return False
            sync_folder(place.parent)
        return True

    def _opens(self, place: Path) -> bool:
        try:
            whole(place)
        except Damaged:
            return False
        return True

    def discard(self, digest: str) -> None:
        """Out of the way first, in one rename, then removed; what a kill leaves goes with the next one."""
        with writing(f"artifact {digest[:12]}"), suppress(FileNotFoundError):
            self._place(digest).rename(self.root / f"{GONE}{uuid.uuid4().hex}")
        for left in self.root.glob(f"{GONE}*"):
            shutil.rmtree(left, ignore_errors=True)

    def digests(self) -> list[str]:
        return [path.parent.name for path in self.root.glob(f"??/*/{MANIFEST}")]


def sync(folder: Path) -> None:
    """Force all below FOLDER to disk, names too: after a power cut a published artifact is whole or absent."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Force the names in FOLDER to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
