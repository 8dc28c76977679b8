"""POST /v1/predict/NAME: plain records by column name in, labels and probabilities by name out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import orjson

from aimass.core.signature import Signature
from aimass.engines.base import Tensors
from aimass.prepare.rows import from_records
from aimass.serve.batch.base import Ask, Form, spans
from aimass.serve.explaining.word import Explains, explaining, taken
from aimass.serve.failures import Then, failed
from aimass.serve.images import Images
from aimass.serve.messages import Refused, body_of, kind_of, parsed
from aimass.serve.predictor import Served

SHAPES = '{"records": [{...}, ...]}, {"record": {...}} or one record {...}'


class Records(Form):
    """The record protocol of one model.  A part of a batch is a list of records."""

    def __init__(self, served: Served, max_rows: int, max_body: int, explains: Explains) -> None:
        self.served, self.max_rows, self.max_body, self.explains = served, max_rows, max_body, explains
        self.columns = frozenset(field.name for field in served.signature.rows)
        self.images = Images(served.signature.rows, served.thread)

    def ask(self, exchange: Any, then: Then) -> None:
        """Strict about fields: missing, extra, wrongly typed and renamed ones are refused and named.

        A body that is a PNG or JPEG is a record of a model that takes one picture and nothing else.
        """
        body = body_of(exchange, self.max_body)
        records = None if body[:1] == b"{" else self.images.body(kind_of(exchange), body)
        if records is None:
            asked = parsed(body)
            said = taken(asked, self.columns)
            if said is not None:
                then = explaining(self.explains, said, then)
            records = records_of(asked, self.columns)
        check_rows(len(records), self.max_rows)
        self.images.read(exchange, records, lambda read: then(Ask(self, read, len(read), exchange)))

    def join(self, parts: Sequence[list[dict[str, Any]]]) -> Tensors:
        """Raises InputError naming the record of a part, when it is the only one."""
        return from_records(
            parts[0] if len(parts) == 1 else list(chain.from_iterable(parts)), self.served.signature.rows
        )

    def answer(self, asks: Sequence[Ask], outputs: Tensors) -> None:
        rows = predictions(outputs, self.served.signature)
        for ask, (begin, end) in zip(asks, spans(asks), strict=True):
            ask.exchange.reply(orjson.dumps({"model": self.served.label, "predictions": rows[begin:end]}))

    def fail(self, ask: Ask, error: Exception) -> None:
        failed(ask.exchange, error)


def records_of(body: Any, columns: frozenset[str]) -> list[dict[str, Any]]:
    """The records in BODY, whichever of the three shapes it has.  Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(400, f"the body is {_kind(body)}, not an object", expected=SHAPES)
    for key in ("records", "record"):
        if key in body and key not in columns:
            if len(body) > 1:
                beside = min(set(body) - {key})
                raise Refused(400, f"{beside!r} stands beside {key!r}", expected=SHAPES)
            found = body[key] if key == "records" else [body[key]]
            if not isinstance(found, list):
                raise Refused(400, f"'records' is {_kind(found)}, not a list", expected=SHAPES)
            return found
    return [body]


def check_rows(rows: int, most: int) -> None:
    """Raises Refused for none, and for more than MOST."""
    if rows == 0:
        raise Refused(400, "there are no rows", expected="at least one")
    if rows > most:
        raise Refused(413, f"{rows} rows are too many for one request", expected=f"at most {most}")


def predictions(outputs: Tensors, signature: Signature) -> list[dict[str, Any]]:
    """One object a row: label and probabilities by class name, or value; other outputs by their names."""
    columns = []
    for field in signature.outputs:
        values = outputs[field.name].tolist()
        if field.name == "probabilities" and signature.classes:
            values = [dict(zip(signature.classes, row, strict=True)) for row in values]
        columns.append(values)
    names = [field.name for field in signature.outputs]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number", dict: "an object"}
    return kinds.get(type(value), "null")
