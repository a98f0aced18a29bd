from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.client.upload.ingestion import BatchKey, Rejected, Stored, match
from ei_toolkit.client.upload.ledger import Entry, Ledger, ledger_path
from ei_toolkit.client.upload.run import MOST_BYTES, MOST_TRIES, BatchSizeController, Task, TaskQueue
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.errors import DataError

SHELF = BatchKey("training", "rock", ())


def windows(count: int) -> list[Window]:
    return [Window(f"{n}.wav", f"{n:064}", "c", "", "a", 0, "rock", "training") for n in range(count)]


def test_windows_leave_in_order_in_requests_of_the_size_that_the_server_takes() -> None:
    sizer = BatchSizeController(1000)
    queue = TaskQueue([(SHELF, windows(50))], 100, sizer)
    first = queue.take(0.0)
    sizer.shrink(32)
    second, third = queue.take(0.0), queue.take(0.0)
    assert [len(task.windows) for task in (first, second, third) if task] == [32, 16, 2]
    assert first is not None
    assert [w.file for w in first.windows[:3]] == ["0.wav", "1.wav", "2.wav"]
    assert not queue


def test_a_request_never_carries_more_bytes_than_memory_should_hold() -> None:
    task = TaskQueue([(SHELF, windows(50))], MOST_BYTES // 3, BatchSizeController(1000)).take(0.0)
    assert task is not None
    assert len(task.windows) == 3


def test_quick_requests_grow_and_slow_ones_shrink() -> None:
    sizer = BatchSizeController(100)
    sizer.took(32, 0.1)
    assert sizer.size == 64
    sizer.took(64, 0.1)
    assert sizer.size == 100
    sizer.took(100, 5.0)
    assert sizer.size == 50


def test_what_failed_waits_for_its_time_and_a_hold_stops_everything() -> None:
    queue = TaskQueue([], 1, BatchSizeController(10))
    queue.put(Task(SHELF, tuple(windows(2))), 5.0)
    assert queue.take(4.0) is None
    assert queue.wait(4.0) == 1.0
    queue.hold(9.0)
    assert queue.take(6.0) is None
    assert queue.wait(6.0) == 3.0
    assert queue.take(9.0) is not None


def test_halves_hold_all_windows_and_keep_some_tries() -> None:
    left, right = Task(SHELF, tuple(windows(5)), MOST_TRIES).halves()
    assert left.windows + right.windows == tuple(windows(5))
    assert left.tries == right.tries < MOST_TRIES


def test_outcomes_are_matched_by_name_else_by_order() -> None:
    a, b = {"success": True, "sampleId": 1, "fileName": "a"}, {"success": False, "error": "bad", "fileName": "b"}
    assert match([b, a], ["a", "b"]) == (Stored(1, False), Rejected("bad"))
    assert match([{"success": True, "sampleId": 7}], ["a"]) == (Stored(7, False),)
    assert match([a], ["a", "b"]) == ()


@pytest.mark.parametrize(
    ("error", "sample"),
    [("An item with this hash already exists (ids: 3)", 3), ("An item with this hash already exists (ids: 4, 9)", 4),
     ("An item with this hash already exists", None)],
)  # fmt: skip
def test_a_duplicate_counts_as_stored(error: str, sample: int | None) -> None:
    assert match([{"success": False, "error": error}], ["a"]) == (Stored(sample, True),)


def test_the_ledger_keeps_the_last_word(tmp_path: Path) -> None:
    path = ledger_path(tmp_path / "manifest.csv", "studio.edgeimpulse.com", 12)
    assert path.name == "uploads.studio-edgeimpulse-com.12.sqlite"
    with Ledger(path) as ledger:
        ledger.record([Entry("a", "a.wav", "failed", None, "bad"), Entry("b", "b.wav", "done", 2)])
        ledger.record([Entry("a", "a.wav", "done", 1)])
    with Ledger(path) as ledger:
        assert ledger.entries() == {"a": Entry("a", "a.wav", "done", 1), "b": Entry("b", "b.wav", "done", 2)}


def test_a_damaged_ledger_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 50)
    with pytest.raises(DataError, match="damaged"):
        Ledger(tmp_path / "x.sqlite")
