"""Changes of parameters: who, what, from what to what."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the table of changes."""
    op.create_table(
        "parameter_change",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("time", sa.String(32), nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sa.Column("undoes", ID),
        sa.Column("measured", sa.JSON),
    )
    op.create_index("change_by_name", "parameter_change", ["name", "id"])
