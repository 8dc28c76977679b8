"""ModelInfer requests that differ in their raw values only: looked up by the bytes before them.

protobuf writes fields in the order of their numbers, and the raw values have the highest, so a request ends with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aimass.serve.grpc.said import varint
from aimass.serve.known import Known

TAG = b"\x3a"  # of raw_input_contents
KEPT = 256
LONGEST = 4096  # bytes before the values

T = TypeVar("T")


@dataclass(frozen=True)
class Layout:
    """Where the values stand in a message of LENGTH, and what stands before each."""

    length: int
    begin: int  # of the first tag
    places: tuple[tuple[int, int], ...]
    marks: tuple[tuple[int, int, bytes], ...]

    def fits(self, body: bytes) -> bool:
        return len(body) == self.length and all(body[begin:end] == mark for begin, end, mark in self.marks)


class Templates(Generic[T]):
    """What is known by the bytes before the values."""

    def __init__(self) -> None:
        self.begins: dict[int, set[int]] = {}  # of the values, by the length of a message
        self.known = Known[bytes, tuple[Layout, T]](KEPT)

    def find(self, body: bytes) -> tuple[T, bytes] | None:
        """What is known of BODY, and its values, one behind the other."""
        for begin in self.begins.get(len(body), ()):
            layout, what = self.known.get(body[:begin], (None, None))
            if layout is not None and what is not None and layout.fits(body):
                return what, b"".join([body[begin:end] for begin, end in layout.places])
        return None

    def learn(self, body: bytes, values: Sequence[bytes], what: T) -> None:
        """WHAT is known of the like of BODY, which holds VALUES."""
        layout = layout_of(body, [len(value) for value in values])
        if layout is None or not layout.fits(body) or layout.begin > LONGEST:
            return
        if len(self.known) >= KEPT:
            self.forget()
        self.known[body[: layout.begin]] = layout, what
        self.begins.setdefault(len(body), set()).add(layout.begin)

    def forget(self) -> None:
        self.begins.clear()
        self.known.clear()


def layout_of(body: bytes, sizes: Sequence[int]) -> Layout | None:
    """Where values of these SIZES stand at the end of BODY; None where it is too short for them."""
    marks = [TAG + varint(size) for size in sizes]
    begin = at = len(body) - sum(sizes) - sum(map(len, marks))
    if begin < 0:
        return None
    places, stated = [], []
    for mark, size in zip(marks, sizes, strict=True):
        stated.append((at, at + len(mark), mark))
        places.append((at + len(mark), at + len(mark) + size))
        at = places[-1][1]
    return Layout(len(body), begin, tuple(places), tuple(stated))
