"""Run by Alembic with the connection that the catalog hands over."""

from alembic import context

from aimass.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
