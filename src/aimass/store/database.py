"""The catalog's database: reached, brought up to date, its errors turned into sentences."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from aimass.core.errors import InputError, StoreError
from aimass.store.lock import held

HEAD = "0006"  # the newest revision in migrations/
LITTLE = 1 << 20  # bytes; less is no space


def open_database(url: str) -> sa.Engine:
    """An engine for the SQLAlchemy URL, with the tables of today; programs that open it at once take turns.

    Raises InputError for what is no such URL, StoreError when the database cannot be reached or written.
    """
    try:
        engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (sa.exc.ArgumentError, ModuleNotFoundError) as error:
        raise InputError(
            f"catalog URL: {error}",
            expected="sqlite:///file or postgresql+psycopg://user@host/name",
            todo="for Postgres install the extra: pip install 'aimass[postgres]'",
        ) from error
    with speaking(engine), _turn(engine):
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _prepare_sqlite)
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # kept in the file
        if _revision(engine) != HEAD:
            _migrate(engine)
    return engine


@contextmanager
def speaking(engine: sa.Engine) -> Iterator[None]:
    """Turns the errors of an unreachable, read-only or full database into StoreError; a taken key stays itself."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()[0]
        if _is_full(engine, said):
            raise StoreError(
                f"No space left for the catalog {engine.url}: {said}",
                expected="free space in the workspace",
                todo="free some space and run again; finished steps are reused",
            ) from error
        raise StoreError(
            f"the catalog {engine.url} cannot be used: {said}",
            expected="a database that can be reached and written, with free space",
            todo="check the URL, its rights and the disk: aimass doctor",
        ) from error


def _is_full(engine: sa.Engine, said: str) -> bool:
    """SQLite says "disk is full", or only "disk I/O error" when it was the journal that found no room."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    if not file or "disk" not in said:
        return False
    return "disk is full" in said or shutil.disk_usage(Path(file).parent).free < LITTLE


def _turn(engine: sa.Engine) -> AbstractContextManager[None]:
    """A file lock around the opening of a SQLite file; Postgres locks for itself in `_migrate`.

    The switch to WAL fails at once, whatever the busy timeout, when another program has the fresh file open.
    """
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return held(Path(f"{file}.lock"), lambda _: None) if file else nullcontext()


def _prepare_sqlite(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _revision(place: sa.Engine | sa.Connection) -> str | None:
    if isinstance(place, sa.Engine):
        with place.connect() as connection:
            return _revision(connection)
    if not sa.inspect(place).has_table("alembic_version"):
        return None
    found: str | None = place.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _migrate(engine: sa.Engine) -> None:
    """Make the tables of HEAD, all or none."""
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(7142001)"))
        found = _revision(connection)
        if found == HEAD:  # another program was first
            return
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                f"the catalog {engine.url} has revision {found}, which this aimass does not know",
                expected=f"revision {HEAD} or older",
                todo="install the newer aimass that wrote it, or use another workspace",
            ) from error
