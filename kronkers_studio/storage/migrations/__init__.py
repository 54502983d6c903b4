"""The metadata database's schema, step by step from one version of the program to the next (Alembic)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlcipher3 import dbapi2

from kronkers_studio.domain.errors import StoreDamaged, WorkspaceError
from kronkers_studio.storage.database import Database

if TYPE_CHECKING:
    import sqlalchemy as sa

HEAD = "0006"
"""The newest step; a database at it needs nothing, and Alembic is then not even imported."""


def upgrade_database(database: Database) -> None:
    """Bring the schema up to date, in one transaction. Raises ``WorkspaceError`` for one newer than this program."""
    with database.read_directly() as direct:
        if _version(direct) == HEAD:
            return
    with database.write() as connection:
        current = _version(connection.connection.driver_connection)
        if current == HEAD:  # another process was faster
            return
        if current is not None and current > HEAD:
            raise WorkspaceError(
                "This workspace was last used by a newer Kronkers Studio.", next_step="Update this one and try again."
            )
        if current is not None and not re.fullmatch("[0-9]{4}", current):
            raise StoreDamaged(
                "The database metadata.db is of no version that there is.",
                next_step="`kronkers registry rebuild` makes it again from the packs and the journal.",
            )
        _run_steps(connection)


def _version(connection: dbapi2.Connection) -> str | None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def _run_steps(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
