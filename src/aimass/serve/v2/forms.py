"""How V2 requests become tensors together: as they were read one by one, or by what they have in common.

A client sends the same text again and again, but for the values.  What stands around them is looked up: byte for byte
the same was read and checked before, with empty lists in the holes, and only a list can fill a hole.  So nothing but
the values is left to read, and the numbers of a whole batch are read at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import orjson

from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.serve.batch.base import Ask, Form
from aimass.serve.messages import Refused
from aimass.serve.v2.numbers import reals, wholes
from aimass.serve.v2.tensors import from_bytes, from_json, numpy_type

# What numbers are made of, null among them where it is a missing value.  No quote and no bracket: a text of these
# between commas cannot reach into its neighbour.
TAKEN = {"f": b"0123456789+-.eE, \t\r\nnul", "i": b"0123456789-, \t\r\n", "u": b"0123456789, \t\r\n"}


class Saying(Protocol):
    """How a protocol answers."""

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None: ...
    def fail(self, ask: Ask, error: Exception) -> None: ...


Stated = tuple[tuple[Field, tuple[int, ...]], ...]  # tensors and their shapes, in the order of the request


class Spoken(Form):
    """Answered as its protocol does.  TIMEOUT: seconds the caller will wait, 0 for ever."""

    def __init__(self, said: Saying, timeout: float = 0.0) -> None:
        self.said, self.timeout = said, timeout

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        self.said.answer(asks, outputs)

    def fail(self, ask: Ask, error: Exception) -> None:
        self.said.fail(ask, error)


class Given(Spoken):
    """Tensors that were read one request at a time."""

    def join(self, parts: Sequence[Tensors]) -> Tensors:
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class Values(Spoken):
    """JSON that differs in the lists of values of its tensors, whose shapes are STATED; a part is these, as texts."""

    def __init__(self, stated: Stated, said: Saying, timeout: float) -> None:
        super().__init__(said, timeout)
        self.stated, self.rows = stated, stated[0][1][0]
        self.checks = [(math.prod(shape) - 1, TAKEN.get(numpy_type(field).kind)) for field, shape in stated]

    def fits(self, texts: Sequence[bytes]) -> bool:
        """Whether TEXTS can be the values; those that are no numbers are checked when they are read."""
        return all(
            taken is None or (text.count(b",") == commas and not text.translate(None, taken))
            for text, (commas, taken) in zip(texts, self.checks, strict=True)
        )

    def join(self, parts: Sequence[Sequence[bytes]]) -> Tensors:
        """Raises Refused when one of PARTS is no list of its values."""
        found = {}
        for i, ((field, shape), (_, taken)) in enumerate(zip(self.stated, self.checks, strict=True)):
            texts = [part[i] for part in parts]
            try:
                found[field.name] = _lists(field, shape, texts) if taken is None else _numbers(field, shape, texts)
            except (ValueError, OverflowError) as error:
                raise Refused(400, f"input {field.name!r} has values that cannot be read: {error}") from error
        return found


def _lists(field: Field, shape: tuple[int, ...], texts: Sequence[bytes]) -> np.ndarray:
    return np.concatenate([from_json(field, shape, orjson.loads(b"[%b]" % text)) for text in texts])


def _numbers(field: Field, shape: tuple[int, ...], texts: Sequence[bytes]) -> np.ndarray:
    """Read at once.  Each of TEXTS has as many commas as values, so none reaches into its neighbour."""
    kind, text = numpy_type(field), b"[%b]" % b",".join(texts)
    numbers = reals(text) if kind.kind == "f" else wholes(text)
    return np.array(numbers, kind).reshape(len(texts) * shape[0], *shape[1:])


class Bytes(Spoken):
    """Requests of the binary extension that differ in what stands behind their JSON: tensors of STATED shapes."""

    def __init__(self, stated: Stated, said: Saying, timeout: float) -> None:
        super().__init__(said, timeout)
        self.rows, self.size = stated[0][1][0], 0
        self.places = []
        for field, shape in stated:
            size = math.prod(shape) * numpy_type(field).itemsize
            self.places.append((field, shape[1:], slice(self.size, self.size + size)))
            self.size += size

    def join(self, parts: Sequence[memoryview]) -> Tensors:
        rows = self.rows * len(parts)
        found = {}
        for field, shape, place in self.places:
            whole = parts[0][place] if len(parts) == 1 else memoryview(b"".join([part[place] for part in parts]))
            found[field.name] = from_bytes(field, (rows, *shape), whole)
        return found
