"""The contract of a source: what each column holds.  Found in the rows, shown, and overruled in the project file."""

from __future__ import annotations

from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from aimass.clean.sandbox import literal, quoted
from aimass.core.errors import InputError, inside, unknown
from aimass.core.part import Settings, knob

TYPES = ("integer", "number", "boolean", "timestamp", "date", "text", "json", "image", "binary")
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None")  # words for "no value" in typed columns
MISSING_TEXT = ("", "NA", "N/A", "NULL", "null")
OTHER = {
    "integer": ("number", "text", "boolean"),
    "number": ("integer", "text"),
    "boolean": ("text", "integer"),
    "timestamp": ("date", "text"),
    "date": ("timestamp", "text"),
}  # what a column with a type of its own may become
CODE = "_|^[+-]?0[0-9]|^[+-]?[0-9]{16,}$"  # reads as a number and is none: two ids of 16 digits can be one float
TOGETHER = 8  # columns asked for in one query
SHARE = 0.99  # of the values must convert, for a column of text to get a type; the rest goes to quarantine


class Column(Settings):
    """What a column promises.  A row that breaks it goes to quarantine with the reason."""

    type: str = knob("text", choices=TYPES)
    missing: list[str] | None = knob(None, help="words that mean: no value")
    required: bool = knob(False, help="a missing value breaks the contract")
    min: float | None = knob(None, help="smallest number allowed")
    max: float | None = knob(None, help="largest number allowed")
    values: list[str] | None = knob(None, help="the only texts allowed")

    def words(self) -> list[str]:
        """The words for "no value" that hold for this type."""
        if self.missing is not None:
            return self.missing
        return list(MISSING_TEXT if self.type in ("text", "json") else MISSING)

    def as_json(self) -> dict[str, Any]:
        """Only what is said, and the words for missing."""
        facts = {k: v for k, v in self.settings().items() if v is not None and v is not False}
        return facts | ({} if self.type in ("image", "binary") else {"missing": self.words()})


Contract = dict[str, Column]
T = TypeVar("T")


def infer(connection: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema, images: set[str]) -> Contract:
    """The contract that TABLE keeps: types from Arrow where there are some, else what the texts convert to."""
    found: Contract = {}
    texts = [f.name for f in schema if pa.types.is_string(f.type)]
    tested = {name: kind for some in batched(texts) for name, kind in _tested(connection, table, some).items()}
    for field in schema:
        kind = "image" if field.name in images else tested.get(field.name) or type_of(field.type)
        found[field.name] = Column(type=kind)
    return found


def batched(columns: list[T]) -> list[list[T]]:
    """COLUMNS, TOGETHER in a list: of hundreds of figures in one query, planning it takes longer than reading."""
    return [columns[i : i + TOGETHER] for i in range(0, len(columns), TOGETHER)]


def type_of(kind: pa.DataType) -> str:
    """The contract type of an Arrow type."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind):
        return "number"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_date(kind):
        return "date"
    return "binary" if pa.types.is_binary(kind) else "text"


def _tested(connection: duckdb.DuckDBPyConnection, table: str, names: list[str]) -> dict[str, str]:
    """Each text column's type: the first whose test at least SHARE of its values pass."""
    tests = ("integer", "number", "boolean", "timestamp", "json")
    parts = []
    for name in names:
        value = valued(quoted(name), list(MISSING))
        parts.append(f"count({value})")
        parts += [f"count(*) FILTER ({test(kind, value)})" for kind in tests]
    [row] = connection.execute(f"SELECT {', '.join(parts)} FROM {quoted(table)}").fetchall()
    found = {}
    for i, name in enumerate(names):
        total, *passed = row[i * 6 : i * 6 + 6]
        kinds = [kind for kind, count in zip(tests, passed, strict=True) if total and count >= SHARE * total]
        found[name] = kinds[0] if kinds else "text"
    return found


def valued(column: str, words: list[str]) -> str:
    """SQL: the text of COLUMN without spaces around it, null when it is one of WORDS."""
    text = f"trim({column})"
    return f"CASE WHEN {text} IN ({', '.join(map(literal, words))}) THEN NULL ELSE {text} END" if words else text


