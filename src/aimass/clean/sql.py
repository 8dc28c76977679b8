"""One SELECT over the sources: joins, as-of joins, derived columns, filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from aimass.clean.base import Tables, Transform
from aimass.clean.sandbox import quoted, refused, rows_at_once, sandbox, write
from aimass.collect.pending import check_names
from aimass.core.errors import InputError
from aimass.core.part import knob

SIMPLE = {"VARCHAR", "DOUBLE", "BIGINT", "BOOLEAN", "TIMESTAMP", "DATE", "BLOB"}


class Sql(Transform):
    """DuckDB's SQL over the sources by name; the transform before is `previous`.  Nothing else can be read.

    Rows come out sorted by all columns: joins have no order of their own, and equal data must give equal bytes.
    """

    query: str = knob("", help="one SELECT")

    def apply(self, tables: Tables, out: Path) -> dict[str, Any]:
        todo = f"the sources are {', '.join(sorted(tables))}; try the query in a DuckDB shell"
        with sandbox(tables, out.parent / "spill") as connection:
            try:
                statements = connection.extract_statements(self.query)
                if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                    raise InputError("the query is not one SELECT", expected="one SELECT", todo=todo, key="query")
                body = _body(self.query)
                described = connection.execute(f"DESCRIBE {body}").fetchall()
                check_names([row[0] for row in described])
                columns = ", ".join(_plain(row[0], row[1]) for row in described)
                query = f"SELECT {columns} FROM ({body}\n) ORDER BY ALL"
                _, rows = write(connection, query, out, rows_at_once(tables))
            except duckdb.Error as error:
                raise refused(error, "the sql transform", todo) from error
        return {"rows": rows}


def _body(query: str) -> str:
    """QUERY up to the semicolon that ends it, if one does: it stands inside another query."""
    comment = duckdb.token_type.comment
    tokens = [place for place, kind in duckdb.tokenize(query) if kind != comment]
    last = len(query.encode()[: tokens[-1]].decode())  # DuckDB counts bytes
    return query[:last] if query[last] == ";" else query


def _plain(name: str, kind: str) -> str:
    """The column in a type that every later stage knows."""
    column = quoted(name)
    if kind in SIMPLE:
        return column
    if kind.endswith("INT") or kind.endswith("INTEGER"):
        return f"CAST({column} AS {'DOUBLE' if 'HUGE' in kind else 'BIGINT'}) AS {column}"
    if kind == "FLOAT" or kind.startswith("DECIMAL"):
        return f"CAST({column} AS DOUBLE) AS {column}"
    if kind.startswith("TIMESTAMP"):
        zoned = "TIME ZONE" in kind
        return (
            f"{f'timezone({chr(39)}UTC{chr(39)}, {column})' if zoned else f'CAST({column} AS TIMESTAMP)'} AS {column}"
        )
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
        return f"CAST(to_json({column}) AS VARCHAR) AS {column}"
    return f"CAST({column} AS VARCHAR) AS {column}"
