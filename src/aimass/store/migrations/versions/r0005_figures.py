"""Figures: how many reports there were, the least and the greatest; curves are read from their index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
FILL = """
INSERT INTO latest (run, name, at, value, time, count, least, least_at, greatest, greatest_at)
SELECT s.run, s.name, m.at, m.value, m.time, s.reports, s.least,
  (SELECT f.at FROM metric f WHERE f.run = s.run AND f.name = s.name AND f.value = s.least ORDER BY f.id LIMIT 1),
  s.greatest,
  (SELECT f.at FROM metric f WHERE f.run = s.run AND f.name = s.name AND f.value = s.greatest ORDER BY f.id LIMIT 1)
FROM (SELECT run, name, COUNT(*) AS reports, MIN(value) AS least, MAX(value) AS greatest, MAX(id) AS last
      FROM metric GROUP BY run, name) s
JOIN metric m ON m.id = s.last
"""


def upgrade() -> None:
    """An index that holds all of a curve; the table of newest values is made again, out of the history."""
    op.drop_index("metric_by_run", "metric")
    op.create_index("metric_by_run", "metric", ["run", "name", "id", "at", "value", "time"])
    op.drop_table("latest")
    op.create_table(
        "latest",
        sa.Column("run", ID, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("at", sa.Float),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("least", sa.Float, nullable=False),
        sa.Column("least_at", sa.Float),
        sa.Column("greatest", sa.Float, nullable=False),
        sa.Column("greatest_at", sa.Float),
    )
    op.execute(FILL)
