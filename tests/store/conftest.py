"""A real Postgres for the contract of the catalog: a server of its own, in a temporary folder, stopped at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

INSTALLED = Path("/usr/lib/postgresql")


def as_server_user(command: list[str], folder: Path) -> None:
    """Run COMMAND; root may not run a server, so it becomes `postgres`."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run([*prefix, *command], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a database server reached by a socket; skipped only where none is installed and nobody demands it."""
    if not INSTALLED.exists() and not os.environ.get("CI"):
        pytest.skip(f"no Postgres server is installed below {INSTALLED}")
    with postgres_server() as url:
        yield url


@contextmanager
def postgres_server() -> Iterator[str]:
    """URL of a database server of its own, with {name} for a database; it is gone afterwards."""
    found = sorted(INSTALLED.glob("*/bin/pg_ctl"))
    assert found, f"no pg_ctl below {INSTALLED}: install a Postgres server, whole"
    bin, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = [str(bin / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    as_server_user([str(bin / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "postgres", "-N"], folder)
    as_server_user([*server, "-o", options, "-l", str(folder / "log"), "start"], folder)
    try:
        yield f"postgresql+psycopg://postgres@/{{name}}?host={folder}"
    finally:
        as_server_user([*server, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres: str) -> str:
    """URL of an empty database."""
    return empty_database(postgres)


def empty_database(postgres: str) -> str:
    """URL of an empty database at the server POSTGRES."""
    import sqlalchemy as sa

    engine = sa.create_engine(postgres.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        count = connection.execute(sa.text("SELECT count(*) FROM pg_database")).scalar()
        connection.execute(sa.text(f"CREATE DATABASE test_{count}"))
    engine.dispose()
    return postgres.format(name=f"test_{count}")
