"""Which kind each column is: found in its training rows, overruled by the project file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aimass.core.errors import InputError, inside, unknown
from aimass.core.part import table_of
from aimass.prepare.base import Column, Preparer

DROPPED = {
    "drop": "as the project file says",
    "identifier": "identifier: (nearly) every row has a value of its own",
    "constant": "constant: the same value in every training row",
}
UNIQUE = 0.98  # distinct values a row, from which a column of single words or counted numbers names its row
WORDS = 3.0  # words a value on average, from which it is a text and not a category
SAMPLE = 20_000  # rows looked at for the length of texts


@dataclass(frozen=True)
class Choice:
    """What becomes of a column: a preparer, or None and the reason why it is dropped."""

    column: Column
    kind: str
    preparer: Preparer | None = None
    reason: str = ""
    found: bool = True  # by us, not given


def choose(columns: list[Column], training: pa.Table, given: dict[str, Any], besides: dict[str, str]) -> list[Choice]:
    """A choice for each of COLUMNS; GIVEN overrules, BESIDES names those the split needs, with the reason.

    Raises InputError for unknown columns, kinds and settings, and for a column of lists nobody decided about.
    """
    names = [column.name for column in columns]
    for name in given:
        if name not in names:
            todo = "the target is no feature; aimass show lists the columns"
            raise unknown("column", name, names, todo=todo, key=f"columns.{name}")
    choices = []
    for column in columns:
        with inside(f"columns.{column.name}"):
            choices.append(_choice(column, training, given.get(column.name), besides.get(column.name, "")))
    return choices


def _choice(column: Column, training: pa.Table, given: Any, beside: str) -> Choice:
    if given is not None:
        return _given(column, given)
    if beside:
        return Choice(column, "drop", reason=beside)
    kind = kind_of(column, training[column.name])
    if kind in DROPPED:
        return Choice(column, kind, reason=DROPPED[kind])
    return Choice(column, kind, _preparer({"use": kind}, column.name))


def _given(column: Column, given: Any) -> Choice:
    table = {"use": given} if isinstance(given, str) else given
    if not isinstance(table, dict) or not isinstance(table.get("use"), str):
        raise InputError(f"column {column.name} is given as {given!r}", expected='a kind, or { use = "text", ... }')
    if table["use"] in DROPPED:
        for setting in table.keys() - {"use"}:
            raise unknown(f"setting of columns.{column.name}", setting, [], key=setting,
                          todo="a dropped column has no settings")  # fmt: skip
        return Choice(column, table["use"], reason=DROPPED["drop"], found=False)
    return Choice(column, table["use"], _preparer(table, column.name), found=False)


def _preparer(table: dict[str, Any], name: str) -> Preparer:
    kinds = [*table_of("preparer"), *DROPPED]
    if table["use"] not in kinds and ":" not in table["use"]:
        raise unknown("kind of column", table["use"], kinds)
    return Preparer.from_settings(table, f"columns.{name}")


def kind_of(column: Column, values: pa.ChunkedArray) -> str:
    """number, category, text, date, image, identifier or constant."""
    if column.type == "json":
        raise InputError(
            f"column {column.name} holds lists or tables",
            expected="one value a row",
            todo=f'take values out of it in a sql transform, or drop it: columns = {{ {column.name} = "drop" }}',
        )
    if column.type == "image":
        return "image"
    if column.type == "binary":
        return "identifier"
    values = _without_missing(values)
    distinct, known = pc.count_distinct(values, mode="only_valid").as_py(), len(values) - values.null_count
    if distinct + (values.null_count > 0) <= 1:
        return "constant"
    if column.type in ("timestamp", "date"):
        return "date"
    if column.type == "boolean":
        return "category"
    if column.type in ("integer", "number"):
        return "identifier" if _counts(column, values, distinct, known) else "number"
    return _kind_of_text(values, distinct, known)


def _without_missing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """VALUES with null for all that the graph takes as missing: NaN and the empty text."""
    if pa.types.is_floating(values.type):
        return pc.if_else(pc.is_nan(values), None, values)
    if pa.types.is_null(values.type) or pa.types.is_dictionary(values.type):
        values = values.cast(pa.string())
    return pc.if_else(pc.equal(values, ""), None, values) if pa.types.is_string(values.type) else values


def _counts(column: Column, values: pa.ChunkedArray, distinct: int, known: int) -> bool:
    """Whether whole numbers just number the rows: all different, and hardly a gap between them."""
    if column.type != "integer" or known < 50 or distinct < UNIQUE * known:
        return False
    ends = pc.min_max(values).as_py()
    return bool(ends["max"] - ends["min"] < 4 * known)


def _kind_of_text(values: pa.ChunkedArray, distinct: int, known: int) -> str:
    some = values.drop_null().slice(0, SAMPLE)
    words = pc.mean(pc.count_substring_regex(some, r"\S+")).as_py() or 0.0
    if words >= WORDS and distinct > max(20, 0.05 * known):
        return "text"
    if known >= 50 and distinct >= UNIQUE * known:
        return "identifier" if words < 2 else "text"
    return "category"
