"""The metadata database's schema, step by step from one version of the program to the next (Alembic)."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from kronkers_studio.domain.errors import WorkspaceError
from kronkers_studio.storage.database import Database

HEAD = "0002"
"""The newest step; a database at it needs nothing, and Alembic is then not even imported."""


def upgrade_database(database: Database) -> None:
    """Bring the schema up to date, in one transaction. Raises ``WorkspaceError`` for one newer than this program."""
    with database.read() as connection:
        if _version(connection) == HEAD:
            return
    with database.write() as connection:
        current = _version(connection)
        if current == HEAD:  # another process was faster
            return
        if current is not None and current > HEAD:
            raise WorkspaceError(
                "This workspace was last used by a newer Kronkers Studio.", next_step="Update this one and try again."
            )
        _run_steps(connection)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _run_steps(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
