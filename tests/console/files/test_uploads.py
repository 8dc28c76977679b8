"""Files on their way in: in order, once, whole, and never more than there is room for."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimass.console.files import uploads
from aimass.console.files.uploads import Upload, Uploads
from aimass.console.refusals import Refusal
from aimass.console.turn import Turn
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
    begun(here, 40)
    with pytest.raises(Refusal, match="61 bytes, 60 fit on the disk") as refused:  # 40 of the room are spoken for
        begun(here, 61)
    assert refused.value.status == 413
    with pytest.raises(Refusal, match="11 bytes, 10 are left of your half") as refused:
        begun(here, 11)
    assert refused.value.status == 413
    here.begin("rows.csv", 50, 0, "bob")
    with pytest.raises(Refusal) as refused:
        begun(here, uploads.LARGEST + 1)
    assert refused.value.status == 413 and refused.value.expected == f"at most {uploads.LARGEST}"


def test_uploads_are_counted_for_each_user_and_for_all(tmp_path: Path) -> None:
    here = Uploads(tmp_path / "uploads", most=4, each=2)

    def begin(who: str) -> str:
        try:
            return here.begin("rows.csv", 1, 0, who).who
        except Refusal as refused:
            return f"{refused.status}"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(begin, ["ada"] * 8)) == ["409"] * 6 + ["ada"] * 2, "no more when they ask at once"
        assert sorted(pool.map(begin, ["bob", "eve"] * 4)).count("409") == 6, "two are left for all others"


def test_who_waits_to_add_to_a_file_that_is_taken_meanwhile_adds_nothing(here: Uploads, tmp_path: Path) -> None:
    upload = begun(here, 8)
    with ThreadPoolExecutor(1) as pool:
        with here.alone(upload) as file:
            added = pool.submit(here.add, upload.id, 0, b"late")
            (here.folder / upload.id / "bytes.csv").rename(tmp_path / "taken.csv")
            file.write(b"12345678")
        with pytest.raises(Refusal) as gone:
            added.result()
    assert gone.value.status == 404 and (tmp_path / "taken.csv").read_bytes() == b"12345678"


def test_who_reads_the_checksum_while_it_is_written_reads_a_whole_one(
    here: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, count = here.add(begun(here, 4).id, 0, b"1234"), uploads.digest_of_file
    seen, write = list[str](), Path.write_text

    def slowly(self: Path, text: str, **more: Any) -> int:
        """As a disk does: the file is there before its text."""
        write(self, "", **more)
        if not seen:
            seen.append("")
            seen[0] = here.digest(upload)  # of somebody else, just now
        return write(self, text, **more)

    monkeypatch.setattr(Path, "write_text", slowly)
    assert here.digest(upload) == seen[0] == count(here.path(upload))


def test_a_few_files_are_counted_at_once_and_whoever_is_one_too_many_comes_again(
    here: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (here.add(begun(here, 4).id, 0, b"1234") for _ in range(2))
    counting, go, count = threading.Event(), threading.Event(), uploads.digest_of_file

    def slowly(path: Path) -> str:
        counting.set()
        assert go.wait(20)
        return count(path)

    monkeypatch.setattr(uploads, "digest_of_file", slowly)
    monkeypatch.setattr(uploads, "_turn", Turn("others are counted", waiting=0))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(here.digest, one)
        assert counting.wait(20)
        with pytest.raises(Refusal, match="others are counted") as refused:
            here.digest(other)
        go.set()
        assert first.result() == here.digest(one) == here.digest(other)
    assert refused.value.status == 503


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
    whole = Uploads.alone

    @contextmanager
    def full(self: Uploads, upload: Upload) -> Iterator[Any]:
        with whole(self, upload) as file:
            yield Full(file)

    with monkeypatch.context() as patched, pytest.raises(StoreError, match="No space left"):
        patched.setattr(Uploads, "alone", full)
        here.add(upload.id, 5, b"67890")
    assert here.one(upload.id).received == 5
