"""The encrypted database: what is in it stays secret, and its failures are the expected ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlcipher3 import dbapi2

from kronkers_studio.domain.errors import StorageFull, StoreDamaged, WorkspaceError
from kronkers_studio.storage import tables
from kronkers_studio.storage.database import Database, insert_rows
from kronkers_studio.storage.migrations import HEAD, make_tables, through_sqlalchemy, upgrade_database

KEY = bytes(range(32))
pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "metadata.db", KEY)
    upgrade_database(opened)
    yield opened
    opened.close()


def _add_server(connection: dbapi2.Connection, name: str) -> None:
    connection.execute("INSERT INTO servers (name, document) VALUES (?, '{}')", (name,))


def _servers(database: Database) -> list[str]:
    with database.read() as connection:
        return [name for (name,) in connection.execute("SELECT name FROM servers ORDER BY name")]


def _unlike_schema(database: Database) -> list[Any]:
    """What ``tables`` and the schema of ``database`` do not have in common."""
    with database.read() as connection, through_sqlalchemy(connection) as over:
        return list(compare_metadata(MigrationContext.configure(over), tables.metadata))


def test_the_migrations_make_exactly_the_tables_that_the_program_uses(database: Database) -> None:
    """Seen to fail with a column added to ``tables`` alone."""
    assert _unlike_schema(database) == []


def test_tables_made_at_once_are_those_of_the_migrations(database: Database, tmp_path: Path) -> None:
    """Nothing is committed by it but by whoever began the transaction. Seen to fail with ``_Lent`` committing."""
    at_once = Database(tmp_path / "other.db", KEY)
    with pytest.raises(ZeroDivisionError), at_once.write() as connection:
        make_tables(connection)
        raise ZeroDivisionError
    with at_once.write() as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        make_tables(connection)
    with database.write() as connection:
        connection.execute("DROP TABLE alembic_version")
        connection.execute("DROP INDEX ix_model_versions_size")  # of an expression, which SQLAlchemy cannot compare
    assert _unlike_schema(at_once) == _unlike_schema(database) == []
    at_once.close()


def test_a_migration_that_fails_leaves_the_schema_as_it_was(database: Database, tmp_path: Path) -> None:
    """And what the driver says of it is an expected failure, as it is everywhere. Seen to fail with ``_Lent``
    committing, and with SQLAlchemy's error let through."""
    other = Database(tmp_path / "other.db", KEY)
    with other.write() as connection:
        connection.execute("CREATE TABLE aliases (made_by TEXT)")  # what the steps will stumble over
    with pytest.raises(dbapi2.OperationalError, match="already exists"):
        upgrade_database(other)
    with other.read() as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("aliases",)]
    with pytest.raises(StorageFull, match="full"), other.write() as connection:
        connection.execute("DROP TABLE aliases")
        connection.execute("PRAGMA max_page_count = 3")
        make_tables(connection)
    other.close()


def test_a_current_database_opens_without_alembic(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "alembic"]:
        monkeypatch.delitem(sys.modules, name)
    upgrade_database(database)
    assert not any(name.split(".")[0] == "alembic" for name in sys.modules)


def test_the_newest_migration_is_the_one_that_the_fast_path_looks_for(database: Database) -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from kronkers_studio.storage import migrations

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_database_of_the_step_before_is_brought_up_to_date_with_all_that_is_in_it(database: Database) -> None:
    with database.write() as connection:
        connection.execute("DROP TABLE model_test_runs")
        connection.execute("UPDATE alembic_version SET version_num = '0007'")
        _add_server(connection, "factory")
    upgrade_database(database)
    assert _servers(database) == ["factory"]
    with database.read() as connection:
        index = "SELECT count(*) FROM sqlite_master WHERE name = 'ix_model_test_runs_model_version_at'"
        assert connection.execute(index).fetchone() == (1,)
    assert _unlike_schema(database) == []


def test_a_newer_schema_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(WorkspaceError, match="newer"):
        upgrade_database(database)


def test_nothing_readable_lies_in_the_file(database: Database) -> None:
    with database.write() as connection:
        _add_server(connection, "a-very-telling-name")
    database.close()
    content = b"".join(file.read_bytes() for file in database.path.parent.iterdir())
    assert b"a-very-telling-name" not in content and b"CREATE TABLE" not in content and b"SQLite" not in content


