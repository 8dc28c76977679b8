"""Rows of a database: one query over any SQLAlchemy URL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from aimass.collect.base import Collector, Cursor, Rows
from aimass.collect.files import one
from aimass.collect.pending import check_names
from aimass.core.errors import InputError, unknown
from aimass.core.part import knob

FETCH = 10_000
COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
SECRET = "AIMASS_SECRET_"


class Sql(Collector):
    """One SELECT, run in a transaction that is rolled back.

    Without `order` the whole result is read each time; with it only rows whose value is above the last one seen.
    """

    url: str = knob("", help="SQLAlchemy URL without a password: postgresql+psycopg://reader@host/db")
    query: str = knob("", help="one SELECT")
    order: str = knob("", help="column that only grows (an id, a time of insertion): new rows are read by it")
    secret: str = knob("", help="name of the password: the environment variable AIMASS_SECRET_<NAME> holds it")

    def read(self, cursor: Any | None) -> Iterator[Rows]:
        import sqlalchemy as sa
        from sqlalchemy.exc import SQLAlchemyError

        engine = sa.create_engine(self._url())
        values = {} if cursor is None else {"seen": cursor}
        try:
            with engine.connect().execution_options(stream_results=True) as connection:
                result = connection.execute(sa.text(self._statement(engine.dialect, cursor)), values)
                self._check(list(result.keys()))
                chunks = ([dict(row) for row in chunk] for chunk in result.mappings().partitions(FETCH))
                yield from self._placed(chunks) if self.order else chunks
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise InputError(f"the query failed: {reason}", expected="a SELECT that this database can run",
                             todo="check url, query and order", key="query") from error  # fmt: skip
        finally:
            engine.dispose()

    def _statement(self, dialect: Any, cursor: Any | None) -> str:
        """The query; with `order`, of the rows behind CURSOR.  Empty positions come too, to be complained about."""
        query = self.query.strip().rstrip(";")
        # A database driver may run anything else outside of the transaction (SQLite a DROP TABLE).
        if COMMENTS.sub("", query).lstrip("( \n\t\r")[:6].lower() not in ("select", "with", "values"):
            raise InputError("the query is not one SELECT", expected="SELECT ... or WITH ... SELECT ...", key="query")
        query = query.replace(":", "\\:")  # what looks like a parameter is text
        if not self.order:
            return query
        column = dialect.identifier_preparer.quote_identifier(self.order)
        where = "" if cursor is None else f"WHERE {column} > :seen OR {column} IS NULL"
        return f"SELECT * FROM ({query}\n) AS rows_ {where} ORDER BY {column}"

    def _check(self, names: list[str]) -> None:
        check_names(names)
        if self.order and self.order not in names:
            raise unknown("column of the query", self.order, names, key="order")

    def _placed(self, chunks: Iterator[list[dict[str, Any]]]) -> Iterator[Rows]:
        """CHUNKS with cursors.  Rows of one position stay together: a cursor between them would skip the others."""
        waiting: list[dict[str, Any]] = []
        for chunk in chunks:
            waiting += chunk
            places = [self._position(row) for row in waiting]
            ready = next((i for i in range(len(places) - 1, 0, -1) if places[i - 1] != places[i]), 0)
            if ready:
                yield waiting[:ready]
                yield Cursor(places[ready - 1])
                waiting = waiting[ready:]
        if waiting:
            yield waiting
            yield Cursor(self._position(waiting[-1]))

    def _position(self, row: dict[str, Any]) -> Any:
        value = row[self.order]
        if not isinstance(value, (int, float, str)):
            value = str(value) if value is not None else None
        if value is None:
            raise InputError(f"{self.order} is empty in a row", expected="a value in every row", key="order",
                             todo="order by a column that is never empty")  # fmt: skip
        return value

    def _url(self) -> Any:
        """The URL with its password, which never stands in a task."""
        import sqlalchemy as sa
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError

        try:
            url = sa.make_url(self.url)
            url.get_dialect()
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
            raise InputError(f"url: {error}", expected="a SQLAlchemy URL such as sqlite:////data/shop.db",
                             key="url") from error  # fmt: skip
        if url.password:
            raise InputError("the url holds a password, which would be recorded", expected="a url without one",
                             todo=f'set {SECRET}SHOP in the environment and secret = "shop"', key="url")  # fmt: skip
        file = url.database or ""
        if url.get_backend_name() == "sqlite" and file not in ("", ":memory:") and not file.startswith("file:"):
            one(file)  # SQLite would make an empty database of a wrong path
        if not self.secret:
            return url
        name = SECRET + self.secret.upper()
        if name not in os.environ:
            raise InputError(f"the secret {self.secret!r} is not set", expected=f"the environment variable {name}",
                             key="secret")  # fmt: skip
        return url.set(password=os.environ[name])
