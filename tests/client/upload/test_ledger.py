from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ei_toolkit.client.upload.ledger import Entry, Ledger
from ei_toolkit.errors import DataError

ENTRY = Entry("01" * 32, "a.wav", "done", 7)


def test_recorded_entries_are_read_again(tmp_path: Path) -> None:
    for _ in range(2):
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            ledger.record([ENTRY])
            assert ledger.entries() == {ENTRY.sha256: ENTRY}


def test_a_damaged_ledger_may_be_deleted(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database " * 99)
    with pytest.raises(DataError, match="is damaged") as caught:
        Ledger(tmp_path / "ledger.sqlite")
    assert "Delete it" in caught.value.hint


def test_a_ledger_that_cannot_be_opened_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(DataError, match="cannot be read or written") as caught:
        Ledger(tmp_path / "ledger.sqlite")
    assert "Delete" not in caught.value.hint
    assert str(tmp_path) in caught.value.hint


def test_a_ledger_that_cannot_be_written_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path):
        pass
    with Ledger(path) as ledger:
        ledger._db.execute("PRAGMA query_only = ON")
        with pytest.raises(DataError, match="cannot be read or written") as caught:
            ledger.record([ENTRY])
    assert isinstance(caught.value.__context__, sqlite3.OperationalError)
    assert "Delete" not in caught.value.hint


def test_two_entries_of_one_window_are_one(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        failed = Entry(ENTRY.sha256, "a.wav", "failed", None, 'reason with "quotes" and größe')
        ledger.record([ENTRY, failed])
        assert ledger.entries() == {ENTRY.sha256: failed}


def test_a_transaction_that_fails_leaves_the_entries_before_it(tmp_path: Path) -> None:
    wrong = Entry("02" * 32, "b.wav", "sent", 8)  # type: ignore[arg-type]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record([ENTRY])
        with pytest.raises(DataError):
            ledger.record([Entry("03" * 32, "c.wav", "done", 9), wrong])
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.entries() == {ENTRY.sha256: ENTRY}
        ledger.record([Entry("03" * 32, "c.wav", "done", 9)])


def test_the_folder_of_a_ledger_is_made(tmp_path: Path) -> None:
    with Ledger(tmp_path / "new" / "folder" / "ledger.sqlite") as ledger:
        assert ledger.entries() == {}


def test_an_empty_record_is_possible(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.record([])
        assert ledger.entries() == {}
