"""How the gRPC service answers: raw bytes to who sent raw bytes, typed contents to who sent those.

tritonclient reads nothing but raw answers, and other clients nothing but typed ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.serve.batch.base import Ask, spans
from aimass.serve.failures import meaning, reason
from aimass.serve.grpc.messages import CLASSES
from aimass.serve.http2.call import (
    DEADLINE_EXCEEDED,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    PERMISSION_DENIED,
    RESOURCE_EXHAUSTED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNIMPLEMENTED,
)  # fmt: skip
from aimass.serve.known import Known
from aimass.serve.v2.tensors import datatype, to_bytes

KEPT = 64  # shapes
RAW = b"\x32"  # the tag of raw_output_contents
CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
CODES = {
    400: INVALID_ARGUMENT, 401: UNAUTHENTICATED, 403: PERMISSION_DENIED, 404: NOT_FOUND, 405: UNIMPLEMENTED,
    413: INVALID_ARGUMENT, 429: RESOURCE_EXHAUSTED, 503: UNAVAILABLE, 504: DEADLINE_EXCEEDED,
}  # fmt: skip


class Said:
    """WANTED outputs of the model that says FACTS (its name, its version) in every answer."""

    def __init__(self, facts: dict[str, str], wanted: Sequence[Field], *, raw: bool) -> None:
        self.facts, self.wanted, self.raw = facts, tuple(wanted), raw
        self.heads = Known[tuple[tuple[int, ...], ...], bytes](KEPT)  # the answer without its values

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        for ask, (begin, end) in zip(asks, spans(asks), strict=True):
            part = {name: array[begin:end] for name, array in outputs.items()}
            ask.exchange.reply(self._raw(ask, part) if self.raw else self._message(ask, part, typed=True))

    def fail(self, ask: Ask, error: Exception) -> None:
        refuse(ask.exchange, error)

    def _raw(self, ask: Ask, part: Tensors) -> bytes:
        pieces = [self._head(ask, part)]
        for field in self.wanted:
            raw = to_bytes(part[field.name])
            pieces += (RAW, varint(len(raw)), raw)
        return b"".join(pieces)

    def _head(self, ask: Ask, part: Tensors) -> bytes:
        shapes = tuple(part[field.name].shape for field in self.wanted)
        found = None if ask.id else self.heads.get(shapes)
        if found is None:
            found = self._message(ask, part, typed=False)
            if not ask.id:
                self.heads.keep(shapes, found)
        return found

    def _message(self, ask: Ask, part: Tensors, *, typed: bool) -> bytes:
        message = CLASSES["ModelInferResponse"](**self.facts, id=ask.id)
        for field in self.wanted:
            array = part[field.name]
            output = message.outputs.add(name=field.name, datatype=datatype(field), shape=array.shape)
            if typed:
                getattr(output.contents, CONTENTS[output.datatype]).extend(_values(array))
        found: bytes = message.SerializeToString()
        return found


def refuse(call: Any, error: Exception) -> None:
    """Answer CALL, or a turn of a longer one, with what ERROR means for its caller."""
    if call.done or call.gone:
        return
    call.counts.refused(reason(error))
    status, body, _ = meaning(error, call.id)
    more = [body[key] for key in ("expected", "to_do") if body.get(key)]
    call.refuse(CODES.get(status, INTERNAL), "; ".join([str(body["error"]), *map(str, more)]))


def varint(number: int) -> bytes:
    """NUMBER as protobuf writes lengths."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _values(array: np.ndarray) -> list[Any]:
    values = array.ravel().tolist()
    return [str(value).encode("utf-8", "replace") for value in values] if array.dtype.kind in "OUS" else values
