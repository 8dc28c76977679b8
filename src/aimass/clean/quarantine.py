"""Rows that break their contract: set aside with the reason, never dropped.  accepted + quarantined = read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from aimass.clean.contract import Contract, converted, infer, overruled, type_of, valued
from aimass.clean.sandbox import arrow, literal, quoted, rows_at_once, sandbox, write
from aimass.collect.base import MALFORMED, RAW
from aimass.core.errors import InputError

MOST = 0.5  # a contract that most rows break is a wrong contract, not bad rows
REASON = '"_reason of aimass"'  # beside the columns of the source, whatever their names
QUARANTINE = pa.schema([("source", pa.string()), ("reason", pa.string()), ("row", pa.string())])
SHOWN = 5


@dataclass(frozen=True)
class Kept:
    """One source after its contract: its typed rows and the count of each reason."""

    contract: Contract
    rows: Path
    read: int
    accepted: int
    reasons: dict[str, int]


def keep(source: str, rows: ds.Dataset, images: set[str], given: dict[str, Any], scratch: Path,
         writer: pq.ParquetWriter) -> Kept:  # fmt: skip
    """Write the rows of SOURCE that keep the contract, typed, into SCRATCH, and the others to WRITER."""
    fetch = rows_at_once({"raw": rows})
    with sandbox({"raw": rows}, scratch / "spill") as connection:
        good = "raw"
        if MALFORMED in rows.schema.names:
            connection.execute(f"CREATE VIEW good AS SELECT * FROM raw WHERE {MALFORMED} IS NULL")
            good = "good"
        schema = pa.schema([f for f in rows.schema if f.name not in (MALFORMED, RAW)])
        texts = [f.name for f in schema if pa.types.is_string(f.type)]
        contract = overruled(source, infer(connection, good, schema, images), given, texts)
        clauses = _broken(contract, schema)
        reason = f"CASE {' '.join(clauses)} END" if clauses else "NULL::VARCHAR"
        connection.execute(f"CREATE VIEW judged AS SELECT *, {reason} AS {REASON} FROM {good}")
        columns = ", ".join(f"{typed(name, contract, schema)} AS {quoted(name)}" for name in schema.names)
        columns = columns or "NULL AS nothing"  # every row is malformed, so no column is known
        path = scratch / f"kept-{source}.parquet"
        _, accepted = write(connection, f"SELECT {columns} FROM judged WHERE {REASON} IS NULL", path, fetch)
        reasons = _set_aside(connection, source, contract, good != "raw", writer)
    read = rows.count_rows()
    bad = sum(reasons.values())
    assert accepted + bad == read, (accepted, bad, read)
    if bad > MOST * read:
        raise _mostly_bad(source, reasons, read)
    return Kept(contract, path, read, accepted, reasons)


def _broken(contract: Contract, schema: pa.Schema) -> list[str]:
    """SQL WHEN clauses: the first broken promise of a row is its reason."""
    clauses = []
    for name, column in contract.items():
        value, kind = without_missing(name, contract, schema), column.type
        if column.required:
            clauses.append(f"WHEN ({value}) IS NULL THEN {literal(f'{name}: missing')}")
        if kind not in ("text", type_of(schema.field(name).type), "image"):
            wrong = f"({value}) IS NOT NULL AND ({typed(name, contract, schema)}) IS NULL"
            clauses.append(f"WHEN {wrong} THEN {literal(f'{name}: not {_a(kind)}')}")
        made = f"({typed(name, contract, schema)})"
        for limit, sign, word in ((column.min, "<", "below"), (column.max, ">", "above")):
            if limit is not None:
                clauses.append(f"WHEN {made} {sign} {limit} THEN {literal(f'{name}: {word} {limit:g}')}")
        if column.values is not None:
            allowed = ", ".join(map(literal, column.values))
            clauses.append(f"WHEN {made}::VARCHAR NOT IN ({allowed}) THEN {literal(f'{name}: not an allowed value')}")
    return clauses


def _a(kind: str) -> str:
    return {"integer": "a whole number", "json": "JSON", "timestamp": "a time", "boolean": "true or false"}.get(
        kind, f"a {kind}"
    )


def without_missing(name: str, contract: Contract, schema: pa.Schema) -> str:
    """SQL: the column with its words for "no value" taken out."""
    column = quoted(name)
    if pa.types.is_string(schema.field(name).type):
        if contract[name].type == "text":  # free text keeps its spaces
            words = ", ".join(map(literal, contract[name].words()))
            return f"CASE WHEN trim({column}) IN ({words}) THEN NULL ELSE {column} END" if words else column
        return valued(column, contract[name].words())
    return f"CASE WHEN isnan({column}) THEN NULL ELSE {column} END" if _floats(schema, name) else column


def _floats(schema: pa.Schema, name: str) -> bool:
    return bool(pa.types.is_floating(schema.field(name).type))


def typed(name: str, contract: Contract, schema: pa.Schema) -> str:
    """SQL: the column in the type of its contract."""
    kind, value = contract[name].type, without_missing(name, contract, schema)
    if pa.types.is_string(schema.field(name).type):
        return converted(kind, f"({value})")
    if pa.types.is_timestamp(schema.field(name).type):
        value = f"timezone('UTC', {value})"
    if kind == "integer" and _floats(schema, name):
        return f"CASE WHEN {value} = trunc({value}) THEN TRY_CAST({value} AS BIGINT) END"
    wanted = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "text": "VARCHAR",
              "timestamp": "TIMESTAMP"}  # fmt: skip
    return f"TRY_CAST({value} AS {wanted[kind]})" if kind in wanted else value


def _set_aside(connection: duckdb.DuckDBPyConnection, source: str, contract: Contract, malformed: bool,
               writer: pq.ParquetWriter) -> dict[str, int]:  # fmt: skip
    """Write malformed and broken rows; how many of each reason."""
    shown = ", ".join(f"{quoted(n)} := {quoted(n)}" for n, c in contract.items() if c.type not in ("image", "binary"))
    row = f"to_json(struct_pack({shown}))::VARCHAR" if shown else "NULL::VARCHAR"
    query = f"SELECT {REASON} AS reason, {row} AS row FROM judged WHERE {REASON} IS NOT NULL"
    if malformed:
        query = f"SELECT {MALFORMED} AS reason, {RAW} AS row FROM raw WHERE {MALFORMED} IS NOT NULL UNION ALL {query}"
    reasons: dict[str, int] = {}
    for batch in arrow(connection, query):
        for found in batch["reason"].value_counts().to_pylist():
            reasons[found["values"]] = reasons.get(found["values"], 0) + found["counts"]
        names = pa.array([source] * batch.num_rows, pa.string())
        columns = [names, batch["reason"].cast(pa.string()), batch["row"].cast(pa.string())]
        writer.write_table(pa.table(columns, schema=QUARANTINE))
    return dict(sorted(reasons.items()))


def _mostly_bad(source: str, reasons: dict[str, int], read: int) -> InputError:
    worst = sorted(reasons.items(), key=lambda item: -item[1])[:SHOWN]
    named = "; ".join(f"{count} rows: {reason}" for reason, count in worst)
    return InputError(
        f"{sum(reasons.values())} of {read} rows of {source} break its contract: {named}",
        expected="a contract that at least half of the rows keep",
        todo=f"mend the source, its delimiter or encoding, or the table [clean.contract.{json.dumps(source)[1:-1]}]",
        key="contract",
    )
