"""The ledger: records changes to the metadata, and answers questions about models, packages, servers and releases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from kronkers_studio.domain.care import KeyEvent, KeyEventKind
from kronkers_studio.domain.changes import Change, JournalEntry
from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.domain.models import ModelVersion, Package
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.servers import Server
from kronkers_studio.registry.documents import from_text
from kronkers_studio.registry.journal import Journal, read_entries
from kronkers_studio.registry.trashing import newest_removed_release, newest_removed_version
from kronkers_studio.storage import tables
from kronkers_studio.storage.database import Database


class Ledger:
    """Thread-safe. What does not exist raises ``NotFound``; every list is complete."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    def record(self, *changes: Change, author: str) -> None:
        """Make ``changes``, all or none of them; durable on return.

        Raises ``BranchChanged`` (a branch is not where the change expects it), ``AlreadyExists`` (a name is taken) or
        ``NotFound`` (something referred to does not exist).
        """
        with self._database.write() as connection:
            self._journal.record(connection, changes, author=author)

    def entries(self, after: int = 0, limit: int = 1000) -> list[JournalEntry]:
        """Up to ``limit`` journal entries, from number ``after + 1``."""
        with self._database.read() as connection:
            return list(read_entries(connection, after=after, limit=limit))

    def verify(self) -> None:
        """Raises ``StoreDamaged`` when an entry of the journal is not as it was written."""
        with self._database.read() as connection:
            self._journal.verify(connection)

    def sources(self, project: str) -> list[MigrationSource]:
        """The folders that are brought into a project, by name; none for a project that does not exist."""
        sources = tables.project_sources
        return self._documents(MigrationSource, sources, sources.c.folder, project=project)

    def model_names(self) -> list[str]:
        """In alphabetical order."""
        names = sa.select(tables.model_versions.c.name).distinct().order_by(tables.model_versions.c.name)
        with self._database.read() as connection:
            return list(connection.execute(names).scalars())

    def model_versions(self, name: str | None = None) -> list[ModelVersion]:
        """The versions of one model, or of all; newest first, with their current aliases."""
        versions = tables.model_versions
        statement = sa.select(versions.c.document).order_by(versions.c.created.desc(), versions.c.version.desc())
        if name is not None:
            statement = statement.where(versions.c.name == name).order_by(None).order_by(versions.c.version.desc())
        with self._database.read() as connection:
            found = list(self._versions(connection, statement, name))
        if name is not None and not found:
            raise NotFound(f"There is no model “{name}”.", next_step="`kronkers model list` shows those that exist.")
        return found

    def model_version(self, name: str, version: int | None = None, alias: str | None = None) -> ModelVersion:
        """One version: by number, by alias, or the newest."""
        versions = tables.model_versions
        statement = sa.select(versions.c.document).where(versions.c.name == name).order_by(versions.c.version.desc())
        what = f"model “{name}”"
        if alias is not None:
            aliases = tables.aliases
            pointed = sa.select(aliases.c.version).where(aliases.c.model == name, aliases.c.alias == alias)
            statement = statement.where(versions.c.version == pointed.scalar_subquery())
            what = f"version “{alias}” of {what}"
        elif version is not None:
            statement = statement.where(versions.c.version == version)
            what = f"version {version} of {what}"
        with self._database.read() as connection:
            for found in self._versions(connection, statement.limit(1), name):
                return found
        raise NotFound(f"There is no {what}.", next_step="`kronkers model list` shows those that exist.")

    def next_version(self, name: str) -> int:
        """1 for a name that is new; numbers of removed versions are not used again."""
        versions = tables.model_versions
        newest = sa.select(sa.func.max(versions.c.version)).where(versions.c.name == name)
        with self._database.read() as connection:
            return max(connection.execute(newest).scalar() or 0, newest_removed_version(connection, name)) + 1

    def packages(self, model: str | None = None, version: int | None = None) -> list[Package]:
        """Newest first."""
        packages = tables.packages
        return self._documents(Package, packages, packages.c.created.desc(), model=model, version=version)

    def servers(self) -> list[Server]:
        """By name."""
        return self._documents(Server, tables.servers, tables.servers.c.name)

    def server(self, name: str) -> Server:
        found: list[Server] = self._documents(Server, tables.servers, name=name)
        if found:
            return found[0]
        raise NotFound(f"There is no server “{name}”.", next_step="`kronkers server list` shows those that exist.")

    def releases(self, model: str | None = None, place: str | None = None) -> list[Release]:
        """Newest first."""
        releases = tables.releases
        order = (releases.c.created.desc(), releases.c.number.desc())
        return self._documents(Release, releases, *order, model=model, place=place)

    def live_release(self, model: str, place: str) -> Release | None:
        """The release that is live; the newest, should several claim to be."""
        releases = tables.releases
        live = self._documents(
            Release, releases, releases.c.number.desc(), model=model, place=place, state=ReleaseState.LIVE.value
        )
        return live[0] if live else None

    def next_release_number(self, model: str, place: str) -> int:
        """1 for the first release of a model in a place."""
        releases = tables.releases
        newest = sa.select(sa.func.max(releases.c.number)).where(releases.c.model == model, releases.c.place == place)
        with self._database.read() as connection:
            last = connection.execute(newest).scalar() or 0
            return max(last, newest_removed_release(connection, model, place)) + 1

    def key_events(self) -> list[KeyEvent]:
        """What was done with the ways of opening the workspace, in order."""
        events = tables.key_events
        with self._database.read() as connection:
            return [
                KeyEvent(datetime.fromisoformat(row.at), KeyEventKind(row.event), row.slot, row.way, row.author)
                for row in connection.execute(sa.select(events).order_by(events.c.number))
            ]

    def _documents(self, kind: type[Any], table: sa.Table, *order: Any, **equal: Any) -> list[Any]:
        """The documents of a table's rows; ``equal`` names columns and values, None meaning any."""
        conditions = [table.c[name] == value for name, value in equal.items() if value is not None]
        statement = sa.select(table.c.document).where(*conditions).order_by(*order)
        with self._database.read() as connection:
            return [from_text(kind, text) for text in connection.execute(statement).scalars()]

    def _versions(self, connection: sa.Connection, statement: Any, name: str | None) -> Iterator[ModelVersion]:
        """Model versions with the aliases that point at them now, not those they were registered with."""
        aliases = tables.aliases
        pointing = sa.select(aliases).order_by(aliases.c.alias)
        if name is not None:
            pointing = pointing.where(aliases.c.model == name)
        now: dict[tuple[str, int], tuple[str, ...]] = {}
        for row in connection.execute(pointing):
            now[row.model, row.version] = (*now.get((row.model, row.version), ()), row.alias)
        for text in connection.execute(statement).scalars():
            version = from_text(ModelVersion, text)
            yield replace(version, aliases=now.get((version.name, version.version), ()))
