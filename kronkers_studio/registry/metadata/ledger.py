"""The ledger: records changes to the metadata, and answers questions about models, packages, servers and releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import (
    AuthorityMade,
    Change,
    ConsumerSet,
    GatewaySet,
    JournalEntry,
    ModelTestSetChosen,
    ReleaseRecorded,
    SignerForgotten,
    SignerTrusted,
)
from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.feature_profiles import ReferenceProfile, flaw_of
from kronkers_studio.domain.gateways import Consumer, ServerGateway
from kronkers_studio.domain.maintenance import KeyEvent, KeyEventKind
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.domain.model_tests import ModelTestRun
from kronkers_studio.domain.models import ContentRef, ModelVersion, Package
from kronkers_studio.domain.naming import checked_model_name
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.servers import Server
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.aliases import with_aliases
from kronkers_studio.registry.metadata.journal import Journal, read_entries
from kronkers_studio.registry.metadata.statements import Table
from kronkers_studio.registry.metadata.trash_projection import newest_removed_release, newest_removed_version
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_text, object_id, records_read

_Kind = TypeVar("_Kind", GatewaySet, ConsumerSet, AuthorityMade)

_RELEASE_CHANGES = """
SELECT at, author, change FROM journal
WHERE kind = ? AND json_extract(change, '$.release.model') = ? AND json_extract(change, '$.release.place') = ?
ORDER BY number DESC LIMIT ?
"""
_LATEST_RELEASE_CHANGES = "SELECT at, author, change FROM journal WHERE kind = ? ORDER BY number DESC LIMIT ?"
_SIGNERS = "SELECT kind, change FROM journal WHERE kind IN (?, ?) ORDER BY number"
_ALL_OF = "SELECT change FROM journal WHERE kind = ? ORDER BY number"
_TEST_SETS = """
SELECT change FROM journal WHERE kind = ? AND json_extract(change, '$.model') = ? ORDER BY number DESC LIMIT 1
"""
_MODEL_NAMES = "SELECT DISTINCT name FROM model_versions ORDER BY name"


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

    def record_new_release(self, draft: Callable[[int], Release], *, author: str) -> Release:
        """Record the release that ``draft`` makes of the number that is next for its model in its place.

        The number is taken in the transaction that records it: two at once never get the same.
        """
        with self._database.write() as connection:
            unnumbered = draft(0)
            release = draft(_next_release_number(connection, unnumbered.model, unnumbered.place))
            self._journal.record(connection, [ReleaseRecorded(release)], author=author)
        return release

    def replace_release(self, before: Release, *after: Release, author: str) -> bool:
        """Record ``after`` if the release is still as ``before`` says; False when somebody has changed it meanwhile."""
        key: dict[str, Any] = {"model": before.model, "place": before.place, "number": before.number}
        with self._database.write() as connection:
            found = statements.select(connection, statements.RELEASES, **key)
            if not found or from_text(Release, found[0]["document"]) != before:
                return False
            self._journal.record(connection, [ReleaseRecorded(release) for release in after], author=author)
        return True

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
        return self._documents(MigrationSource, statements.PROJECT_SOURCES, project=project)

    def model_names(self) -> list[str]:
        """In alphabetical order."""
        with self._database.read() as connection:
            return [name for (name,) in statements.query(connection, _MODEL_NAMES)]

    def model_versions(self, name: str | None = None) -> list[ModelVersion]:
        """The versions of one model, or of all; newest first, with their current aliases."""
        with self._database.read() as connection:
            if name is None:
                return _versions(connection, order=("-created", "-version"))
            found = _versions(connection, name=name)
        if not found:
            raise NotFound(f"There is no model “{name}”.", next_step="`kronkers model list` shows those that exist.")
        return found

    def model_version(self, name: str, version: int | None = None, alias: str | None = None) -> ModelVersion:
        """One version: by number, by alias, or the newest."""
        what = f"model “{name}”"
        key: dict[str, Any] = {"name": name}
        with self._database.read() as connection:
            if alias is not None:
                what = f"version “{alias}” of {what}"
                pointing = statements.select(connection, statements.ALIASES, model=name, alias=alias)
                key["version"] = pointing[0]["version"] if pointing else None
            elif version is not None:
                what = f"version {version} of {what}"
                key["version"] = version
            for found in _versions(connection, limit=1, **key):
                return found
        raise NotFound(f"There is no {what}.", next_step="`kronkers model list` shows those that exist.")

    def profile(self, name: str, version: int) -> ReferenceProfile | None:
        """A version's reference profile; None where none was made. Raises ``StoreDamaged`` for what is none."""
        with self._database.read() as connection:
            rows = statements.select(connection, statements.MODEL_PROFILES, model=name, version=version)
        if not rows:
            return None
        profile = from_text(ReferenceProfile, rows[0]["document"])
        with records_read("reference profile"):
            if flaw := flaw_of(profile.table):
                raise ValueError(flaw)
        return profile

    def next_version(self, name: str) -> int:
        """1 for a name that is new; numbers of removed versions are not used again."""
        with self._database.read() as connection:
            newest = statements.select(connection, statements.MODEL_VERSIONS, order=("-version",), limit=1, name=name)
            numbers: list[int] = [row["version"] for row in newest]
            return max([newest_removed_version(connection, name), *numbers]) + 1

    def packages(self, model: str | None = None, version: int | None = None) -> list[Package]:
        """Newest first."""
        return self._documents(Package, statements.PACKAGES, ("-created",), model=model, version=version)

    def model_test_runs(self, model: str, version: int | None = None, *, limit: int = -1) -> list[ModelTestRun]:
        """The last ``limit`` runs of tests (-1: all) of a model's versions, or of one of them, newest first."""
        key: dict[str, Any] = {"model": model} if version is None else {"model": model, "version": version}
        with self._database.read() as connection:
            found = statements.select(connection, statements.MODEL_TEST_RUNS, order=("-at", "-id"), limit=limit, **key)
        return [from_text(ModelTestRun, row["document"]) for row in found]

    def chosen_test_set(self, model: str) -> ContentRef | None:
        """The file that a model's versions are tested by, if somebody chose one."""
        with self._database.read() as connection, records_read("test set"):
            for (change,) in statements.query(connection, _TEST_SETS, ModelTestSetChosen.__name__, model):
                return from_text(ModelTestSetChosen, change).source
        return None

    def servers(self) -> list[Server]:
        """By name."""
        return self._documents(Server, statements.SERVERS)

    def server(self, name: str) -> Server:
        found: list[Server] = self._documents(Server, statements.SERVERS, name=name)
        if found:
            return found[0]
        raise NotFound(f"There is no server “{name}”.", next_step="`kronkers server list` shows those that exist.")

    def releases(self, model: str | None = None, place: str | None = None) -> list[Release]:
        """Newest first."""
        return self._documents(Release, statements.RELEASES, ("-created", "-number"), model=model, place=place)

    def live_release(self, model: str, place: str) -> Release | None:
        """The release that is live; the newest, should several claim to be."""
        state = ReleaseState.LIVE.value
        live = self._documents(Release, statements.RELEASES, ("-number",), model=model, place=place, state=state)
        return live[0] if live else None

    def release_changes(self, model: str, place: str, *, limit: int = 2000) -> list[tuple[datetime, str, Release]]:
        """The last ``limit`` changes of releases of ``model`` in ``place``, in order: when, by whom, and what the
        release was then. Changes of one moment were recorded together."""
        return self._release_changes(_RELEASE_CHANGES, model, place, limit)

    def latest_release_changes(self, limit: int) -> list[tuple[datetime, str, Release]]:
        """As ``release_changes``, of all models in all places."""
        return self._release_changes(_LATEST_RELEASE_CHANGES, limit)

    def _release_changes(self, query: str, *parameters: object) -> list[tuple[datetime, str, Release]]:
        with self._database.read() as connection, records_read("release"):
            found = statements.query(connection, query, ReleaseRecorded.__name__, *parameters)
            return [
                (datetime.fromisoformat(at), author, _checked(from_text(ReleaseRecorded, change).release))
                for at, author, change in reversed(found)
            ]

    def trusted_signers(self) -> list[SignerTrusted]:
        """Whose signatures of packages are accepted besides the workspace's own, by name."""
        trusted: dict[str, SignerTrusted] = {}
        kinds = (SignerTrusted.__name__, SignerForgotten.__name__)
        with self._database.read() as connection, records_read("signer"):
            for kind, change in statements.query(connection, _SIGNERS, *kinds):
                if kind == SignerTrusted.__name__:
                    found = from_text(SignerTrusted, change)
                    object_id(found.key)  # 32 bytes
                    trusted[found.name] = found
                else:
                    trusted.pop(from_text(SignerForgotten, change).name, None)
        return [trusted[name] for name in sorted(trusted)]

    def gateways(self) -> list[ServerGateway]:
        """The servers' gateways, by the server's name."""
        found = {change.server: change.gateway for change in self._all_of(GatewaySet)}
        return [gateway for _, gateway in sorted(found.items()) if gateway is not None]

    def consumers(self) -> list[Consumer]:
        """Who may ask models through gateways, by name."""
        found = {change.name: change.consumer for change in self._all_of(ConsumerSet)}
        return [consumer for _, consumer in sorted(found.items()) if consumer is not None]

    def authority(self, purpose: str) -> str:
        """The certificate of the workspace's own authority for ``purpose``; "" when there is none yet."""
        made = [change.certificate for change in self._all_of(AuthorityMade) if change.purpose == purpose]
        return made[0] if made else ""

    def _all_of(self, kind: type[_Kind]) -> list[_Kind]:
        """Every change of a kind of which there are few, oldest first."""
        with self._database.read() as connection, records_read(kind.__name__):
            return [from_text(kind, change) for (change,) in statements.query(connection, _ALL_OF, kind.__name__)]

    def key_events(self) -> list[KeyEvent]:
        """What was done with the ways of opening the workspace, in order."""
        with self._database.read() as connection, records_read("key event"):
            return [
                KeyEvent(
                    datetime.fromisoformat(row["at"]),
                    KeyEventKind(row["event"]),
                    row["slot"],
                    row["way"],
                    row["author"],
                )
                for row in statements.select(connection, statements.KEY_EVENTS)
            ]

    def _documents(self, kind: type[Any], table: Table, order: Sequence[str] = (), **equal: Any) -> list[Any]:
        """The documents of a table's rows; ``equal`` names columns and values, None meaning any."""
        key = {name: value for name, value in equal.items() if value is not None}
        with self._database.read() as connection:
            found = statements.select(connection, table, order=order, **key)
        return [_checked(from_text(kind, row["document"])) for row in found]


def _checked(found: Any) -> Any:
    """``found``, whose model's name becomes part of paths: whoever made the workspace chose it."""
    if isinstance(found, ModelVersion):
        checked_model_name(found.name)
    elif isinstance(found, Package | Release):
        checked_model_name(found.model)
    return found


def _next_release_number(connection: dbapi2.Connection, model: str, place: str) -> int:
    newest = statements.select(connection, statements.RELEASES, order=("-number",), limit=1, model=model, place=place)
    numbers: list[int] = [row["number"] for row in newest]
    return max([newest_removed_release(connection, model, place), *numbers]) + 1


def _versions(
    connection: dbapi2.Connection, order: Sequence[str] = ("-version",), limit: int = -1, **key: Any
) -> list[ModelVersion]:
    """Model versions with the aliases that point at them now."""
    rows = statements.select(connection, statements.MODEL_VERSIONS, order=order, limit=limit, **key)
    return with_aliases(connection, (_checked(from_text(ModelVersion, row["document"])) for row in rows))
