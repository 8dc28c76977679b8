"""Jobs: work that somebody asked for and a worker carries out."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the table of jobs."""
    op.create_table(
        "job",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("label", sa.String(256), nullable=False),
        sa.Column("work", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("who", sa.String(128), nullable=False),
        sa.Column("asked", sa.String(32), nullable=False),
        sa.Column("started", sa.String(32)),
        sa.Column("ended", sa.String(32)),
        sa.Column("run", ID),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(256)),
        sa.Column("lease", sa.Float),
        sa.Column("outcome", sa.JSON),
        sa.Column("error", sa.JSON),
    )
    op.create_index("job_by_state", "job", ["state", "id"])
