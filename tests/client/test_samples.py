"""Samples of a studio: pages, counts, changes, deletion and download."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client import samples as samples_module
from ei_toolkit.client.jobs.job import cancel_job
from ei_toolkit.client.project import Studio
from ei_toolkit.client.samples import (
    Sample,
    add_metadata,
    count_samples,
    counts_by_label,
    delete_samples,
    edit_label,
    get_sample,
    list_samples,
    move_sample,
    pull_sample,
)
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

WAV = b"RIFF and the rest of a file"
SAMPLE = Sample(7, "rock.7", "training", "rock", 3000.0)


def entry(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": number, "filename": f"rock.{number}", "category": "training", "label": "rock", **changes}


def pages_of(entries: list[dict[str, Any]]) -> Any:
    """Answer as the API: a page from `offset`, and the number of all samples."""

    def answer(received: Any) -> dict[str, Any]:
        offset, limit = int(received.query["offset"]), int(received.query["limit"])
        return {"samples": entries[offset : offset + limit], "totalCount": len(entries)}

    return answer


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 1), (3, 1), (4, 2), (9, 3)])
def test_every_sample_is_listed_once_and_no_empty_page_is_requested(
    scripted_studio: Any, monkeypatch: pytest.MonkeyPatch, count: int, requests: int
) -> None:
    monkeypatch.setattr(samples_module, "PAGE", 3)
    scripted_studio.answers["/api/1/raw-data"] = pages_of([entry(number) for number in range(count)])
    assert [sample.id for sample in list_samples(scripted_studio.studio, "training")] == list(range(count))
    assert len(scripted_studio.seen) == requests
    assert scripted_studio.seen[0].query["sortBy"] == "id-asc"


def test_a_page_that_is_empty_although_more_are_promised_ends_the_list(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/raw-data"] = {"samples": [], "totalCount": 50}
    assert list(list_samples(scripted_studio.studio, "testing")) == []


def test_metadata_is_text_sorted_by_key(scripted_studio: Any) -> None:
    kept = {"start_ms": 1500, "artist": "Mötley", "used": True}
    scripted_studio.answers["/api/1/raw-data/3"] = {"sample": entry(3, metadata=kept, totalLengthMs=20)}
    found = get_sample(scripted_studio.studio, 3)
    assert found.metadata == (("artist", "Mötley"), ("start_ms", "1500"), ("used", "True"))
    assert found.length_ms == 20.0


def test_samples_are_counted_by_split_and_label(scripted_studio: Any) -> None:
    split = {"training": [entry(1), entry(2), entry(3, label="jazz")], "validation": [entry(6)],
             "testing": [entry(4), entry(5, label="")]}  # fmt: skip

    def answer(received: Any) -> dict[str, Any]:
        found = [one | {"category": received.query["category"]} for one in split[received.query["category"]]]
        return {"samples": found, "totalCount": len(found)}

    scripted_studio.answers["/api/1/raw-data"] = answer
    assert list(counts_by_label(scripted_studio.studio).items()) == [
        (("testing", ""), 1),
        (("testing", "rock"), 1),
        (("training", "jazz"), 1),
        (("training", "rock"), 2),
        (("validation", "rock"), 1),
    ]


def test_the_number_of_samples_is_requested_for_one_split(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/raw-data/count"] = {"count": 12}
    assert count_samples(scripted_studio.studio, "testing") == 12
    assert scripted_studio.seen[0].query == {"category": "testing"}


@pytest.mark.parametrize("label", ["hip hop/é", "музыка", 'a"b\\c', ""])
def test_a_label_is_sent_as_it_is(scripted_studio: Any, label: str) -> None:
    scripted_studio.answers["/api/1/raw-data/7/edit-label"] = {}
    edit_label(scripted_studio.studio, 7, label)
    assert scripted_studio.seen[0].json == {"label": label}


def test_a_sample_is_moved_to_another_split(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/raw-data/7/move"] = {}
    move_sample(scripted_studio.studio, 7, "testing")
    assert scripted_studio.seen[0].json == {"newCategory": "testing"}


def test_metadata_of_many_samples_is_one_request(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/raw-data/batch/add-metadata"] = {}
    add_metadata(scripted_studio.studio, "training", [3, 1, 2], "start_ms", "1500")
    (request,) = scripted_studio.seen
    assert json.loads(request.query["ids"]) == [3, 1, 2]
    assert request.query["category"] == "training"
    assert request.json == {"metadataKey": "start_ms", "metadataValue": "1500"}


def test_a_sample_that_is_gone_is_not_an_error_of_a_deletion(scripted_studio: Any) -> None:
    scripted_studio.answers["DELETE /api/1/raw-data/1"] = {}
    scripted_studio.answers["DELETE /api/1/raw-data/2"] = {"success": False, "error": "No such sample"}
    scripted_studio.answers["GET /api/1/raw-data/2"] = {"success": False, "error": "No such sample"}
    scripted_studio.answers["DELETE /api/1/raw-data/3"] = {}
    delete_samples(scripted_studio.studio, [1, 2, 3])
    assert [path.rpartition("/")[2] for path in scripted_studio.requests("DELETE")] == ["1", "2", "3"]


def test_a_sample_that_the_studio_does_not_delete_is_an_error(scripted_studio: Any) -> None:
    scripted_studio.answers["DELETE /api/1/raw-data/2"] = {"success": False, "error": "The sample is locked"}
    scripted_studio.answers["GET /api/1/raw-data/2"] = {"sample": entry(2)}
    with pytest.raises(ApiError, match="The sample is locked"):
        delete_samples(scripted_studio.studio, [2, 3])
    assert "DELETE /api/1/raw-data/3" not in scripted_studio.requests()


def test_a_sample_is_not_called_gone_when_the_key_was_rejected(scripted_studio: Any) -> None:
    scripted_studio.answers["DELETE /api/1/raw-data/2"] = {"success": False, "error": "oh"}
    scripted_studio.answers["GET /api/1/raw-data/2"] = (403, b"{}", {})
    with pytest.raises(CredentialError):
        delete_samples(scripted_studio.studio, [2])


def test_a_sample_is_not_called_gone_when_the_studio_cannot_be_reached(
    scripted_studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> Sample:
        raise NetworkError("no answer")

    monkeypatch.setattr(samples_module, "get_sample", unreachable)
    scripted_studio.answers["DELETE /api/1/raw-data/2"] = {"success": False, "error": "oh"}
    with pytest.raises(NetworkError):
        delete_samples(scripted_studio.studio, [2])


def test_a_sample_is_downloaded_once(scripted_studio: Any, tmp_path: Path) -> None:
    scripted_studio.answers["/api/1/raw-data/7/wav"] = (200, WAV, {"Content-Type": "audio/wav"})
    for _ in range(2):
        file = pull_sample(scripted_studio.studio, SAMPLE, tmp_path)
        assert file == tmp_path / "training" / "rock.7.7.wav"
        assert file.read_bytes() == WAV
    assert len(scripted_studio.seen) == 1


@pytest.mark.parametrize(
    ("name", "file"),
    [("../../evil", "_.._evil.7.wav"), ("a/b\\c:d", "a_b_c_d.7.wav"), ("größe", "größe.7.wav"), ("...", "7.7.wav"),
     ("", "7.7.wav"), ("a\x00b\n", "a_b_.7.wav")],
)  # fmt: skip
def test_the_name_of_a_sample_is_safe_as_a_file_name(
    scripted_studio: Any, tmp_path: Path, name: str, file: str
) -> None:
    scripted_studio.answers["/api/1/raw-data/7/wav"] = (200, WAV, {"Content-Type": "audio/wav"})
    pulled = pull_sample(scripted_studio.studio, Sample(7, name, "training", "", 0.0), tmp_path)
    assert pulled.relative_to(tmp_path) == Path("training", file)


def test_samples_of_the_same_name_become_two_files(scripted_studio: Any, tmp_path: Path) -> None:
    for number in (1, 2):
        scripted_studio.answers[f"/api/1/raw-data/{number}/wav"] = (200, WAV, {"Content-Type": "audio/wav"})
        pull_sample(scripted_studio.studio, Sample(number, "same", "training", "", 0.0), tmp_path)
    assert len(list(tmp_path.rglob("*.wav"))) == 2


def test_a_failed_download_leaves_no_file(scripted_studio: Any, tmp_path: Path) -> None:
    scripted_studio.answers["/api/1/raw-data/7/wav"] = {"success": False, "error": "No such sample"}
    with pytest.raises(ApiError, match="No such sample"):
        pull_sample(scripted_studio.studio, SAMPLE, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


CHANGES: dict[str, Callable[[Studio], object]] = {
    "POST /api/1/raw-data/7/edit-label": lambda studio: edit_label(studio, 7, "jazz"),
    "POST /api/1/raw-data/7/move": lambda studio: move_sample(studio, 7, "testing"),
    "POST /api/1/raw-data/batch/add-metadata": lambda studio: add_metadata(studio, "training", [7], "a", "b"),
    "POST /api/1/jobs/7/cancel": lambda studio: cancel_job(studio, 7),
    "DELETE /api/1/raw-data/7": lambda studio: delete_samples(studio, [7]),
}
"""Requests that have the same effect when they are sent twice."""


@pytest.mark.parametrize("request_line", CHANGES)
def test_a_change_that_can_be_sent_twice_is_repeated_after_an_error(
    scripted_studio: Any, monkeypatch: pytest.MonkeyPatch, request_line: str
) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    broken = (500, b'{"success":false,"error":"database is locked"}', {})
    scripted_studio.answers[request_line] = [broken, broken, {}]
    CHANGES[request_line](scripted_studio.studio)
    assert scripted_studio.requests() == [request_line] * 3
