"""POST /v1/predict/NAME: plain records by column name in, labels and probabilities by name out."""

from __future__ import annotations

from typing import Any

from aimass.core.signature import Signature
from aimass.engines.base import Tensors
from aimass.prepare.rows import from_records
from aimass.serve.base import request_id
from aimass.serve.messages import Answer, Refused, Request, json_answer, parsed
from aimass.serve.predictor import Served

SHAPES = '{"records": [{...}, ...]}, {"record": {...}} or one record {...}'


class Records:
    """The record protocol of one model."""

    def __init__(self, served: Served, max_rows: int) -> None:
        self.served, self.max_rows = served, max_rows
        self.columns = frozenset(field.name for field in served.signature.rows)

    async def predict(self, request: Request) -> Answer:
        """Strict about fields: missing, extra, wrongly typed and renamed ones are 400 and named."""
        body = await request.body()
        records = records_of(parsed(body), self.columns)
        check_rows(len(records), self.max_rows)
        request_id.set(request.id)
        tensors = from_records(records, self.served.signature.rows)
        outputs = await self.served.answer(tensors, len(records), len(body))
        return json_answer({"model": self.served.label, "predictions": predictions(outputs, self.served.signature)})


def records_of(body: Any, columns: frozenset[str]) -> list[dict[str, Any]]:
    """The records in BODY, whichever of the three shapes it has.  Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(400, f"the body is {_kind(body)}, not an object", expected=SHAPES)
    for key in ("records", "record"):
        if key in body and key not in columns:
            beside = sorted(set(body) - {key})
            if beside:
                raise Refused(400, f"{beside[0]!r} stands beside {key!r}", expected=SHAPES)
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
        if field.name == "probabilities":
            values = [dict(zip(signature.classes, row, strict=True)) for row in values]
        columns.append(values)
    names = [field.name for field in signature.outputs]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number", dict: "an object"}
    return kinds.get(type(value), "null")
