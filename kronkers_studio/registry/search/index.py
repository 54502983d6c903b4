"""The search index: a database of its own, made from the workspace and made again whenever it is lost.

It is brought up to date when something is looked for: the trees of branches that moved since are compared with the
trees that were indexed, and the journal names the model versions that changed. The columns of data files are read on
their own (``read_columns``), because that can take long. Nothing in it is worth keeping, so it is not in the journal,
and one that is damaged or of another form is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import DEFAULT_BRANCH, Entry, EntryKind
from kronkers_studio.domain.differences import EntryChange
from kronkers_studio.domain.errors import NotFound, StoreDamaged
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.search import ColumnsProblem, ColumnsRead
from kronkers_studio.registry.search.header_index import (
    HEADER_TABLES,
    Contents,
    Unread,
    count_unread,
    files_with,
    keep_columns,
    next_unread,
    retry_damaged,
)
from kronkers_studio.registry.search.header_reader import read_columns
from kronkers_studio.registry.search.models import DataColumns, index_models, models_are_current
from kronkers_studio.registry.search.terms import (
    IN_BRANCH,
    IN_PROJECT,
    WITH_EXTENSION,
    beginnings,
    facet,
    folded,
    mark,
    path_key,
)
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.trees.tree_diff import diff_trees
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.files import disk_failures
from kronkers_studio.storage.json_form import object_id
from kronkers_studio.storage.stored_text import to_stored

if TYPE_CHECKING:
    from sqlcipher3 import dbapi2

    from kronkers_studio.formats.table_reading import TableReader

_FORM = 3  # counts up when the tables below change
_CACHE = 64 * 1024  # KiB of pages a connection keeps
_COMPANIONS = ("", "-wal", "-shm")
_BATCH = 2000
_EARLIEST, _LATEST = -(2**63), 2**63 - 1  # of the times that SQLite holds: the years 1677 and 2262
_TABLES = """
CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE branches (id INTEGER PRIMARY KEY, project TEXT NOT NULL, name TEXT NOT NULL, tree TEXT NOT NULL,
    mark TEXT NOT NULL, UNIQUE (project, name));
CREATE TABLE facets (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name));
CREATE TABLE paths (id INTEGER PRIMARY KEY, project TEXT NOT NULL, path TEXT NOT NULL, UNIQUE (project, path));
CREATE TABLE files (id INTEGER PRIMARY KEY, depth INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    project INTEGER NOT NULL, extension INTEGER NOT NULL, name_end INTEGER NOT NULL,
    branches TEXT NOT NULL, key TEXT NOT NULL, starts TEXT NOT NULL);
CREATE INDEX files_by_depth ON files (depth);
CREATE INDEX files_by_key ON files (key, depth, name_end, project, extension);
CREATE INDEX files_by_mtime ON files (mtime DESC);
CREATE INDEX files_by_size ON files (size DESC);
CREATE TABLE places (file INTEGER NOT NULL, branch INTEGER NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    content INTEGER NOT NULL, header INTEGER NOT NULL, PRIMARY KEY (file, branch)) WITHOUT ROWID;
CREATE VIRTUAL TABLE names USING fts5(text, content='', contentless_delete=1, tokenize='trigram case_sensitive 1');
CREATE TABLE versions (id INTEGER PRIMARY KEY, model TEXT NOT NULL, version INTEGER NOT NULL, project TEXT NOT NULL,
    path TEXT NOT NULL, framework TEXT NOT NULL, created TEXT NOT NULL, size INTEGER NOT NULL,
    description TEXT NOT NULL, UNIQUE (model, version));
CREATE INDEX versions_by_time ON versions (created);
CREATE TABLE version_tags (tag TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (tag, id)) WITHOUT ROWID;
CREATE TABLE version_metrics (id INTEGER NOT NULL, metric TEXT NOT NULL, value REAL, PRIMARY KEY (id, metric))
    WITHOUT ROWID;