def test_another_key_and_a_flipped_byte_are_damage_and_print_nothing(
    database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    database.close()
    other = Database(database.path, bytes(32))
    with pytest.raises(StoreDamaged):
        _servers(other)
    other.close()
    content = bytearray(database.path.read_bytes())
    content[100] ^= 1
    database.path.write_bytes(content)
    with pytest.raises(StoreDamaged):
        _servers(database)
    assert capfd.readouterr().err == ""


def test_a_write_is_all_or_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        _add_server(connection, "half")
        raise ZeroDivisionError
    assert _servers(database) == []


def test_references_must_exist(database: Database) -> None:
    with pytest.raises(dbapi2.IntegrityError), database.write() as connection:
        connection.execute("INSERT INTO branches (project, name, head) VALUES ('no', 'main', 'no')")


def test_writers_take_turns_and_readers_see_one_state(database: Database) -> None:
    def add(name: str) -> None:
        with database.write() as connection:
            (count,) = connection.execute("SELECT count(*) FROM servers").fetchone()
            _add_server(connection, f"{count:03d}")  # clashes unless writers exclude each other from the start

    with database.read() as reader:
        before = reader.execute("SELECT count(*) FROM servers").fetchone()
        threads = [threading.Thread(target=add, args=(str(n),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert reader.execute("SELECT count(*) FROM servers").fetchone() == before
    assert len(_servers(database)) == 8


def test_a_first_transaction_that_outlasts_its_file_is_not_gone_on_with(tmp_path: Path) -> None:
    """Another file takes the place of the database meanwhile, as `registry rebuild` does it. Seen to fail: whoever came
    next read and wrote the file that nobody will open again."""
    for name in ("old", "new"):
        made = Database(tmp_path / name, KEY)
        with made.write() as connection:
            connection.execute("CREATE TABLE name (name TEXT)")
            connection.execute("INSERT INTO name VALUES (?)", (name,))
        made.close()
    database = Database(tmp_path / "old", KEY)

    def its_name() -> str:
        with database.read() as connection:
            return str(connection.execute("SELECT name FROM name").fetchone()[0])

    with database.read() as connection:
        (tmp_path / "new").replace(tmp_path / "old")
        assert its_name() == "new"
        assert connection.execute("SELECT name FROM name").fetchone() == ("old",), "what it began with"
    assert its_name() == "new"
    database.close()


def test_commits_are_flushed_in_a_durable_database_only(tmp_path: Path, database: Database) -> None:
    """Power loss itself is provoked in the lab; here it is the setting that decides it."""
    with database.read() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    quick = Database(tmp_path / "series.db", KEY, durable=False)
    with quick.read() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    quick.close()


def test_a_folder_that_is_gone_is_an_expected_failure(tmp_path: Path) -> None:
    away = Database(tmp_path / "gone" / "metadata.db", KEY)
    with pytest.raises(StorageFull):
        _servers(away)
    away.close()


def test_a_full_database_is_an_expected_failure(database: Database) -> None:
    with pytest.raises(StorageFull, match="full"), database.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        for number in range(10_000):
            _add_server(connection, f"server {number}")
    assert _servers(database) == []


def test_many_rows_are_inserted_whatever_their_number(tmp_path: Path) -> None:
    """Seen to fail with the last, smaller group left out."""
    database = Database(tmp_path / "metadata.db", bytes(32))
    with database.write() as connection:
        connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB, c TEXT)")
    for count in (0, 1, 329, 330, 331, 1000):
        rows = [(number, bytes([number % 256]), f"{count}") for number in range(count)]
        with database.write() as connection:
            connection.execute("DELETE FROM t")
            insert_rows(connection, "t", rows, otherwise="REPLACE")
            assert connection.execute("SELECT a, b, c FROM t ORDER BY a").fetchall() == rows
    with database.write() as connection:
        insert_rows(connection, "t (a, b, c)", [(0, b"new", "new")], otherwise="IGNORE")
        assert connection.execute("SELECT c FROM t WHERE a = 0").fetchone() == ("1000",)
        insert_rows(connection, "t (a, b, c)", [(0, b"new", "new")], otherwise="REPLACE")
        assert connection.execute("SELECT c FROM t WHERE a = 0").fetchone() == ("new",)
    database.close()


def test_what_is_written_is_one_transaction(tmp_path: Path) -> None:
    """Seen to fail with the changes of a failed block committed."""
    database = Database(tmp_path / "metadata.db", bytes(32))
    with database.write() as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
    with pytest.raises(ZeroDivisionError), database.write() as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        raise ZeroDivisionError
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
        with database.write() as other:
            other.execute("INSERT INTO t VALUES (2)")
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    with database.read() as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
    database.close()


def test_what_is_no_database_is_damage(tmp_path: Path) -> None:
    (tmp_path / "metadata.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreDamaged), Database(tmp_path / "metadata.db", bytes(32)).read() as connection:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
