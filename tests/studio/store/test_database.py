"""The database: transactions, concurrent readers and writers, and files that cannot be opened."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.studio.store import database
from ei_toolkit.studio.store.database import Database, is_outdated
from ei_toolkit.studio.store.migrations import MIGRATIONS

INSERT = "INSERT INTO projects (name, hmac_key, created, modified) VALUES (?, 'k', '2026', '2026')"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "studio.sqlite"


def names(opened: Database) -> list[str]:
    return [row["name"] for row in opened.all("SELECT name FROM projects ORDER BY id")]


def test_a_database_is_created_with_its_folder_and_opened_again(file: Path) -> None:
    first = Database(file)
    assert first.run(INSERT, ("ä",)) == 1
    first.close()
    second = Database(file)
    assert names(second) == ["ä"]
    second.close()


def test_a_transaction_is_undone_if_its_block_fails(file: Path) -> None:
    opened = Database(file)
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), opened.write() as connection:
            connection.execute(INSERT, ("half",))
            raise error
    assert names(opened) == []
    assert opened.run(INSERT, ("later",)) == 1
    opened.close()


def test_a_failed_statement_of_a_transaction_undoes_those_before_it(file: Path) -> None:
    opened = Database(file)
    with pytest.raises(sqlite3.IntegrityError), opened.write() as connection:
        connection.execute(INSERT, ("first",))
        connection.execute(INSERT, (None,))
    assert names(opened) == []
    opened.close()


def test_a_reader_does_not_see_a_transaction_before_its_end(file: Path) -> None:
    opened = Database(file)
    with opened.write() as connection:
        connection.execute(INSERT, ("new",))
        assert names(opened) == []
    assert names(opened) == ["new"]
    opened.close()


def test_run_returns_the_number_of_changed_rows(file: Path) -> None:
    opened = Database(file)
    for name in ("a", "b", "c"):
        opened.run(INSERT, (name,))
    assert opened.run("UPDATE projects SET name = 'x' WHERE id > 1") == 2
    assert opened.run("DELETE FROM projects WHERE id = 9") == 0
    assert opened.one("SELECT * FROM projects WHERE id = 9") is None
    opened.close()


def test_writers_of_many_threads_follow_each_other(file: Path) -> None:
    opened = Database(file)

    def add(number: int) -> None:
        with opened.write() as connection:
            count = connection.execute("SELECT COUNT(*) FROM projects").fetchone()[0]
            connection.execute(INSERT, (str(count),))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert names(opened) == [str(number) for number in range(40)]
    opened.close()


def test_exclusive_keeps_other_writers_out_and_allows_writes_within(file: Path) -> None:
    opened = Database(file)
    began, order = threading.Event(), []

    def other() -> None:
        began.set()
        opened.run(INSERT, ("other",))
        order.append("other")

    with opened.exclusive():
        thread = threading.Thread(target=other)
        thread.start()
        began.wait(5)
        opened.run(INSERT, ("one",))
        opened.run(INSERT, ("two",))
        order.append("exclusive")
    thread.join(5)
    assert order == ["exclusive", "other"] and names(opened) == ["one", "two", "other"]
    opened.close()


def test_a_writer_of_another_process_is_waited_for(file: Path) -> None:
    opened, other = Database(file), sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute(INSERT, ("other",))
    timer = threading.Timer(0.15, other.execute, ["COMMIT"])
    timer.start()
    opened.run(INSERT, ("waited",))
    timer.join()
    assert names(opened) == ["other", "waited"]
    other.close()
    opened.close()


def test_deleting_a_project_deletes_the_rows_that_refer_to_it(file: Path) -> None:
    opened = Database(file)
    opened.run(INSERT, ("a",))
    opened.run("INSERT INTO keys (project, name, hash, hint, role, created) VALUES (1, 'k', 'h', 'h', 'admin', '2026')")
    opened.run("DELETE FROM projects")
    assert opened.one("SELECT * FROM keys") is None
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        opened.run("INSERT INTO keys (project, name, hash, hint, role, created) VALUES (7, 'k', 'g', 'h', 'r', 'c')")
    opened.close()


def test_a_file_that_is_no_database_is_damaged(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database " * 100)
    with pytest.raises(ConfigurationError) as caught:
        Database(file)
    assert caught.value.what == f"{file} is damaged"
    assert caught.value.hint == (
        f"restore it from a backup, or move {file.parent} to another place and upload the samples again"
    )
    assert not is_outdated(file)


def test_a_folder_in_the_place_of_the_file_cannot_be_opened(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(ConfigurationError) as caught:
        Database(file)
    assert caught.value.what == f"{file} cannot be opened" and "write to" in caught.value.hint


def test_a_database_that_stays_locked_is_an_error_that_names_the_reason(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(file).close()
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 10)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ConfigurationError) as caught:
        Database(file)
    assert caught.value.why == "database is locked"
    other.close()


def test_a_newer_database_is_left_as_it_is(file: Path) -> None:
    Database(file).close()
    newer = len(MIGRATIONS) + 2
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    with pytest.raises(ConfigurationError) as caught:
        Database(file)
    assert caught.value.what == f"{file.parent} was written by a newer eitk"
    assert caught.value.why == (
        f"its database has version {newer}; this eitk supports versions up to {len(MIGRATIONS)}"
    )
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == newer
    connection.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_database_of_every_older_version_is_outdated_and_gets_the_schema_of_a_new_one(
    file: Path, tmp_path: Path, version: int
) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as connection:
        for migration in MIGRATIONS[:version]:
            connection.executescript(migration)
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    assert is_outdated(file)
    migrated, new = Database(file), Database(tmp_path / "new" / "studio.sqlite")
    schema = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"
    assert [row["name"] for row in migrated.all(schema)] == [row["name"] for row in new.all(schema)]
    columns = "SELECT name, type, \"notnull\", dflt_value FROM pragma_table_info('samples') ORDER BY name"
    assert [tuple(row) for row in migrated.all(columns)] == [tuple(row) for row in new.all(columns)]
    assert not is_outdated(file)
    migrated.close()
    new.close()


def test_a_migration_that_fails_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(file).close()
    added = "CREATE TABLE more (id INTEGER);\nCREATE TABLE projects (id INTEGER)"  # the second table exists
    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, added))
    assert is_outdated(file)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        Database(file)
    monkeypatch.undo()
    opened = Database(file)
    assert opened.one("SELECT 1 FROM sqlite_master WHERE name = 'more'") is None
    opened.close()


def test_opening_a_database_of_the_present_version_writes_nothing(file: Path) -> None:
    Database(file).close()
    content = file.read_bytes()
    opened = Database(file)
    wal = file.with_name("studio.sqlite-wal")
    assert file.read_bytes() == content and (not wal.exists() or not wal.stat().st_size)
    opened.close()


def test_a_file_that_does_not_exist_is_not_outdated(file: Path) -> None:
    file.parent.mkdir()
    assert not is_outdated(file)
