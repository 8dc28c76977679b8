"""Tensors in memory that two processes see: one writes them, the other reads them, and nothing in it can be executed.

    8 bytes     length of the head
    head        JSON [[name, type, shape], ...], numbers first, then texts
    numbers     each tensor at a multiple of 64 bytes
    texts       of each tensor, the lengths uint32 [n] and then the UTF-8 of its n values

The head says nothing of how long texts are, so calls of as many rows have the same one: what follows from it (places,
views) is made once.  A reader checks every place against what was written: the other side may be hostile.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from aimass.core.errors import InputError

NUMBERS = tuple(f"{kind}{size}" for kind, sizes in (("i", "1248"), ("u", "1248"), ("f", "248")) for size in sizes)
TYPES = {np.dtype(name).str: np.dtype(name) for name in ("?", *NUMBERS)}
TEXT = "text"
ALIGNED = 64  # bytes: a cache line, and more than any engine asks for
PREFIX = 8
KNOWN = 64  # heads that are remembered
KEPT = 1 << 26  # bytes that stay with us between calls; more goes back to the system
UTF8 = "utf-8", "surrogatepass"  # what the engine would say of half a character, it says there as here

Column = tuple[str, Any, tuple[int, ...]]  # name, numpy type, shape


@dataclass(slots=True)
class Places:
    """What follows from a head: a view of the memory for each tensor of numbers, and where the texts begin."""

    head: bytes
    views: dict[str, np.ndarray] = field(default_factory=dict)
    texts: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    end: int = 0  # of the numbers


class Region:
    """SIZE bytes from FIRST on of the shared memory with the file descriptor NUMBER.  One side writes, one reads."""

    def __init__(self, number: int, first: int, size: int) -> None:
        self.memory = mmap.mmap(number, size, offset=first)
        self.number, self.first, self.size = number, first, size
        self.written: dict[tuple[Column, ...], Places] = {}
        self.read_before: dict[bytes, Places] = {}
        self.there = 0  # bytes that the system has given us

    # -- the side that writes -----------------------------------------------------------------------------------

    def write(self, tensors: Mapping[str, np.ndarray]) -> int:
        """Put TENSORS here; gives how many bytes they take.  Raises InputError when they cannot be handed over."""
        columns = tuple([(name, array.dtype, array.shape) for name, array in tensors.items()])
        places = self.written.get(columns)
        if places is None:
            places = remembered(self.written, columns, self._wanted(columns, tensors))
        texts = b"".join([encoded(name, tensors[name]) for name, _ in places.texts])
        length = places.end + len(texts)
        self._reserve(length)
        self._put(0, len(places.head).to_bytes(PREFIX, "little"))
        self._put(PREFIX, places.head)
        for name, view in places.views.items():
            view[...] = tensors[name]
        return self._put(places.end, texts)

    def write_bytes(self, text: bytes) -> int:
        """Put TEXT here as it is."""
        self._reserve(len(text))
        return self._put(0, text)

    def release(self) -> None:
        """Give back what an unusually large call took."""
        if self.there > KEPT and hasattr(mmap, "MADV_REMOVE"):
            self.memory.madvise(mmap.MADV_REMOVE, KEPT, self.size - KEPT)
            self.there = KEPT

    def close(self) -> None:
        """Nothing is read or written any more."""
        self.written.clear()
        self.read_before.clear()
        self.memory.close()

    def _wanted(self, columns: tuple[Column, ...], tensors: Mapping[str, np.ndarray]) -> Places:
        head = head_of(columns)
        try:
            return self._places(head, self.size)
        except ValueError as error:
            raise too_large(sum(array.nbytes for array in tensors.values()), self.size) from error

    def _put(self, at: int, piece: bytes) -> int:
        end = at + len(piece)
        self.memory[at:end] = piece
        return end

    def _reserve(self, length: int) -> None:
        """Memory that is missing is an error here; found out while writing it would be a signal."""
        if length > self.size:
            raise too_large(length, self.size)
        if length > self.there:
            try:
                os.posix_fallocate(self.number, self.first, length)
            except OSError as error:
                raise InputError(
                    f"no memory for {length / 1e6:.1f} MB of columns: {error.strerror}",
                    expected="as much shared memory as one call needs",
                    todo="send fewer rows at once",
                ) from error
            self.there = length

    # -- the side that reads ------------------------------------------------------------------------------------

    def read(self, length: int, *, own: bool) -> dict[str, np.ndarray]:
        """The tensors in LENGTH bytes; copies to OWN, or views that are good until the next call.

        Raises ValueError when what is there is not what `write` writes.
        """
        size = int.from_bytes(self.read_bytes(min(length, PREFIX)), "little")
        if not PREFIX + size <= length <= self.size:
            raise ValueError(f"a head of {size} bytes in {length}")
        head = self.read_bytes(size, PREFIX)
        places = self.read_before.get(head)
        if places is None:
            places = remembered(self.read_before, head, self._places(head, length))
        if places.end > length:
            raise ValueError(f"numbers of {places.end} bytes in {length}")
        found = {name: view.copy() if own else view for name, view in places.views.items()}
        at = places.end
        for name, shape in places.texts:
            found[name], at = self._texts(at, shape, length)
        return found

    def read_bytes(self, length: int, at: int = 0) -> bytes:
        """A copy, which the other side cannot change any more."""
        return self.memory[at : at + length]

    def _places(self, head: bytes, most: int) -> Places:
        """Raises ValueError where HEAD is none, or asks for more than MOST bytes."""
        places, at = Places(head), PREFIX + len(head)
        for name, kind, shape in parsed(head):
            if kind == TEXT:
                places.texts.append((name, shape))
                continue
            at = -(-at // ALIGNED) * ALIGNED
            taken = math.prod(shape) * TYPES[kind].itemsize
            if at + taken > most:
                raise ValueError(f"{name} would end at {at + taken} of {most} bytes")
            places.views[name] = np.ndarray(shape, TYPES[kind], self.memory, at)
            at += taken
        places.end = at
        return places

    def _texts(self, at: int, shape: tuple[int, ...], length: int) -> tuple[np.ndarray, int]:
        """Texts of SHAPE that begin AT, and where they end."""
        count = math.prod(shape)
        begin = at + 4 * count
        if begin > length:
            raise ValueError(f"{count} texts in {length - at} bytes")
        ends = np.frombuffer(self.read_bytes(4 * count, at), "<u4").cumsum(dtype=np.uint64).tolist()
        end = begin + (ends[-1] if ends else 0)
        if end > length:
            raise ValueError(f"texts of {end - begin} bytes in {length - begin}")
        found = np.empty(count, dtype=object)
        found[:] = decoded(self.read_bytes(end - begin, begin), ends)
        return found.reshape(shape), end


def remembered(known: dict[Any, Places], key: Any, places: Places) -> Places:
    """PLACES, kept under KEY; all are forgotten when there are too many."""
    if len(known) >= KNOWN:
        known.clear()
    known[key] = places
    return places


def head_of(columns: tuple[Column, ...]) -> bytes:
    """The head of COLUMNS.  Raises InputError for a type that has no place in a call."""
    rows = [[name, _type(name, dtype), shape] for name, dtype, shape in columns]
    return orjson.dumps(sorted(rows, key=lambda row: row[1] == TEXT))


def _type(name: str, dtype: np.dtype[Any]) -> str:
    if dtype.kind in "OU":
        return TEXT
    kind = dtype.newbyteorder("=").str
    if kind not in TYPES:
        raise InputError(f"column {name!r} is {dtype}", expected="numbers, booleans or texts")
    return kind


def parsed(head: bytes) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, type and shape of each tensor.  Raises ValueError for anything else."""
    rows = orjson.loads(head)
    for row in rows if isinstance(rows, list) else [rows]:
        name, kind, shape = row if isinstance(row, list) and len(row) == 3 else (None, None, None)
        sizes = isinstance(shape, list) and all(type(size) is int and size >= 0 for size in shape)
        if not (isinstance(name, str) and sizes and (kind == TEXT or kind in TYPES)):
            raise ValueError(f"{row!r} describes no tensor")
    return [(name, kind, tuple(shape)) for name, kind, shape in rows]


