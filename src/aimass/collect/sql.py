"""Rows of a database: one query over any SQLAlchemy URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from aimass.collect.base import Collector, Cursor, Rows
from aimass.core.errors import InputError
from aimass.core.part import knob

FETCH = 10_000
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

        statement = self.query.strip().rstrip(";")
        values = {}
        if self.order:
            column = '"' + self.order.replace('"', '""') + '"'
            where = "" if cursor is None else f" WHERE {column} > :seen"
            values = {} if cursor is None else {"seen": cursor}
            statement = f"SELECT * FROM ({statement}) AS rows_{where} ORDER BY {column}"
        engine = sa.create_engine(self._url())
        last = cursor
        try:
            with engine.connect().execution_options(stream_results=True) as connection:
                result = connection.execute(sa.text(statement), values)
                for chunk in result.mappings().partitions(FETCH):
                    rows = [dict(row) for row in chunk]
                    yield rows
                    if self.order:
                        last = self._position(rows[-1])
                        yield Cursor(last)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise InputError(f"the query failed: {reason}", expected="a SELECT that this database can run",
                             todo="check url, query and order", key="query") from error  # fmt: skip
        finally:
            engine.dispose()

    def _position(self, row: dict[str, Any]) -> Any:
        value = row.get(self.order)
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
        if not self.secret:
            return url
        name = SECRET + self.secret.upper()
        if name not in os.environ:
            raise InputError(f"the secret {self.secret!r} is not set", expected=f"the environment variable {name}",
                             key="secret")  # fmt: skip
        return url.set(password=os.environ[name])
