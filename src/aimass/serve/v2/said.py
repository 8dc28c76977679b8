"""How V2 answers: the outputs that were asked for, as JSON or as bytes behind it.

What does not depend on the rows' values is made once for each number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from aimass.core.signature import Field
from aimass.engines.base import Tensors
from aimass.serve.batch.base import Ask, spans
from aimass.serve.failures import failed
from aimass.serve.known import Known
from aimass.serve.texts import texts_of
from aimass.serve.v2.tensors import datatype, to_bytes

KEPT = 64  # shapes
HEADER = b"inference-header-content-length"
BINARY = b"application/octet-stream"


class Said:
    """WANTED (field, binary?) of the model that says FACTS (its name, its version) in every answer."""

    def __init__(self, facts: dict[str, str], wanted: Sequence[tuple[Field, bool]]) -> None:
        self.facts, self.wanted = facts, tuple(wanted)
        self.binary = any(binary for _, binary in wanted)
        self.pieces = Known[tuple[object, ...], list[bytes]](KEPT)

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        """Give ASKS their rows of OUTPUTS."""
        if self.binary:
            self._with_bytes(asks, outputs)
            return
        columns = [texts_of(outputs[field.name]) for field, _ in self.wanted]
        shapes = [outputs[field.name].shape[1:] for field, _ in self.wanted]
        for ask, (begin, end) in zip(asks, spans(asks), strict=True):
            texts = [b",".join(column[begin:end]) for column in columns]
            ask.exchange.reply(self._filled(ask, shapes, texts))

    def fail(self, ask: Ask, error: Exception) -> None:
        failed(ask.exchange, error)

    def _filled(self, ask: Ask, shapes: list[tuple[int, ...]], texts: list[bytes]) -> bytes:
        key = (ask.rows, *shapes)
        pieces = self.pieces.get(key) if not ask.id else None
        if pieces is None:
            pieces = self._pieces(ask, shapes)
            if not ask.id:
                self.pieces.keep(key, pieces)
        whole = [pieces[0]]
        for text, piece in zip(texts, pieces[1:], strict=True):
            whole += (text, piece)
        return b"".join(whole)

    def _pieces(self, ask: Ask, shapes: list[tuple[int, ...]]) -> list[bytes]:
        """The answer around its data."""
        head = orjson.dumps(self._head(ask, []))
        told = [described(field, ask.rows, shape) for (field, _), shape in zip(self.wanted, shapes, strict=True)]
        around = [orjson.dumps(fact)[:-1] + b',"data":[' for fact in told]
        return [head[:-2] + around[0], *(b"]}," + before for before in around[1:]), b"]}]}"]

    def _head(self, ask: Ask, outputs: list[dict[str, Any]]) -> dict[str, Any]:
        return {**self.facts, **({"id": ask.id} if ask.id else {}), "outputs": outputs}

    def _with_bytes(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        for ask, (begin, end) in zip(asks, spans(asks), strict=True):
            head, tail = self._split(ask, {name: array[begin:end] for name, array in outputs.items()})
            ask.exchange.reply(b"".join((head, *tail)), kind=BINARY, fields=((HEADER, b"%d" % len(head)),))

    def _split(self, ask: Ask, part: Tensors) -> tuple[bytes, list[bytes]]:
        tail, told = [], []
        for field, binary in self.wanted:
            array = part[field.name]
            fact = described(field, ask.rows, array.shape[1:])
            if binary:
                tail.append(to_bytes(array))
                told.append({**fact, "parameters": {"binary_data_size": len(tail[-1])}})
            else:
                told.append({**fact, "data": array.ravel().tolist()})  # NaN becomes null
        return orjson.dumps(self._head(ask, told)), tail


def described(field: Field, rows: int, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"name": field.name, "datatype": datatype(field), "shape": [rows, *shape]}
