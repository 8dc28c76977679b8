"""Files on their way in: in pieces, in order, each attempt going on where the last one ended.

How much has come is the size of what lies there, so a killed server knows it as well as a running one.  What has come
is compared with what was sent by its SHA-256, at the end and over the whole.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from aimass.console.files.names import checked_name, endings_of
from aimass.console.refusals import Refusal, missing, taken
from aimass.console.turn import Turn
from aimass.core.canonical import digest_of_file
from aimass.store.base import writing
from aimass.store.catalog import now
from aimass.store.lock import held, tried

PIECE = 1 << 20  # bytes of one piece, at most: as of every body
LARGEST = 16 << 30  # bytes of a file
SPARE = 1 << 30  # bytes that stay free on the disk
MOST, EACH = 50, 10  # uploads at once: of all, of one user, who may ask for half of the room
LASTS = 24 * 3600.0  # seconds that an upload waits for its next piece
NAMED = re.compile(r"[0-9a-f]{32}")
_turn = Turn("the bytes of other files are being counted", at_once=2)  # 16 GiB take a quarter of a minute


@dataclass(frozen=True)
class Upload:
    """A file on its way: NAME of SIZE bytes, changed at MODIFIED (its owner's clock, milliseconds since 1970).

    RECEIVED bytes are here, the last of them came at TOUCHED (seconds since 1970).
    """

    id: str
    name: str
    size: int
    modified: int
    who: str
    begun: str
    received: int = 0
    touched: float = 0.0

    @property
    def whole(self) -> bool:
        return self.received == self.size


class Uploads:
    """Of one workspace, in FOLDER: at most MOST at once, EACH of a user, files of LARGEST bytes."""

    def __init__(self, folder: Path, *, most: int = MOST, each: int = EACH, largest: int = LARGEST) -> None:
        self.folder, self.most, self.each, self.largest = folder, most, each, largest

    def all(self) -> list[Upload]:
        """Those that are open, the newest first; what nobody went on with is dropped."""
        found = []
        for place in self.folder.iterdir() if self.folder.is_dir() else ():
            upload = self._read(place)
            if time.time() - (upload.touched if upload else _changed(place)) > LASTS:
                self._sweep(place, upload)
            elif upload:
                found.append(upload)
        return sorted(found, key=lambda one: one.begun, reverse=True)

    def one(self, id: str) -> Upload:
        """The upload ID.  Raises Refusal (404)."""
        found = self._read(self.folder / id) if NAMED.fullmatch(id) else None
        if found is None:
            raise missing("there is no such upload; it may have been taken, dropped or left alone for a day")
        return found

    def begin(self, name: str, size: int, modified: int, who: str) -> Upload:
        """A place for a file.  Raises InputError for its name, Refusal for its size and when there are too many."""
        name = checked_name(name)
        if size > self.largest:
            raise Refusal(413, f"the file has {size} bytes", expected=f"at most {self.largest}", key="size",
                          todo="pack it (.gz), or put it into the workspace's folder `data` by other ways")  # fmt: skip
        with writing("uploads"):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with held(
            self.folder.with_name("locks") / "uploads", lambda _: None
        ):  # what others ask for at the same moment counts, too
            self._check_room(size, who, self.all())
            upload = Upload(secrets.token_hex(16), name, size, modified, who, now())
            place = self.folder / upload.id
            with writing(f"the upload of {name}"):
                place.mkdir(mode=0o700)
                self._bytes(place, upload).touch(0o600)
                (place / "facts.new").write_text(json.dumps(asdict(upload)), encoding="utf-8")
                (place / "facts.new").rename(place / "facts.json")  # it exists from here on
        return self.one(upload.id)

    def add(self, id: str, at: int, piece: bytes) -> Upload:
        """The upload ID with PIECE, which begins at byte AT.  Raises Refusal (409) where that is not what is next."""
        upload = self.one(id)
        with self.alone(upload) as file:
            received = file.seek(0, os.SEEK_END)
            if at != received:
                raise taken(f"{received} bytes have come, this piece begins at {at}", key="at",
                            expected=f"the piece at {received}", todo="go on there")  # fmt: skip
            if received + len(piece) > upload.size:
                raise taken(f"{received + len(piece)} bytes would be more than the {upload.size} that were announced",
                            expected="as much as was announced", todo="drop it and begin again")  # fmt: skip
            with writing(upload.name):
                try:
                    rest = memoryview(piece)
                    while rest:
                        rest = rest[file.write(rest) :]
                except OSError:  # a full disk: half a piece is none
                    file.truncate(received)
                    raise
        return replace(upload, received=received + len(piece), touched=time.time())

    def path(self, upload: Upload) -> Path:
        """Where the bytes of UPLOAD lie, all of them.  Raises Refusal (409) when some are still to come."""
        if not upload.whole:
            raise taken(f"{upload.received} of {upload.size} bytes have come", expected="all of them", todo="go on")
        return self._bytes(self.folder / upload.id, upload)

    def digest(self, upload: Upload) -> str:
        """SHA-256 of all of UPLOAD, counted once.  Raises Refusal (503) when too many are counted already."""
        path = self.path(upload)
        kept, fresh = path.with_name("sha256"), path.with_name(f"sha256.{secrets.token_hex(4)}")
        if not kept.exists():
            with _turn, writing(upload.name):
                if not kept.exists():  # counted while this one waited
                    fresh.write_text(digest_of_file(path), encoding="ascii")
                    fresh.replace(kept)  # another may be reading it
        return kept.read_text(encoding="ascii")

    def drop(self, upload: Upload) -> None:
        """Forget UPLOAD."""
        shutil.rmtree(self.folder / upload.id, ignore_errors=True)

    # -- what lies there --------------------------------------------------------------------------------------

    def _sweep(self, place: Path, upload: Upload | None) -> None:
        """Remove PLACE, unless its UPLOAD is just being taken."""
        with tried(self._bytes(place, upload)) if upload else nullcontext(True) as free:
            if free:
                shutil.rmtree(place, ignore_errors=True)

    def _bytes(self, place: Path, upload: Upload) -> Path:
        return place / f"bytes{endings_of(upload.name)}"

    def _read(self, place: Path) -> Upload | None:
        try:
            upload = Upload(**json.loads((place / "facts.json").read_text(encoding="utf-8")))
            found = self._bytes(place, upload).stat()
        except (OSError, ValueError):  # gone meanwhile, or half made by a server that was killed
            return None
        return replace(upload, received=found.st_size, touched=found.st_mtime)

    def _check_room(self, size: int, who: str, others: list[Upload]) -> None:
        """Raises Refusal unless SIZE more bytes of WHO fit beside what OTHERS will be, and leave the others half."""
        mine = [one for one in others if one.who == who]
        if len(others) >= self.most or len(mine) >= self.each:
            raise taken(f"{len(others)} uploads are open, {len(mine)} of them are yours",
                        expected=f"fewer than {self.most}, and {self.each} of yours",
                        todo="finish or drop one")  # fmt: skip
        free = shutil.disk_usage(self.folder).free - SPARE
        room = free - sum(one.size - one.received for one in others)
        if size > room:
            raise Refusal(413, f"the file has {size} bytes, {max(room, 0)} fit on the disk", key="size",
                          expected="room for it", todo="free some space, or finish other uploads")  # fmt: skip
        half = (free + sum(one.received for one in others)) // 2 - sum(one.size for one in mine)
        if size > half:
            raise Refusal(413, f"the file has {size} bytes, {max(half, 0)} are left of your half of the disk's room",
                          key="size", expected="room for others, too", todo="free some space, finish other uploads,"
                          " or put it into the workspace's folder `data` by other ways")  # fmt: skip

    @contextmanager
    def alone(self, upload: Upload) -> Iterator[IO[bytes]]:
        """The bytes of UPLOAD, for one at a time, whoever adds to them or takes them.  Raises Refusal (404)."""
        path = self._bytes(self.folder / upload.id, upload)
        try:
            file = path.open("r+b", buffering=0)
        except FileNotFoundError as error:
            raise _gone() from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(path, file):  # taken or dropped while we waited
                raise _gone()
            yield file


def _gone() -> Refusal:
    return missing("the upload was taken or dropped meanwhile")


def _is_at(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _changed(place: Path) -> float:
    """When PLACE was changed; now, where it is gone meanwhile."""
    try:
        return place.stat().st_mtime
    except FileNotFoundError:
        return time.time()
