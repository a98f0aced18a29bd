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
    with pytest.raises(DataError, match="cannot be written") as caught:
        Ledger(tmp_path / "ledger.sqlite")
    assert "Delete" not in caught.value.hint
    assert str(tmp_path) in caught.value.hint


def test_a_ledger_that_cannot_be_written_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger(path):
        pass
    with Ledger(path) as ledger:
        ledger._db.execute("PRAGMA query_only = ON")
        with pytest.raises(DataError, match="cannot be written") as caught:
            ledger.record([ENTRY])
    assert isinstance(caught.value.__context__, sqlite3.OperationalError)
    assert "Delete" not in caught.value.hint
