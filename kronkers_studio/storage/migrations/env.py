"""Alembic runs this file: it uses the connection, and the transaction, of whoever asked for the upgrade."""

from alembic import context

from kronkers_studio.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,  # the caller's transaction is the one
)
context.run_migrations()
