"""A whole upload against a scripted studio: what is repeated, what is divided, and what is reported."""

from __future__ import annotations

import csv
import hashlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.client.retries import RetryBudget
from ei_toolkit.client.samples import Sample
from ei_toolkit.client.upload import run as run_module
from ei_toolkit.client.upload.ingestion import BatchKey
from ei_toolkit.client.upload.ledger import Ledger
from ei_toolkit.client.upload.plan import difference
from ei_toolkit.client.upload.run import (
    MAX_TRIES,
    BatchSizeController,
    Failure,
    Options,
    Report,
    Task,
    TaskQueue,
    check_complete,
    upload,
    write_failures,
)
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.window_store import WindowReader
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

PATH = "POST /api/training/files"
FILE_NAME = re.compile(rb'filename="([^"]+)"')


def names_in(received: Any) -> list[str]:
    return [name.decode() for name in FILE_NAME.findall(received.body)]


def accept(received: Any) -> dict[str, Any]:
    return {"files": [{"success": True, "fileName": name, "sampleId": i} for i, name in enumerate(names_in(received))]}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Eight windows of one clip."""
    windows = []
    for number in range(8):
        content = bytes([number]) * 100
        (tmp_path / f"{number}.wav").write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        windows.append(Window(f"{number}.wav", digest, "rock/a.wav", "c" * 64, "x", number, "rock", "training"))
    return Manifest(tuple(windows))


@pytest.fixture
def send(
    scripted_studio: Any, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Report]:
    """Uploads the manifest without pauses, one request at a time."""
    monkeypatch.setattr(run_module, "backoff", lambda _tries: 0.0)

    def start(samples: tuple[Sample, ...] = (), batch: int = 8) -> Report:
        with Ledger(tmp_path / "ledger.sqlite") as ledger:
            plan = difference(manifest, samples)
            reader = WindowReader(tmp_path)
            return upload(scripted_studio.studio, plan, reader, ledger, Options(1, batch), lambda _done, _note: None)

    return start


def requested(script: Any) -> list[list[int]]:
    """The numbers of the files in each request."""
    return [
        [int(name.partition(".")[0]) for name in names_in(one)] for one in script.seen if one.path.endswith("files")
    ]


def test_a_request_that_is_rejected_is_divided_until_only_the_bad_file_is_left(scripted_studio: Any, send: Any) -> None:
    def answer(received: Any) -> Any:
        if "5.wav" in names_in(received):
            return (400, b'{"success":false,"error":"5.wav is no WAV file"}', {})
        return accept(received)

    scripted_studio.answers[PATH] = answer
    report = send()
    assert report.failures == [Failure("5.wav", "5.wav is no WAV file")]
    assert (report.done, report.sent) == (7, 7)
    assert [5] in requested(scripted_studio)
    assert report.requests == len(requested(scripted_studio)) == 7


def test_a_request_that_is_too_large_is_sent_again_in_halves(scripted_studio: Any, send: Any) -> None:
    def answer(received: Any) -> Any:
        return (413, b"{}", {}) if len(names_in(received)) > 2 else accept(received)

    scripted_studio.answers[PATH] = answer
    report = send(batch=4)
    assert (report.done, report.failures) == (8, [])
    taken = [numbers for numbers in requested(scripted_studio) if len(numbers) <= 2]
    assert sorted(number for numbers in taken for number in numbers) == list(range(8))
    assert requested(scripted_studio)[:3] == [[0, 1, 2, 3], [0, 1], [2, 3]]


def test_a_single_file_that_is_always_too_large_is_rejected_after_the_last_try(scripted_studio: Any, send: Any) -> None:
    scripted_studio.answers[PATH] = lambda got: (413, b"{}", {}) if "3.wav" in names_in(got) else accept(got)
    report = send()
    assert report.failures == [Failure("3.wav", "the studio accepts no request of this size")]
    assert 3 <= requested(scripted_studio).count([3]) <= MAX_TRIES


def test_a_cut_off_answer_is_repeated_and_the_files_are_then_duplicates(scripted_studio: Any, send: Any) -> None:
    duplicates = [
        {"success": False, "fileName": f"{n}.wav", "error": "An item with this hash already exists"} for n in range(8)
    ]
    scripted_studio.answers[PATH] = [(200, b'{"success":tr', {}), {"files": duplicates}]
    report = send()
    assert (report.done, report.sent, report.duplicates, report.failures) == (8, 0, 8, [])


def test_a_studio_that_answers_with_errors_only_ends_the_upload(
    scripted_studio: Any, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "ERROR_TIMEOUT_S", 0.05)
    scripted_studio.answers[PATH] = (500, b'{"success":false,"error":"out of order"}', {})
    with pytest.raises(NetworkError, match="the upload service does not answer") as caught:
        send()
    assert caught.value.why == "out of order"


def test_failures_one_after_another_delay_all_requests(
    scripted_studio: Any, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[Any] = []
    pauses: list[int] = []
    pause = run_module.TaskQueue.pause

    def recorded(queue: run_module.TaskQueue, until: float) -> None:
        if until > time.monotonic():
            pauses.append(len(requests))
        pause(queue, until)

    def answer(received: Any) -> Any:
        requests.append(received)
        return (500, b"{}", {}) if len(requests) <= 3 else accept(received)

    monkeypatch.setattr(run_module.TaskQueue, "pause", recorded)
    monkeypatch.setattr(run_module, "backoff", lambda _tries: 0.3)
    scripted_studio.answers[PATH] = answer
    assert send(batch=1).done == 8
    assert pauses == [2, 3]  # not after a single failure


def test_a_full_disk_of_the_studio_ends_the_upload_at_once(scripted_studio: Any, send: Any) -> None:
    scripted_studio.answers[PATH] = (507, b'{"success":false,"error":"The disk is full"}', {})
    with pytest.raises(ApiError, match="The disk is full") as caught:
        send()
    assert "Free space" in caught.value.hint
    assert len(requested(scripted_studio)) == 1


def test_an_upload_ends_when_the_retry_budget_of_its_command_is_used_up(scripted_studio: Any, send: Any) -> None:
    scripted_studio.studio.transport.retry_budget = RetryBudget(5)
    scripted_studio.answers[PATH] = (500, b'{"success":false,"error":"out of order"}', {})
    with pytest.raises(NetworkError, match="the upload service does not answer"):
        send()
    assert len(requested(scripted_studio)) == 5


def test_what_has_arrived_before_an_error_is_in_the_ledger(scripted_studio: Any, send: Any, tmp_path: Path) -> None:
    scripted_studio.answers[PATH] = lambda got: accept(got) if "0.wav" in names_in(got) else (403, b"{}", {})
    with pytest.raises(CredentialError):
        send(batch=3)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert sorted(entry.file for entry in ledger.entries().values()) == ["0.wav", "1.wav", "2.wav"]


def test_a_pause_that_the_studio_asks_for_delays_all_requests(scripted_studio: Any, send: Any, tmp_path: Path) -> None:
    times: list[float] = []

    def answer(received: Any) -> Any:
        times.append(time.monotonic())
        return (429, b"{}", {"Retry-After": "0.3"}) if len(times) == 1 else accept(received)

    scripted_studio.answers[PATH] = answer
    report = send(batch=2)
    assert (report.done, len(times)) == (8, 5)
    assert times[1] - times[0] >= 0.3  # the second request is for other windows


def sample(number: int, category: str = "training", label: str = "rock") -> Sample:
    return Sample(number, str(number), category, label, 20.0)


def test_only_missing_windows_are_sent(scripted_studio: Any, send: Any) -> None:
    scripted_studio.answers[PATH] = accept
    report = send(tuple(sample(number) for number in range(6)))
    assert requested(scripted_studio) == [[6, 7]]
    assert (report.windows, report.done, report.sent) == (8, 8, 2)


def test_nothing_is_sent_when_the_studio_has_all(scripted_studio: Any, send: Any) -> None:
    report = send(tuple(sample(number) for number in range(8)))
    assert scripted_studio.seen == []
    assert report.sentence().startswith("8 of 8 windows are in the studio; 0 sent now (0 requests")


def test_a_sample_in_another_split_is_moved_and_one_with_another_label_relabelled(
    scripted_studio: Any, send: Any
) -> None:
    scripted_studio.answers[PATH] = accept
    scripted_studio.answers |= {"POST /api/1/raw-data/0/move": {}, "POST /api/1/raw-data/1/edit-label": {}}
    report = send((sample(0, "testing"), sample(1, label="jazz"), *(sample(number) for number in range(2, 8))))
    assert report.moved == 2
    assert scripted_studio.requests() == ["POST /api/1/raw-data/0/move", "POST /api/1/raw-data/1/edit-label"]
    assert [one.json for one in scripted_studio.seen] == [{"newCategory": "training"}, {"label": "rock"}]


def test_a_duplicate_under_another_name_is_put_in_its_place(scripted_studio: Any, send: Any) -> None:
    error = "An item with this hash already exists (ids: 90)"
    there = {"id": 90, "filename": "other", "category": "testing", "label": "rock"}
    scripted_studio.answers |= {
        PATH: {"files": [{"success": False, "fileName": "7.wav", "error": error}]},
        "/api/1/raw-data/90": {"sample": there},
        "POST /api/1/raw-data/90/move": {},
    }
    report = send(tuple(sample(number) for number in range(7)))
    assert (report.done, report.sent, report.duplicates, report.moved) == (8, 0, 1, 1)


def test_a_key_that_may_only_upload_leaves_duplicates_where_they_are(scripted_studio: Any, send: Any) -> None:
    error = "An item with this hash already exists (ids: 90)"
    scripted_studio.answers |= {
        PATH: {"files": [{"success": False, "fileName": "7.wav", "error": error}]},
        "/api/1/raw-data/90": (403, b"{}", {}),
    }
    report = send(tuple(sample(number) for number in range(7)))
    assert (report.done, report.duplicates, report.moved) == (8, 1, 0)


def test_a_report_names_what_was_done() -> None:
    report = Report(100, done=98, sent=60, duplicates=3, moved=2, removed=1, requests=7, seconds=2.0)
    assert report.sentence() == (
        "98 of 100 windows are in the studio; 60 sent now; 3 were there before; 2 moved or relabelled; "
        "1 removed whose clips are in another split (7 requests, 2.0 s, 30/s)"
    )


def test_an_instant_upload_states_no_rate() -> None:
    assert Report(1, done=1, sent=1, requests=1).sentence() == (
        "1 of 1 windows are in the studio; 1 sent now (1 requests, 0.0 s)"
    )


def test_an_incomplete_upload_is_an_error_with_the_first_reason() -> None:
    check_complete(Report(2, done=2))
    with pytest.raises(ApiError, match="2 of 5 windows are not in the studio") as caught:
        check_complete(Report(5, failures=[Failure("a.wav", "no WAV file"), Failure("b.wav", "too large")]))
    assert caught.value.why == "no WAV file"


def test_failures_are_written_as_csv_that_any_reader_understands(tmp_path: Path) -> None:
    failures = [Failure("größe, 1.wav", 'the studio answered "no"'), Failure("b.wav", "two\nlines")]
    write_failures(tmp_path / "failures.csv", failures)
    with (tmp_path / "failures.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [["file", "reason"], *([one.file, one.reason] for one in failures)]


@given(st.integers(1, 2000), st.lists(st.tuples(st.integers(1, 500), st.floats(0, 10)), max_size=40))
def test_the_size_of_a_batch_stays_within_its_limits(most: int, requests: list[tuple[int, float]]) -> None:
    controller = BatchSizeController(most)
    for files, seconds in requests:
        controller.adjust(files, seconds)
        assert 1 <= controller.size <= min(most, run_module.MAX_FILES)


def test_a_fast_request_that_was_not_full_does_not_enlarge_the_batch() -> None:
    controller = BatchSizeController(100)
    controller.adjust(controller.size - 1, 0.01)
    assert controller.size == run_module.START_FILES


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 60), st.integers(0, 2**26))
def test_every_window_is_taken_once_and_in_order(counts: list[int], most: int, file_bytes: int) -> None:
    batches = [
        (BatchKey("training", str(index), ()), [_window(f"{index}.{n}") for n in range(count)])
        for index, count in enumerate(counts)
    ]
    expected = [window.file for _, windows in batches for window in windows]
    queue = TaskQueue(batches, file_bytes, BatchSizeController(most))
    taken: list[Task] = []
    while task := queue.take(0.0):
        taken.append(task)
    assert [window.file for task in taken for window in task.windows] == expected
    assert all(len({window.file.partition(".")[0] for window in task.windows}) == 1 for task in taken)
    assert queue.wait(0.0) is None


def _window(file: str) -> Window:
    return Window(file, "0" * 64, "c", "", "a", 0, "rock", "training")


@given(st.integers(2, 300), st.integers(0, MAX_TRIES))
def test_halves_lose_no_window_and_are_never_empty(count: int, tries: int) -> None:
    task = Task(BatchKey("training", "", ()), tuple(_window(str(n)) for n in range(count)), tries)
    left, right = task.halves()
    assert left.windows + right.windows == task.windows
    assert left.windows and right.windows
    assert abs(len(left.windows) - len(right.windows)) <= 1
