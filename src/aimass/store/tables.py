"""The tables of the catalog.  A change here needs a revision in migrations/."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()
Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key

artifact = Table(
    "artifact", metadata,
    Column("digest", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("step", String(128), nullable=False),
    Column("task", String(64), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created", String(32), nullable=False),
    Column("package", String(32), nullable=False),
    Index("artifact_by_time", "created"),
)  # fmt: skip

parent = Table(
    "parent", metadata,
    Column("child", String(64), primary_key=True),
    Column("parent", String(64), primary_key=True),
    Index("parent_by_parent", "parent"),
)  # fmt: skip

run = Table(
    "run", metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("task", String(64), nullable=False),
    Column("step", String(128), nullable=False),
    Column("label", String(256), nullable=False),
    Column("task_json", Text, nullable=False),
    Column("state", String(16), nullable=False),  # running finished reused unchanged failed stopping stopped
    Column("started", String(32), nullable=False),
    Column("ended", String(32)),
    Column("host", String(128), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("output", String(64)),
    Column("error", JSON),
    Index("run_by_task", "task", "state"),
    Index("run_by_state", "state", "id"),
    Index("run_by_start", "started", "id"),
    Index("run_by_output", "output", "id"),
)  # fmt: skip

metric = Table(
    "metric", metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("run", Id, nullable=False),
    Column("name", String(128), nullable=False),
    Column("at", Float),
    Column("value", Float, nullable=False),
    Column("time", Float, nullable=False),
    Index("metric_by_run", "run", "name", "id", "at", "value", "time"),  # all of a curve: the table is not read
)  # fmt: skip

# The newest value of each metric and its extremes, so that lists never read history.
latest = Table(
    "latest", metadata,
    Column("run", Id, primary_key=True, autoincrement=False),
    Column("name", String(128), primary_key=True),
    Column("at", Float),
    Column("value", Float, nullable=False),
    Column("time", Float, nullable=False),
    Column("count", BigInteger, nullable=False),  # of reports
    Column("least", Float, nullable=False),
    Column("least_at", Float),  # where it was reached first
    Column("greatest", Float, nullable=False),
    Column("greatest_at", Float),
)  # fmt: skip

log = Table(
    "log", metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("run", Id, nullable=False),
    Column("time", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Index("log_by_run", "run", "id"),
)  # fmt: skip

name = Table(
    "name", metadata,
    Column("name", String(256), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("moved", String(32), nullable=False),
)  # fmt: skip

version = Table(
    "version", metadata,
    Column("name", String(128), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("created", String(32), nullable=False),
)  # fmt: skip


# Which sources things come from, so that who may see some projects only finds what is theirs.


def _comes_from(thing: str, kind: Any) -> Table:
    """SOURCE is the name of a table of the lake, "" one that nobody knows; what is called PROJECT/NAME is PROJECT's."""
    columns = [
        Column(thing, kind, primary_key=True, autoincrement=False),
        Column("source", String(256), primary_key=True),
    ]
    return Table(f"{thing}_source", metadata, *columns, Column("project", String(256), nullable=False))


run_source = _comes_from("run", Id)
artifact_source = _comes_from("artifact", String(64))
job_source = _comes_from("job", Id)

# Who may use the console.  A grant is (who, role, scope); who is a user, or key:ID.

user = Table(
    "user", metadata,
    Column("name", String(64), primary_key=True),
    Column("password", String(256), nullable=False),  # scrypt, with its parameters and salt
    Column("created", String(32), nullable=False),
    Column("disabled", String(32)),  # since when
)  # fmt: skip

granted = Table(
    "granted", metadata,
    Column("who", String(80), primary_key=True),
    Column("scope", String(256), primary_key=True),  # *, project:NAME or source:NAME
    Column("role", String(16), nullable=False),
)  # fmt: skip

session = Table(
    "session", metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of what the cookie holds
    Column("user", String(64), nullable=False),
    Column("created", String(32), nullable=False),
    Column("expires", String(32), nullable=False),
    Index("session_by_user", "user"),
)  # fmt: skip

key = Table(
    "key", metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("salt", String(32), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("made_by", String(64), nullable=False),
    Column("created", String(32), nullable=False),
    Column("expires", String(32)),
    Column("revoked", String(32)),
)  # fmt: skip

link = Table(
    "link", metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of its token
    Column("role", String(16), nullable=False),  # of the user it makes
    Column("expires", String(32), nullable=False),
)  # fmt: skip

audit = Table(
    "audit", metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("time", String(32), nullable=False),
    Column("who", String(80), nullable=False),
    Column("what", String(64), nullable=False),  # users.create
    Column("subject", String(256), nullable=False),
    Column("before", JSON),
    Column("after", JSON),
    Column("address", String(64), nullable=False),
    Column("request", String(32), nullable=False),
    Index("audit_by_who", "who", "id"),
    Index("audit_by_what", "what", "id"),
)  # fmt: skip

# What was changed while it ran: a parameter of a subsystem.
change = Table(
    "parameter_change", metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("time", String(32), nullable=False),
    Column("who", String(80), nullable=False),
    Column("name", String(256), nullable=False),
    Column("before", JSON),
    Column("after", JSON),
    Column("undoes", Id),  # the change that was taken back
    Column("measured", JSON),  # of its effect, once that is known
    Index("change_by_name", "name", "id"),
)  # fmt: skip

# Work that somebody asked for and a worker carries out: a project, or a task.
job = Table(
    "job", metadata,
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),  # project task
    Column("label", String(256), nullable=False),
    Column("work", Text, nullable=False),  # JSON
    Column("state", String(16), nullable=False),  # queued running cancelling cancelled finished failed
    Column("who", String(128), nullable=False),
    Column("asked", String(32), nullable=False),
    Column("started", String(32)),
    Column("ended", String(32)),
    Column("run", Id),  # its newest
    Column("tries", Integer, nullable=False),
    Column("holder", String(256)),  # the worker that has it
    Column("lease", Float),  # seconds since 1970 until which it is that worker's, unless told again
    Column("outcome", JSON),
    Column("error", JSON),
    Index("job_by_state", "state", "id"),
)  # fmt: skip