CREATE INDEX version_metrics_by_value ON version_metrics (metric, value);
CREATE VIRTUAL TABLE version_words USING fts5(name, tags, description, columns, metrics, source, content='',
    contentless_delete=1, prefix='1 2 3', tokenize='unicode61 remove_diacritics 0');
"""
_FULL_TEXT_OPTIONS = {
    "pgsz": 3900,  # bytes of a leaf: with SQLCipher's own, one in each page
    "hashsize": 8 * 1024 * 1024,  # bytes of memory before a part is written, which is merged later
}
_HEADS = (
    "SELECT project, name, tree FROM (SELECT b.project, b.name, c.tree FROM branches b JOIN commits c ON c.id = b.head)"
)

Heads = dict[tuple[str, str], str]
"""The top tree (hexadecimal) of each (project, branch), names as they are stored."""


class SearchIndex:
    """The index in ``file``, of the workspace whose metadata and objects are given. Thread-safe."""

    def __init__(
        self,
        file: Path,
        key: bytes,
        metadata: Database,
        store: ObjectStore,
        data_columns: DataColumns,
        tables: Callable[[], TableReader],
    ) -> None:
        self._file = file
        self._key = key
        self._metadata = metadata
        self._store = store
        self._data_columns = data_columns
        self._tables = tables
        self._index = Database(file, key, durable=False)

    @contextmanager
    def current(self, *, progress: Progress = SILENT, cancel: CancelToken = NEVER) -> Iterator[dbapi2.Connection]:
        """The index as a connection to read from, up to date with what was recorded before the call.

        Raises ``Cancelled`` (what was indexed so far is kept) or ``StorageFull``.
        """
        self._bring_up_to_date(progress, cancel)
        with self._index.read() as connection:
            connection.execute(f"PRAGMA cache_size = -{_CACHE}")
            yield connection

    def read_columns(self, *, progress: Progress = SILENT, cancel: CancelToken = NEVER) -> ColumnsRead:
        """Read the columns of data files that are new, so that they are found by them.

        Raises ``Cancelled`` (what was read so far is kept), ``StorageFull``, or what a failing disk does.
        """
        self._bring_up_to_date(progress, cancel)
        with self._index.read() as connection:
            waiting = count_unread(connection)
        if not waiting:
            return ColumnsRead()
        with self._index.write() as connection:
            retry_damaged(connection)
            progress.step("Reading the columns of data files", count_unread(connection), "files")
        known, problems = 0, list[ColumnsProblem]()
        while unread := self._next_unread():
            cancel.check()
            told = read_columns([each.table for each in unread], self._store, self._tables, cancel=cancel)
            read = list(zip(unread, told, strict=True))
            with self._index.write() as connection:
                keep_columns(connection, read)
                problems += (
                    ColumnsProblem(*file, told.problem)
                    for each, told in read
                    if told.problem
                    for file in files_with(connection, each.id)
                )
            known += sum(not told.problem for _each, told in read)
            progress.advance(len(unread))
        return ColumnsRead(known, tuple(problems))

    def close(self) -> None:
        self._index.close()

    def _next_unread(self) -> list[Unread]:
        with self._index.read() as connection:
            return next_unread(connection)

    def _bring_up_to_date(self, progress: Progress, cancel: CancelToken) -> None:
        try:
            self._refresh(progress, cancel)
        except StoreDamaged:
            self._discard()
            self._refresh(progress, cancel)  # once more: if the workspace itself is damaged, this raises

    def _discard(self) -> None:
        self._index.close()
        with disk_failures("making the search index again"):
            for ending in _COMPANIONS:
                self._file.with_name(self._file.name + ending).unlink(missing_ok=True)
        self._index = Database(self._file, self._key, durable=False)

    def _refresh(self, progress: Progress, cancel: CancelToken) -> None:
        heads = self._heads()
        with self._index.read() as connection:
            form = connection.execute("PRAGMA user_version").fetchone()[0]
            fresh = form == _FORM and _indexed(connection) == heads and self._models_are_current(connection)
        if fresh:
            return
        if form not in (0, _FORM):
            self._discard()
        with self._index.write() as connection:
            _make_tables(connection)
            known = _indexed(connection)
        for branch in [*(known.keys() - heads.keys()), *heads]:
            cancel.check()
            if known.get(branch, "") != heads.get(branch, ""):
                with self._index.write() as connection:
                    connection.execute(f"PRAGMA cache_size = -{_CACHE}")
                    self._index_branch(connection, *branch, heads.get(branch, ""), progress)
        with self._index.write() as connection, self._metadata.read() as metadata:
            index_models(connection, metadata, self._data_columns, progress)

    def _heads(self) -> Heads:
        with self._metadata.read() as connection:
            return {(project, name): tree for project, name, tree in connection.execute(_HEADS)}

    def _models_are_current(self, connection: dbapi2.Connection) -> bool:
        with self._metadata.read() as metadata:
            return models_are_current(connection, metadata)

    def _index_branch(
        self, connection: dbapi2.Connection, project: str, branch: str, tree: str, progress: Progress
    ) -> None:
        """Bring one branch to ``tree``; "" for one that is no more."""
        row = connection.execute(
            "SELECT id, tree FROM branches WHERE project = ? AND name = ?", (project, branch)
        ).fetchone()
        number, before = row or (None, "")
        if before == tree:  # another process was faster
            return
        if number is None:
            number = connection.execute(
                "INSERT INTO branches (project, name, tree, mark) VALUES (?, ?, '', ?)",
                (project, branch, mark(_Facets(connection)[IN_BRANCH, branch])),
            ).lastrowid
        progress.step(f"Indexing the names in {project}", None, "files")
        removed, added = self._changes(connection, number, before, tree)
        contents = Contents(connection)
        _remove(connection, number, project, removed, contents)
        _add(connection, number, project, added, contents, progress)
        contents.settle()
        if tree:
            connection.execute("UPDATE branches SET tree = ? WHERE id = ?", (tree, number))
        else:
            connection.execute("DELETE FROM branches WHERE id = ?", (number,))

    def _changes(
        self, connection: dbapi2.Connection, branch: int, before: str, tree: str
    ) -> tuple[list[str], list[Entry]]:
        """The paths that are no more (as stored), and the entries that are new or changed."""
        if tree:
            try:
                changes = diff_trees(_tree(before), _tree(tree), self._store, renames=False).changes
            except (NotFound, StoreDamaged):
                if not before:
                    raise
                # what was indexed has been cleaned up meanwhile: all of it is looked at again
                changes = diff_trees(b"", _tree(tree), self._store, renames=False).changes
            else:
                gone = [c.before for c in changes if c.before is not None and c.after is None]
                return _paths(gone), _named(changes)
        else:
            changes = ()
        old = connection.execute("SELECT path FROM paths JOIN places ON file = id WHERE branch = ?", (branch,))
        return [path for (path,) in old], _named(changes)


def _named(changes: Iterable[EntryChange]) -> list[Entry]:
    """The files and links that are new or changed."""
    return [change.after for change in changes if change.after and change.after.kind is not EntryKind.FOLDER]


def _paths(entries: Iterable[Entry]) -> list[str]:
    return [to_stored(entry.path) for entry in entries if entry.kind is not EntryKind.FOLDER]


def _indexed(connection: dbapi2.Connection) -> Heads:
    return {
        (project, name): tree for project, name, tree in connection.execute("SELECT project, name, tree FROM branches")
    }


def _make_tables(connection: dbapi2.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0] == _FORM:
        return
    for statement in (_TABLES + HEADER_TABLES).split(";\n"):
        connection.execute(statement)
    for option, value in _FULL_TEXT_OPTIONS.items():
        for table in ("names", "header_columns"):
            connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES (?, ?)", (option, value))  # noqa: S608
    connection.execute(f"PRAGMA user_version = {_FORM}")


def _remove(connection: dbapi2.Connection, branch: int, project: str, paths: list[str], contents: Contents) -> None:
    """Take ``paths`` out of a branch, and those that are in no other out of the index."""
    for path in paths:
        row = connection.execute("SELECT id FROM paths WHERE project = ? AND path = ?", (project, path)).fetchone()
        if row is None:
            continue
        contents.leaving(row[0], branch)
        connection.execute("DELETE FROM places WHERE file = ? AND branch = ?", (row[0], branch))
        if connection.execute("SELECT 1 FROM places WHERE file = ? LIMIT 1", row).fetchone() is None:
            connection.execute("DELETE FROM names WHERE rowid = ?", row)
            connection.execute("DELETE FROM files WHERE id = ?", row)
            connection.execute("DELETE FROM paths WHERE id = ?", row)
        else:
            _take_figures(connection, [row])


def _add(
    connection: dbapi2.Connection,
    branch: int,
    project: str,
    entries: list[Entry],
    contents: Contents,
    progress: Progress,
) -> None:
    facets = _Facets(connection)
    (in_branch,) = connection.execute("SELECT mark FROM branches WHERE id = ?", (branch,)).fetchone()
    for start in range(0, len(entries), _BATCH):
        files, texts, places, known = [], [], [], []
        for entry in entries[start : start + _BATCH]:
            id, is_new = _path_number(connection, project, to_stored(entry.path))
            mtime_ns = max(_EARLIEST, min(entry.mtime_ns, _LATEST))
            places.append((id, branch, entry.size, mtime_ns, *contents.of(entry)))
            if not is_new:
                contents.leaving(id, branch)
                known.append((id,))
                continue
            folder, _, name = folded(entry.path).rpartition("/")
            groups = facets[IN_PROJECT, project], facets[WITH_EXTENSION, _extension(name)]
            sought = path_key(folder, name), beginnings(folder, name)
            figures = entry.path.count("/"), entry.size, mtime_ns
            files.append((id, *figures, *groups, len(name), in_branch, *sought))
            texts.append((id, "".join(sought) + facet(IN_PROJECT, groups[0]) + facet(WITH_EXTENSION, groups[1])))
        connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)", places)
        connection.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", files)
        connection.executemany("INSERT INTO names (rowid, text) VALUES (?, ?)", texts)
        _take_figures(connection, known)  # of these, this branch may not be the first
        progress.advance(len(places))


def _path_number(connection: dbapi2.Connection, project: str, path: str) -> tuple[int, bool]:
    """The number of a path, and whether it is a new one."""
    row = connection.execute("SELECT id FROM paths WHERE project = ? AND path = ?", (project, path)).fetchone()
    if row is not None:
        return row[0], False
    return connection.execute("INSERT INTO paths (project, path) VALUES (?, ?)", (project, path)).lastrowid, True


def _extension(folded_name: str) -> str:
    return folded_name.rpartition(".")[2] if "." in folded_name[1:] else ""


def _take_figures(connection: dbapi2.Connection, files: list[tuple[int]]) -> None:
    """Which branches have a file; its size and time are those of the default branch, else of the first."""
    having = "FROM places p JOIN branches b ON b.id = p.branch WHERE p.file = files.id"
    first = f"SELECT p.size, p.mtime {having} ORDER BY b.name = '{DEFAULT_BRANCH}' DESC, b.name LIMIT 1"
    marks = f"SELECT group_concat(b.mark, '') {having}"
    connection.executemany(f"UPDATE files SET (size, mtime) = ({first}), branches = ({marks}) WHERE id = ?", files)  # noqa: S608


class _Facets(dict[tuple[str, str], int]):
    """The numbers of projects, extensions and branches' names, given when they are first met."""

    def __init__(self, connection: dbapi2.Connection) -> None:
        self._connection = connection

    def __missing__(self, key: tuple[str, str]) -> int:
        self._connection.execute("INSERT OR IGNORE INTO facets (kind, name) VALUES (?, ?)", key)
        row = self._connection.execute("SELECT number FROM facets WHERE kind = ? AND name = ?", key).fetchone()
        self[key] = row[0]
        return self[key]


def _tree(id: str) -> bytes:
    """The id of a branch's tree; of one that is not there (yet, or any more) none."""
    return object_id(id) if id else b""