def encoded(name: str, texts: np.ndarray) -> bytes:
    """The lengths of TEXTS, then all of them.  Raises InputError for what is not text."""
    try:
        pieces = [text.encode(*UTF8) for text in texts.ravel().tolist()]
    except AttributeError as error:
        wrong = next(type(text).__name__ for text in texts.ravel().tolist() if not isinstance(text, str))
        raise InputError(f"column {name!r} holds {wrong}", expected="text in every row") from error
    return b"".join([np.fromiter(map(len, pieces), "<u4", len(pieces)).tobytes(), *pieces])


def decoded(joined: bytes, ends: list[int]) -> list[str]:
    """The texts in JOINED, each from the end of the one before."""
    starts = [0, *ends[:-1]] if ends else []
    whole = joined.decode(*UTF8)
    if len(whole) == len(joined):  # one byte a character
        return [whole[start:end] for start, end in zip(starts, ends, strict=True)]
    return [joined[start:end].decode(*UTF8) for start, end in zip(starts, ends, strict=True)]


def too_large(length: int, most: int) -> InputError:
    return InputError(
        f"{length / 1e6:.1f} MB in one call",
        expected=f"at most {most / 1e6:.1f} MB of columns, and of answers",
        todo="send fewer rows at once, or raise the host's `room_mb`",
    )
