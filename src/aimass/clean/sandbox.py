"""DuckDB with nothing but the tables it is given: no files, no network, no extensions, no Python variables.

Docs: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from aimass.core.errors import InputError

OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
FETCH = 65_536  # rows
GROUP = 122_880
HEAVY = 64 << 20


@contextmanager
def sandbox(tables: Mapping[str, ds.Dataset], spill: Path, *, memory: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked connection in which TABLES (Parquet files), and only they, can be read.

    One thread, because sums of floats depend on the order in which threads finish; UTC, because results must not
    depend on where they are made.  What does not fit in memory goes to the folder SPILL; MEMORY ("1GB") bounds it
    further than what this machine has.
    """
    files = {name: [str(Path(file).absolute()) for file in table.files] for name, table in tables.items()}
    limits: dict[str, Any] = {
        "threads": 1,
        "temp_directory": str(spill),
        **({"memory_limit": memory} if memory else {}),
    }
    connection = duckdb.connect(":memory:", config={**OFFLINE, **limits})
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET python_enable_replacements = false")
        connection.execute(
            f"SET allowed_paths = [{', '.join(literal(file) for part in files.values() for file in part)}]"
        )
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        for name, table in tables.items():
            # DuckDB's own reader, not Arrow's: it knows how many rows there are, and plans joins by it.
            paths = ", ".join(map(literal, files[name]))
            columns = ", ".join(map(quoted, table.schema.names))
            read = f"read_parquet([{paths}], union_by_name = true)"
            connection.execute(f"CREATE VIEW {quoted(name)} AS SELECT {columns} FROM {read}")
        yield connection
    finally:
        connection.close()


def quoted(name: str) -> str:
    """NAME as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """TEXT as a string."""
    return "'" + text.replace("'", "''") + "'"


def rows_at_once(tables: Mapping[str, ds.Dataset]) -> int:
    """How many joined rows of TABLES are fetched at once: fewer when they are wide (images)."""
    width = 0.0
    for table in tables.values():
        for file in table.files[:1]:
            facts = pq.read_metadata(file)
            size = sum(facts.row_group(i).total_byte_size for i in range(facts.num_row_groups))
            width += size / max(facts.num_rows, 1)
    return min(FETCH, max(2048, int(HEAVY / max(width, 1.0))))


def arrow(connection: duckdb.DuckDBPyConnection, query: str, fetch: int = FETCH) -> pa.RecordBatchReader:
    """The result of QUERY, FETCH rows at a time.  Raises duckdb.Error."""
    return connection.sql(query).to_arrow_reader(fetch)


def write(connection: duckdb.DuckDBPyConnection, query: str, out: Path, fetch: int = FETCH) -> tuple[pa.Schema, int]:
    """The result of QUERY as one Parquet file at OUT, streamed; its schema and rows.  Raises duckdb.Error."""
    reader = arrow(connection, query, fetch)
    with pq.ParquetWriter(out, reader.schema, compression="zstd", store_schema=False) as writer:
        rows, waiting = 0, []
        for batch in reader:
            rows += batch.num_rows
            waiting.append(batch)
            if sum(b.num_rows for b in waiting) >= GROUP or sum(b.nbytes for b in waiting) >= HEAVY:
                writer.write_table(pa.Table.from_batches(waiting), row_group_size=GROUP)
                waiting = []
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting), row_group_size=GROUP)
    return reader.schema, rows


def refused(error: duckdb.Error, where: str, todo: str) -> InputError:
    """DuckDB's complaint as ours."""
    lines = str(error).strip().splitlines()
    at = next((line.strip() for line in lines if line.startswith("LINE ")), "")
    return InputError(f"{where}: {lines[0]}{f' ({at})' if at else ''}", expected="one SELECT over the sources",
                      todo=todo, key="query")  # fmt: skip