def test(kind: str, value: str) -> str:
    """SQL: whether the text VALUE is of KIND.  Digits with leading zeros, or too many for a float, are codes."""
    return {
        "integer": f"regexp_full_match({value}, '[+-]?(0|[1-9][0-9]*)') AND TRY_CAST({value} AS BIGINT) IS NOT NULL",
        "number": f"TRY_CAST({value} AS DOUBLE) IS NOT NULL AND NOT regexp_matches({value}, '{CODE}')",
        "boolean": f"lower({value}) IN ('true', 'false')",
        "timestamp": f"{_moment(value)} IS NOT NULL",
        "json": f"left({value}, 1) IN ('[', '{{') AND json_valid({value})",
    }[kind]


def converted(kind: str, value: str) -> str:
    """SQL: the text VALUE as KIND, null when it is not."""
    whole = f"TRY_CAST({value} AS DOUBLE) = TRY_CAST({value} AS BIGINT)"  # the second alone rounds 1.5, reads 0x1F
    return {
        "integer": f"CASE WHEN {whole} THEN TRY_CAST({value} AS BIGINT) END",
        "number": f"TRY_CAST({value} AS DOUBLE)",
        "boolean": f"TRY_CAST({value} AS BOOLEAN)",
        "timestamp": f"timezone('UTC', {_moment(value)})",
        "date": f"CAST(timezone('UTC', {_moment(value)}) AS DATE)",
        "text": value,
        "json": f"CASE WHEN json_valid({value}) THEN {value} END",
    }[kind]


def _moment(value: str) -> str:
    """SQL: VALUE as a time, null when it is none; words such as infinity and epoch are none."""
    return f"CASE WHEN regexp_matches({value}, '^[0-9]') THEN TRY_CAST({value} AS TIMESTAMPTZ) END"


def overruled(source: str, contract: Contract, given: dict[str, Any], texts: list[str]) -> Contract:
    """CONTRACT with the columns that the project file describes.  Raises InputError for unknown ones.

    TEXTS are the columns kept as text, which may get any type; typed ones only those that keep their meaning.
    """
    changed = dict(contract)
    for name, table in given.items():
        if name not in contract:
            raise unknown(
                f"column of {source}", name, contract, todo="name a column of the source; aimass show lists them"
            )
        facts = {"type": table} if isinstance(table, str) else table
        if not isinstance(facts, dict):
            raise InputError(f"contract of {source}.{name} is {facts!r}", expected="a type, or a table",
                             key=f"contract.{source}.{name}")  # fmt: skip
        before = {k: v for k, v in contract[name].settings().items() if v is not None}
        with inside(f"contract.{source}.{name}"):
            changed[name] = Column.from_settings(before | facts, f"contract.{source}.{name}")
            _check(f"{source}.{name}", changed[name], contract[name].type, name in texts)
    return changed


def _check(where: str, column: Column, found: str, is_text: bool) -> None:
    """Raises InputError for a promise that a column holding FOUND cannot make."""
    possible = set(TYPES) - {"image", "binary"} if is_text else {found, *OTHER.get(found, ())}
    if column.type not in possible:
        raise InputError(f"{where} holds {found}s, which cannot become {column.type}s", key="type",
                         expected=f"type = one of {', '.join(sorted(possible))}",
                         todo="convert it in the source, or in a sql transform")  # fmt: skip
    if (column.min is not None or column.max is not None) and column.type not in ("integer", "number"):
        raise InputError(f"{where} has a min or max, but its type is {column.type}", expected="integer or number",
                         todo="filter it in a sql transform")  # fmt: skip
    if column.min is not None and column.max is not None and column.min > column.max:
        raise InputError(f"{where}: min {column.min:g} is above max {column.max:g}", expected="min <= max", key="min")
    if column.values is not None and (not column.values or column.type not in ("text", "integer", "boolean")):
        raise InputError(f"{where} has values = {column.values}, and its type is {column.type}", key="values",
                         expected="one value at least, for text, integer or boolean")  # fmt: skip
