"""A log in a file, whose lines carry their time: read in blocks, forwards and backwards, never as a whole."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from aimass.console.logs.line import LONGEST, Found, Line, Wanted, level_of

BLOCK = 1 << 18  # bytes that are read at once
MOST = 64 << 20  # bytes that are looked at for one page
STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})Z ")
CONTROL = re.compile(r"\x1b\[[0-9;]*m|[\x00-\x08\x0b-\x1f\x7f]")  # colours, and what no screen should get


class FileLog:
    """The log KEY at PATH; a place is a byte.  A file that is not there is empty."""

    def __init__(self, key: str, path: Path) -> None:
        self.key, self.path = key, path

    def end(self) -> int:
        """Behind the last whole line."""
        size = self.size()
        tail = self._read(max(0, size - BLOCK), size)
        return size - len(tail) + tail.rfind(b"\n") + 1

    def at(self, time: str) -> int:
        wanted = time[:23].encode()
        low, high = 0, self.end()
        while high - low > BLOCK:
            middle = (low + high) // 2
            block = self._read(middle, min(middle + BLOCK, high))
            found = next((one for one in STAMP.finditer(block) if _begins(block, one.start())), None)
            if found is None or found[1] >= wanted:
                high = middle
            else:
                low = middle + found.start()
        block = self._read(low, high + BLOCK)
        stamps = (one for one in STAMP.finditer(block) if not one.start() or _begins(block, one.start()))
        return next((low + one.start() for one in stamps if one[1] >= wanted), self.end())

    def before(self, place: int, limit: int, wanted: Wanted) -> Found:
        place = end = min(place, self.end())
        lines: list[Line] = []
        while place > 0 and len(lines) < limit and end - place < MOST:
            begin = max(0, place - BLOCK)
            block = self._read(begin, place)
            cut = block.find(b"\n") + 1 if begin else 0  # the first line may have begun before
            if cut == len(block) and begin:  # a line longer than a block
                place = begin
                continue
            last = islice(self._lines(block[cut:], begin + cut, wanted, backwards=True), limit + 1 - len(lines))
            lines = [*reversed(list(last)), *lines]
            place = begin + cut
        return Found(lines[-limit:], lines[-limit].at if len(lines) > limit else place)

    def after(self, place: int, limit: int, wanted: Wanted) -> Found:
        end = self.end()
        place = place if place <= end else 0
        if place and self._read(place - 1, place) != b"\n":  # within a line: from the next one on
            place += self._read(place, place + BLOCK).find(b"\n") + 1
        begin = place
        lines: list[Line] = []
        while place < end and len(lines) < limit and place - begin < MOST:
            block = self._read(place, min(place + BLOCK, end))
            if not block:  # emptied or removed since
                break
            block = block[: block.rfind(b"\n") + 1] or _letters(block)  # a line longer than a block is cut
            lines += islice(self._lines(block, place, wanted), limit + 1 - len(lines))
            place += len(block)
        return Found(lines[:limit], lines[limit].at if len(lines) > limit else place)

    def _lines(self, block: bytes, begin: int, wanted: Wanted, *, backwards: bool = False) -> Iterator[Line]:
        """The wanted lines of BLOCK, which stands at BEGIN; one without a time was said with the one before it."""
        rows = _rows(block, wanted.text.encode().lower())  # as the block's: of other letters than ASCII the case counts
        told, above = Told(block), b""
        for start, end in reversed(list(rows)) if backwards else rows:
            stamp = STAMP.match(block, start)
            raw = block[stamp.end() if stamp else start : end]
            text = CONTROL.sub("", raw.decode(errors="replace"))[:LONGEST]
            level = level_of(text)
            if wanted.level_fits(level):
                time = stamp[1] if stamp else told.when(start)
                if not time:
                    time = above = above or self._above(begin)
                yield Line(f"{time.decode()}+00:00", self.key, begin + start, text, level)

    def _above(self, begin: int) -> bytes:
        """The time of the last dated line in the block before BEGIN; where there is none, of the file."""
        block = self._read(max(0, begin - BLOCK), begin)
        stamps = [one[1] for one in STAMP.finditer(block) if one.start() == 0 or _begins(block, one.start())]
        return stamps[-1] if stamps else self._born()

    def _born(self) -> bytes:
        """A time for lines that nothing dates: when the file was last written."""
        try:
            stamp = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        except FileNotFoundError:
            stamp = datetime.fromtimestamp(0, UTC)
        return stamp.isoformat(timespec="milliseconds")[:23].encode()

    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _read(self, begin: int, end: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                file.seek(begin)
                return file.read(max(0, end - begin))
        except FileNotFoundError:  # put aside in between
            return b""


def _rows(block: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    """Where lines with NEEDLE in them begin and end in BLOCK; upper case is lower case."""
    low = block.lower()
    at = low.find(needle)
    while 0 <= at < len(block) and b"\n" not in needle:
        start, end = low.rfind(b"\n", 0, at) + 1, low.find(b"\n", at)
        end = len(block) if end < 0 else end
        yield start, end
        at = low.find(needle, end + 1)


class Told:
    """When lines of BLOCK without a time were said: no line is looked at twice, in whichever direction one goes."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.since, self.until, self.time = 0, -1, b""  # lines from SINCE to UNTIL were said at TIME

    def when(self, start: int) -> bytes:
        """The time of the nearest line above START that has one; b"" where none has."""
        at, stamp = start, None
        while not stamp and at > 0 and not self.since <= at <= self.until:
            at = self.block.rfind(b"\n", 0, at - 1) + 1
            stamp = STAMP.match(self.block, at)
        if not self.since <= at <= self.until:
            self.since, self.until, self.time = at, start, stamp[1] if stamp else b""
        self.until = max(self.until, start)
        return self.time


def _letters(block: bytes) -> bytes:
    """BLOCK without the letter at its end of which only a part is in it."""
    letters = getincrementaldecoder("utf-8")("replace")
    letters.decode(block)
    return block[: len(block) - len(letters.getstate()[0])] or block


def _begins(block: bytes, at: int) -> bool:
    """Whether a line begins AT a place in BLOCK."""
    return at > 0 and block[at - 1 : at] == b"\n"
