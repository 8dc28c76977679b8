"""The first tables: artifacts, runs, metrics, logs, names, versions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create every table of revision 1, spelled out: a revision never changes with the code around it."""
    op.create_table(
        "artifact",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("step", sa.String(128), nullable=False),
        sa.Column("task", sa.String(64), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("package", sa.String(32), nullable=False),
    )
    op.create_index("artifact_by_time", "artifact", ["created"])
    op.create_table(
        "parent",
        sa.Column("child", sa.String(64), primary_key=True),
        sa.Column("parent", sa.String(64), primary_key=True),
    )
    op.create_index("parent_by_parent", "parent", ["parent"])
    op.create_table(
        "run",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("task", sa.String(64), nullable=False),
        sa.Column("step", sa.String(128), nullable=False),
        sa.Column("label", sa.String(256), nullable=False),
        sa.Column("task_json", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("ended", sa.String(32)),
        sa.Column("host", sa.String(128), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("output", sa.String(64)),
        sa.Column("error", sa.JSON),
    )
    op.create_index("run_by_task", "run", ["task", "state"])
    op.create_table(
        "metric",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("run", ID, nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("at", sa.Float),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
    )
    op.create_index("metric_by_run", "metric", ["run", "name", "id"])
    op.create_table(
        "latest",
        sa.Column("run", ID, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("at", sa.Float),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
    )
    op.create_table(
        "log",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("run", ID, nullable=False),
        sa.Column("time", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("log_by_run", "log", ["run", "id"])
    op.create_table(
        "name",
        sa.Column("name", sa.String(256), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("moved", sa.String(32), nullable=False),
    )
    op.create_table(
        "version",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
    )
