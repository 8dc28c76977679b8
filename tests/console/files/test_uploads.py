"""Files on their way in: in order, once, whole, and never more than there is room for."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.console.files import uploads
from aimass.console.files.uploads import Upload, Uploads
from aimass.console.refusals import Refusal
from aimass.core.errors import StoreError


@pytest.fixture
def here(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


def begun(here: Uploads, size: int, name: str = "rows.csv") -> Upload:
    return here.begin(name, size, 0, "ada")


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.lists(st.integers(1, 60), max_size=8))
def test_pieces_of_any_size_make_the_file(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cuts: list[int]
) -> None:
    here = Uploads(tmp_path_factory.mktemp("up"))
    upload = begun(here, len(content))
    for size in [*cuts, len(content)]:
        at = Uploads(here.folder).one(upload.id).received  # another server, after a kill
        piece = content[at : at + size]
        upload = here.add(upload.id, at, piece) if piece else upload
    assert upload.whole and here.path(upload).read_bytes() == content
    here.drop(upload)
    assert here.all() == []


def test_a_piece_that_is_not_the_next_changes_nothing(here: Uploads) -> None:
    upload = here.add(begun(here, 10).id, 0, b"12345")
    for at, piece in ((0, b"12345"), (4, b"x"), (6, b"x"), (5, b"678901")):
        with pytest.raises(Refusal) as refused:
            here.add(upload.id, at, piece)
        assert refused.value.status == 409
    assert here.one(upload.id).received == 5
    with pytest.raises(Refusal, match="5 of 10 bytes have come"):
        here.path(here.one(upload.id))


def test_two_who_send_the_same_piece_at_once_send_it_once(here: Uploads) -> None:
    upload, found = begun(here, 8), list[int]()

    def send() -> None:
        try:
            found.append(here.add(upload.id, 0, b"1234").received)
        except Refusal as refused:
            found.append(refused.status)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [4, 409, 409, 409]


def test_what_nobody_goes_on_with_is_dropped_after_a_day(here: Uploads) -> None:
    old, fresh = here.add(begun(here, 10).id, 0, b"12"), begun(here, 10)
    long_ago = old.touched - uploads.LASTS - 1
    os.utime(here._bytes(here.folder / old.id, old), (long_ago, long_ago))
    assert [one.id for one in here.all()] == [fresh.id]
    with pytest.raises(Refusal) as gone:
        here.add(old.id, 2, b"3")
    assert gone.value.status == 404


def test_what_a_kill_left_half_made_is_no_upload(here: Uploads) -> None:
    (here.folder / ("0" * 32)).mkdir(parents=True)
    (here.folder / ("1" * 32)).mkdir()
    (here.folder / ("1" * 32) / "facts.json").write_text('{"id"')
    assert here.all() == []
    for id in ("0" * 32, "1" * 32, "..", "../..", "a" * 31, "A" * 32, ""):
        with pytest.raises(Refusal, match="no such upload"):
            here.one(id)


def test_there_is_room_before_a_file_begins(here: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(here.folder.parent)._replace(free=uploads.SPARE + 100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    begun(here, 60)
    with pytest.raises(Refusal, match="41 bytes, 40 fit on the disk") as refused:  # 60 of the room are spoken for
        begun(here, 41)
    assert refused.value.status == 413
    with pytest.raises(Refusal) as refused:
        begun(here, uploads.LARGEST + 1)
    assert refused.value.status == 413 and refused.value.expected == f"at most {uploads.LARGEST}"
    monkeypatch.setattr(uploads, "MOST", 1)
    with pytest.raises(Refusal, match="uploads are open"):
        begun(here, 1)


class Full:
    """A file on a disk that takes two bytes, and then no more."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.left = file, 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, piece: bytes) -> int:
        if not self.left:
            raise OSError(errno.ENOSPC, "No space left on device")
        wrote, self.left = self.file.write(piece[: self.left]), 0
        return wrote


def test_a_full_disk_leaves_no_half_piece(here: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = here.add(begun(here, 10).id, 0, b"12345")
    whole = Uploads._alone

    @contextmanager
    def full(self: Uploads, upload: Upload) -> Iterator[Any]:
        with whole(self, upload) as file:
            yield Full(file)

    with monkeypatch.context() as patched, pytest.raises(StoreError, match="No space left"):
        patched.setattr(Uploads, "_alone", full)
        here.add(upload.id, 5, b"67890")
    assert here.one(upload.id).received == 5
