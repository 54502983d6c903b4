"""The metadata database's schema, step by step from one version of the program to the next (Alembic).

The one place where SQLAlchemy is imported, and only when there is a schema to make or to change.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlcipher3 import dbapi2

from kronkers_studio.domain.errors import StoreDamaged, WorkspaceError
from kronkers_studio.storage.database import Database

if TYPE_CHECKING:
    import sqlalchemy as sa

HEAD = "0008"
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
        if current is not None and not re.fullmatch("[0-9]{4}", current):
            raise StoreDamaged(
                "The database metadata.db is of no version that there is.",
                next_step="`kronkers registry rebuild` makes it again from the packs and the journal.",
            )
        with through_sqlalchemy(connection) as over:
            _run_steps(over)


def make_tables(connection: dbapi2.Connection) -> None:
    """Make the tables of the newest schema in an empty database, in the transaction that ``connection`` is in."""
    from kronkers_studio.storage.tables import metadata

    with through_sqlalchemy(connection) as over:
        metadata.create_all(over)


@contextlib.contextmanager
def through_sqlalchemy(connection: dbapi2.Connection) -> Iterator[sa.Connection]:
    """An SQLAlchemy connection over the driver's, in whatever transaction that one is in and leaves to its owner.

    Raises the driver's own errors, as ``Database`` expects them.
    """
    import sqlalchemy as sa

    lent: Any = _Lent(connection)
    engine = sa.create_engine("sqlite://", creator=lambda: lent, module=dbapi2, poolclass=sa.pool.StaticPool)
    try:
        with engine.connect() as over:
            yield over
    except sa.exc.DBAPIError as error:
        raise (error.orig or error) from error
    finally:
        engine.dispose()


class _Lent:
    """A connection that its borrower can use but not end: neither its transaction nor itself."""

    def __init__(self, connection: dbapi2.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        pass

    def rollback(self) -> None:
        pass

    def close(self) -> None:
        pass


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
