"""Rows of a dataset as they are looked at: some of them where there are many, typed, in a sandbox with limits.

What was collected as text is read as its contract would read it.  A few columns at a time: what turns text into a
number takes some megabytes for each column, however few its rows are.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from aimass.clean.contract import Column, Contract, batched, infer, type_of
from aimass.clean.quarantine import typed, without_missing
from aimass.clean.sandbox import arrow, sandbox
from aimass.clean.stretches import HEAVY, Looked, looked_at
from aimass.collect.base import MALFORMED, RAW
from aimass.core.errors import InputError

CELLS, TEXTS = 10_000_000, 2_000_000  # looked at; of text, whose types have to be found: two to three seconds a core
MEMORY = "1GB"
SECONDS = 120.0
HUGE = "1e150"  # squares of more are no float
MOMENTS, BYTES = ("timestamp", "date"), ("image", "binary")
NUMBERS = ("integer", "number", *MOMENTS)


@dataclass(frozen=True)
class Read:
    """A column as it is looked at: its place, its type, and whether that was found in text."""

    name: str
    at: int
    type: str
    found: bool = False

    @property
    def number(self) -> str:
        """SQL: what can be added up: a number, or seconds since 1970."""
        return f"epoch(c{self.at})" if self.type in MOMENTS else f"c{self.at}::DOUBLE"

    @property
    def sound(self) -> str:
        """SQL: whether the number is one that figures can be made of."""
        return f"isfinite({self.number}) AND abs({self.number}) < {HUGE}"


@dataclass(frozen=True)
class Seen:
    """ROWS, COUNT of them, typed: c0, c1, ... as READS say; b0, ...: what is not of the type that its column has.

    Of bytes there are the length, and h0, ...: their hash.  Rows that could not be read are left out of what was
    LOOKED at.
    """

    rows: ds.Dataset
    count: int
    reads: list[Read]
    looked: Looked


def typed_copy(
    rows: ds.Dataset, columns: list[dict[str, Any]], scratch: Path, name: str, *, most: int = 0, heavy: int = HEAVY
) -> Seen:
    """MOST of ROWS (by default `enough`) as the file NAME of SCRATCH, with the COLUMNS of their dataset.json."""
    looked = looked_at(rows, scratch / f"{name}-part.parquet", most=most or enough(rows.schema), heavy=heavy)
    out = scratch / f"{name}.parquet"
    with looking({"raw": looked.rows}, scratch) as connection:
        reads, queries = _typed(connection, looked.rows.schema, columns)
        parts = [arrow(connection, query).read_all() for query in queries]
    whole = pa.table({name: part[name] for part in parts for name in part.column_names})
    pq.write_table(whole, out, compression="none", store_schema=False)
    return Seen(ds.dataset(out, format="parquet"), whole.num_rows, reads, looked)


def enough(schema: pa.Schema) -> int:
    """How many rows of SCHEMA are looked at."""
    return max(1000, (TEXTS if MALFORMED in schema.names else CELLS) // max(len(schema), 1))


@contextmanager
def looking(tables: dict[str, ds.Dataset], scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A sandbox over TABLES that takes MEMORY and SECONDS at most.  Raises InputError for what is beyond."""
    with sandbox(tables, scratch / "spill", memory=MEMORY) as connection:
        clock = threading.Timer(SECONDS, connection.interrupt)
        clock.start()
        try:
            yield connection
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise InputError(
                f"the rows could not be looked at within {SECONDS:g} s and {MEMORY}",
                expected="rows of a size that this machine can look through",
                todo="take out the widest columns in a transform",
            ) from error
        finally:
            clock.cancel()


def _typed(
    connection: duckdb.DuckDBPyConnection, schema: pa.Schema, columns: list[dict[str, Any]]
) -> tuple[list[Read], list[str]]:
    """The columns of `raw`, and SQL that gives them typed, some in each query."""
    kinds = {column["name"]: column for column in columns}
    kept = pa.schema([field for field in schema if field.name not in (MALFORMED, RAW)])
    contract = _contract(connection, schema, kept, kinds)
    source = "good" if MALFORMED in schema.names else "raw"
    reads, queries = [], []
    for some in batched(list(enumerate(kept))):
        made, told = [], []
        for i, field in some:
            value, type = typed(field.name, contract, kept), contract[field.name].type
            found = pa.types.is_string(field.type) and source == "good" and type != "text"
            reads.append(Read(field.name, i, type, found))
            made.append(f"{value} AS t{i}, ({without_missing(field.name, contract, kept)}) AS w{i}")
            told += [f"octet_length(t{i}) AS c{i}", f"hash(t{i}) AS h{i}"] if type in BYTES else [f"t{i} AS c{i}"]
            told += [f"CASE WHEN t{i} IS NULL THEN w{i} END AS b{i}"] if found else []
        queries.append(f"SELECT {', '.join(told)} FROM (SELECT {', '.join(made)} FROM {source})")
    return reads, queries or [f"SELECT NULL AS nothing FROM {source}"]  # every row is malformed: no column is known


def _contract(
    connection: duckdb.DuckDBPyConnection, schema: pa.Schema, kept: pa.Schema, kinds: dict[str, dict[str, Any]]
) -> Contract:
    """What `clean` would find in rows that were collected; the types that the others have."""
    if MALFORMED not in schema.names:
        return {field.name: Column(type=_told(field, kinds), missing=[]) for field in kept}
    connection.execute(f"CREATE VIEW good AS SELECT * FROM raw WHERE {MALFORMED} IS NULL")
    return infer(connection, "good", kept, {name for name, facts in kinds.items() if facts["type"] == "image"})


def _told(field: pa.Field, kinds: dict[str, dict[str, Any]]) -> str:
    type = kinds.get(field.name, {}).get("type", "")
    return type if type in ("image", "json") else type_of(field.type)
