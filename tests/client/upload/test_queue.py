from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.client.upload.ingestion import Accepted, BatchKey, Rejected, _FileResult, match
from ei_toolkit.client.upload.ledger import Entry, Ledger, ledger_path
from ei_toolkit.client.upload.run import MAX_BYTES, MAX_TRIES, BatchSizeController, Task, TaskQueue
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.errors import DataError

BATCH = BatchKey("training", "rock", ())


def windows(count: int) -> list[Window]:
    return [Window(f"{n}.wav", f"{n:064}", "c", "", "a", 0, "rock", "training") for n in range(count)]


def test_windows_are_sent_in_order_in_batches_of_the_present_size() -> None:
    batch_size = BatchSizeController(1000)
    queue = TaskQueue([(BATCH, windows(50))], 100, batch_size)
    first = queue.take(0.0)
    batch_size.shrink(32)
    second, third = queue.take(0.0), queue.take(0.0)
    assert [len(task.windows) for task in (first, second, third) if task] == [32, 16, 2]
    assert first is not None
    assert [w.file for w in first.windows[:3]] == ["0.wav", "1.wav", "2.wav"]
    assert not queue


def test_the_bytes_of_a_request_are_limited() -> None:
    task = TaskQueue([(BATCH, windows(50))], MAX_BYTES // 3, BatchSizeController(1000)).take(0.0)
    assert task is not None
    assert len(task.windows) == 3


def test_batches_grow_after_fast_requests_and_shrink_after_slow_ones() -> None:
    batch_size = BatchSizeController(100)
    batch_size.adjust(32, 0.1)
    assert batch_size.size == 64
    batch_size.adjust(64, 0.1)
    assert batch_size.size == 100
    batch_size.adjust(100, 5.0)
    assert batch_size.size == 50


def test_a_repeated_task_has_an_earliest_time_and_a_pause_delays_all_tasks() -> None:
    queue = TaskQueue([], 1, BatchSizeController(10))
    queue.put(Task(BATCH, tuple(windows(2))), 5.0)
    assert queue.take(4.0) is None
    assert queue.wait(4.0) == 1.0
    queue.pause(9.0)
    assert queue.take(6.0) is None
    assert queue.wait(6.0) == 3.0
    assert queue.take(9.0) is not None


def test_halves_have_all_windows_and_some_tries_left() -> None:
    left, right = Task(BATCH, tuple(windows(5)), MAX_TRIES).halves()
    assert left.windows + right.windows == tuple(windows(5))
    assert left.tries == right.tries < MAX_TRIES


def test_outcomes_are_matched_by_name_else_by_order() -> None:
    a = _FileResult(success=True, sample_id=1, file_name="a")
    b = _FileResult(error="bad", file_name="b")
    assert match([b, a], ["a", "b"]) == (Accepted(1, False), Rejected("bad"))
    assert match([_FileResult(success=True, sample_id=7)], ["a"]) == (Accepted(7, False),)
    assert match([a], ["a", "b"]) == ()


@pytest.mark.parametrize(
    ("error", "sample"),
    [("An item with this hash already exists (ids: 3)", 3), ("An item with this hash already exists (ids: 4, 9)", 4),
     ("An item with this hash already exists", None)],
)  # fmt: skip
def test_a_duplicate_counts_as_accepted(error: str, sample: int | None) -> None:
    assert match([_FileResult(error=error)], ["a"]) == (Accepted(sample, True),)


def test_the_ledger_keeps_the_last_entry_of_a_window(tmp_path: Path) -> None:
    path = ledger_path(tmp_path / "manifest.csv", "studio.edgeimpulse.com", 12)
    assert path.name == "uploads.studio-edgeimpulse-com.12.sqlite"
    with Ledger(path) as ledger:
        ledger.record([Entry("a", "a.wav", "failed", None, "bad"), Entry("b", "b.wav", "done", 2)])
        ledger.record([Entry("a", "a.wav", "done", 1)])
    with Ledger(path) as ledger:
        assert ledger.entries() == {"a": Entry("a", "a.wav", "done", 1), "b": Entry("b", "b.wav", "done", 2)}


def test_a_damaged_ledger_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"not a database, but long enough to be read" * 50)
    with pytest.raises(DataError, match="damaged"):
        Ledger(tmp_path / "x.sqlite")
