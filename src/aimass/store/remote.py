"""Bytes at any fsspec URL: files first, the manifest last, so what has a manifest is whole."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import fsspec

from aimass.core.artifact import MANIFEST, Manifest
from aimass.core.errors import InputError, StoreError
from aimass.store.base import verify, whole, writing


class RemoteBytes:
    """Artifacts at URL, read through the local folder CACHE."""

    def __init__(self, url: str, cache: Path) -> None:
        try:
            self.fs, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise InputError(f"store {url}: {error}", expected="an fsspec URL such as s3://bucket/folder") from error
        self.root, self.url, self.cache = str(root).rstrip("/"), url, cache

    def _place(self, digest: str) -> str:
        return f"{self.root}/{digest[:2]}/{digest}"

    def has(self, digest: str) -> bool:
        return bool(self.fs.exists(f"{self._place(digest)}/{MANIFEST}"))

    def path(self, digest: str) -> Path:
        local = self.cache / digest[:2] / digest
        if (local / MANIFEST).is_file():
            return local
        if not self.has(digest):
            raise StoreError(
                f"artifact {digest[:12]} is not at {self.url}", todo="run the project again; its step is repeated"
            )
        with writing(f"the local copy of {digest[:12]}"):
            local.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=local.parent) as scratch:
                self._download(digest, Path(scratch) / digest)
                verify(Path(scratch) / digest, whole(Path(scratch) / digest).manifest)
                if not local.exists():
                    (Path(scratch) / digest).rename(local)
        return local

    def _download(self, digest: str, into: Path) -> None:
        base = self._place(digest)
        for name in self.fs.find(base):
            target = into / name[name.index(digest) + len(digest) + 1 :]
            target.parent.mkdir(parents=True, exist_ok=True)
            self.fs.get_file(name, str(target))

    def put(self, folder: Path, manifest: Manifest) -> bool:
        fresh = not self.has(manifest.digest)
        if fresh:
            with writing(f"artifact {manifest.digest[:12]} to {self.url}"):
                for name in [*manifest.files, MANIFEST]:
                    target = f"{self._place(manifest.digest)}/{name}"
                    self.fs.makedirs(target.rpartition("/")[0], exist_ok=True)
                    self.fs.put_file(str(folder / name), target)
        shutil.rmtree(folder)
        return fresh

    def discard(self, digest: str) -> None:
        copy = self.cache / digest[:2] / digest
        if copy.exists():  # the copy is what was found damaged: the next read fetches it again
            shutil.rmtree(copy, ignore_errors=True)
        elif self.has(digest):
            self.fs.rm_file(f"{self._place(digest)}/{MANIFEST}")  # first: what has no manifest is not there
            self.fs.rm(self._place(digest), recursive=True)

    def digests(self) -> list[str]:
        found: Any = self.fs.find(self.root) if self.fs.exists(self.root) else []
        paths = [name.split("/") for name in found if name.endswith(f"/{MANIFEST}")]
        return [
            path[-2] for path in paths if path[-3:-2] == [path[-2][:2]]
        ]  # not a file of the content that is called so
