"""One contract for bytes, wherever they are kept: whole or absent, never half, never changed unseen."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimass.core.artifact import MANIFEST, Manifest, open_artifact, seal
from aimass.core.errors import InputError, StoreError
from aimass.store.base import Bytes, verify
from aimass.store.local import LocalBytes
from aimass.store.remote import RemoteBytes


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


def made(folder: Path, text: str = "1") -> tuple[Path, Manifest]:
    """A sealed artifact of three files, one of them in a folder."""
    (folder / "deep").mkdir(parents=True)
    for name in ("a.json", "deep/b.json", "z.json"):
        (folder / name).write_text(text)
    return folder, seal("dataset", folder, [])


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, count: int, error: BaseException) -> None:
    """Let call number COUNT of OWNER.NAME and all later ones end in ERROR."""
    real, calls = getattr(owner, name), [0]

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] > count:
            raise error
        return real(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)


class BytesContract:
    """What every place for bytes promises."""

    steps: tuple[Any, str] = (None, "")  # the call that moves bytes, to be killed at

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Bytes]:
        raise NotImplementedError

    @pytest.fixture
    def store(self, open_store: Callable[[], Bytes]) -> Bytes:
        return open_store()

    def mover(self, store: Any) -> tuple[Any, str]:
        raise NotImplementedError

    def test_what_was_put_is_there_whole(self, store: Bytes, tmp_path: Path) -> None:
        folder, manifest = made(tmp_path / "scratch")
        assert not store.has(manifest.digest) and store.digests() == []
        store.put(folder, manifest)
        assert store.has(manifest.digest) and store.digests() == [manifest.digest]
        found = open_artifact(store.path(manifest.digest))
        assert found.manifest == manifest
        verify(found.folder, manifest)
        assert not folder.exists()

    def test_the_same_digest_put_twice_is_kept_once(self, store: Bytes, tmp_path: Path) -> None:
        for name in ("one", "two"):
            folder, manifest = made(tmp_path / name)
            store.put(folder, manifest)
            assert not folder.exists()
        assert store.digests() == [manifest.digest]
        verify(store.path(manifest.digest), manifest)

    def test_what_is_not_there_is_said(self, store: Bytes) -> None:
        with pytest.raises(StoreError, match=r"artifact ffffffffffff is not") as caught:
            store.path("f" * 64)
        assert "run the project again" in caught.value.todo

    @pytest.mark.parametrize("count", range(4))
    def test_a_kill_between_files_leaves_it_whole_or_absent(
        self, open_store: Callable[[], Bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
    ) -> None:
        store, (folder, manifest) = open_store(), made(tmp_path / "one")
        with monkeypatch.context() as patch:
            kill_at(patch, *self.mover(store), count, Killed())
            with pytest.raises(Killed):
                store.put(folder, manifest)
        after = open_store()
        if after.has(manifest.digest):
            verify(after.path(manifest.digest), manifest)
        else:
            assert after.digests() == []
        after.put(*made(tmp_path / "two"))
        verify(after.path(manifest.digest), manifest)

    def test_a_full_disk_is_said_and_nothing_is_lost(
        self, store: Bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept_folder, kept = made(tmp_path / "kept", "kept")
        store.put(kept_folder, kept)
        folder, manifest = made(tmp_path / "one")
        with monkeypatch.context() as patch:
            kill_at(patch, *self.mover(store), 0, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            with pytest.raises(StoreError, match="No space left") as caught:
                store.put(folder, manifest)
        assert "free some space" in caught.value.todo
        assert store.digests() == [kept.digest] and folder.exists()
        verify(store.path(kept.digest), kept)
        store.put(folder, manifest)
        verify(store.path(manifest.digest), manifest)

    def test_files_of_the_content_may_be_called_manifest(self, store: Bytes, tmp_path: Path) -> None:
        folder, _ = made(tmp_path / "one")
        (folder / "deep" / MANIFEST).write_text("{}")
        (folder / MANIFEST).unlink()
        manifest = seal("dataset", folder, [])
        store.put(folder, manifest)
        assert store.digests() == [manifest.digest] and f"deep/{MANIFEST}" in manifest.files
        verify(store.path(manifest.digest), manifest)

    def test_a_discarded_artifact_can_be_put_again(self, store: Bytes, tmp_path: Path) -> None:
        folder, manifest = made(tmp_path / "one")
        store.put(folder, manifest)
        (store.path(manifest.digest) / "a.json").write_text("changed")
        with pytest.raises(StoreError, match=r"is damaged: a\.json"):
            verify(store.path(manifest.digest), manifest)
        store.discard(manifest.digest)
        store.put(*made(tmp_path / "two"))
        verify(store.path(manifest.digest), manifest)


class TestLocalFolder(BytesContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Bytes]:
        return lambda: LocalBytes(tmp_path / "artifacts")

    def mover(self, store: Any) -> tuple[Any, str]:
        return os, "fsync"

    @pytest.mark.parametrize("text", [None, "", "{"])
    def test_a_place_without_a_readable_manifest_is_cleared(
        self, store: LocalBytes, tmp_path: Path, text: str | None
    ) -> None:
        folder, manifest = made(tmp_path / "one")
        store.put(folder, manifest)
        place = store.path(manifest.digest)
        (place / MANIFEST).unlink()
        if text is not None:
            (place / MANIFEST).write_text(text)
        (place / "a.json").write_text("half")
        store.put(*made(tmp_path / "two"))
        verify(store.path(manifest.digest), manifest)

    def test_a_kill_while_discarding_leaves_it_whole_or_absent(
        self, store: LocalBytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, manifest = made(tmp_path / "one")
        store.put(folder, manifest)
        with monkeypatch.context() as patch:
            kill_at(patch, shutil, "rmtree", 0, Killed())
            with pytest.raises(Killed):
                store.discard(manifest.digest)
        assert not store.has(manifest.digest) and store.digests() == []
        store.put(*made(tmp_path / "two"))
        verify(store.path(manifest.digest), manifest)
        store.discard(manifest.digest)
        assert [p.name for p in store.root.iterdir()] == [manifest.digest[:2]], "what the kill left went too"

    def test_every_folder_is_forced_to_disk(
        self, store: LocalBytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced, real = set[int](), os.fsync
        monkeypatch.setattr(os, "fsync", lambda file: (synced.add(os.fstat(file).st_ino), real(file)))
        folder, manifest = made(tmp_path / "one")
        store.put(folder, manifest)
        place = store.path(manifest.digest)
        assert {p.stat().st_ino for p in [place.parent, place, *place.rglob("*")]} <= synced


class RemoteContract(BytesContract):
    """What holds beyond a local folder."""

    scheme = ""

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], Bytes]:
        url = f"{self.scheme}{tmp_path / 'remote'}-{uuid.uuid4().hex}"
        return lambda: RemoteBytes(url, tmp_path / "cache")

    def mover(self, store: Any) -> tuple[Any, str]:
        return store.fs, "put_file"

    def test_a_damaged_download_is_refused(self, store: RemoteBytes, tmp_path: Path) -> None:
        folder, manifest = made(tmp_path / "one")
        store.put(folder, manifest)
        store.fs.pipe_file(f"{store._place(manifest.digest)}/deep/b.json", b"2")
        with pytest.raises(StoreError, match=r"is damaged: deep/b\.json"):
            store.path(manifest.digest)
        assert not (store.cache / manifest.digest[:2] / manifest.digest).exists()

    def test_a_kill_while_downloading_leaves_no_copy(
        self, store: RemoteBytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, manifest = made(tmp_path / "one")
        store.put(folder, manifest)
        with monkeypatch.context() as patch:
            kill_at(patch, store.fs, "get_file", 2, Killed())
            with pytest.raises(Killed):
                store.path(manifest.digest)
        verify(store.path(manifest.digest), manifest)

    def test_a_copy_is_fetched_once(self, store: RemoteBytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder, manifest = made(tmp_path / "one")
        store.put(folder, manifest)
        first = store.path(manifest.digest)
        kill_at(monkeypatch, store.fs, "get_file", 0, AssertionError("fetched again"))
        assert store.path(manifest.digest) == first


class TestMemoryUrl(RemoteContract):
    scheme = "memory://"


class TestFileUrl(RemoteContract):
    scheme = "file://"


def test_what_is_no_store_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="store nosuch://x"):
        RemoteBytes("nosuch://x", tmp_path)


def test_a_folder_with_an_extra_file_is_damaged(tmp_path: Path) -> None:
    folder, manifest = made(tmp_path / "one")
    (folder / "extra").write_text("x")
    with pytest.raises(StoreError, match="is damaged: extra"):
        verify(folder, manifest)
    shutil.rmtree(folder / "deep")
    with pytest.raises(StoreError, match=r"deep/b\.json, extra"):
        verify(folder, manifest)
    assert (folder / MANIFEST).exists()
