"""One upload request: what is sent, and what each response means for each of its files."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.client.upload import ingestion as ingestion_module
from ei_toolkit.client.upload.ingestion import (
    Accepted,
    BatchKey,
    Ingestion,
    Item,
    Outcomes,
    Rejected,
    RetryableError,
    _FileResult,
    match,
    network_error_of,
)
from ei_toolkit.client.upload.plan import item_of
from ei_toolkit.dataset import window_store
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.dataset.window_store import WindowReader
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

BATCH = BatchKey("training", "rock", (("artist", "x"), ("clip", "rock/a.wav")))
PATH = "POST /api/training/files"


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """Three files as the manifest has them."""
    found = []
    for number in range(3):
        content = b"RIFF" + bytes([number]) * 40
        file = tmp_path / f"{number}.wav"
        file.write_bytes(content)
        window = Window(file.name, hashlib.sha256(content).hexdigest(), "a.wav", "", "x", 0, "rock", "training")
        found.append(item_of(window, WindowReader(tmp_path)))
    return found


def send(script: Any, items: list[Item], batch: BatchKey = BATCH) -> Outcomes | RetryableError:
    return Ingestion(script.studio.transport.endpoint, 1).send(batch, items)


def accepted(*names: str) -> dict[str, Any]:
    return {"files": [{"success": True, "fileName": name, "sampleId": 10 + i} for i, name in enumerate(names)]}


def test_each_file_has_its_outcome_in_the_order_of_the_request(scripted_studio: Any, items: list[Item]) -> None:
    answer = accepted("2.wav", "0.wav")
    answer["files"].append({"success": False, "fileName": "1.wav", "error": "The file is no WAV file"})
    scripted_studio.answers[PATH] = answer
    assert send(scripted_studio, items) == Outcomes(
        (Accepted(11, False), Rejected("The file is no WAV file"), Accepted(10, False))
    )


def test_the_headers_state_what_all_files_share(scripted_studio: Any, items: list[Item]) -> None:
    scripted_studio.answers[PATH] = accepted("0.wav")
    send(scripted_studio, items[:1])
    headers = scripted_studio.seen[0].headers
    assert headers["x-api-key"] == scripted_studio.studio.transport.endpoint.key
    assert json.loads(headers["x-metadata"]) == {"artist": "x", "clip": "rock/a.wav"}
    assert (headers["x-label"], headers["x-disallow-duplicates"]) == ("rock", "1")
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert int(headers["Content-Length"]) == len(scripted_studio.seen[0].body)


@pytest.mark.parametrize(
    ("label", "encoded"),
    [("hip hop/é", "hip%20hop%2F%C3%A9"), ("a&b=c", "a%26b%3Dc"), ("50 %", "50%20%25"), ("🎸", "%F0%9F%8E%B8"),
     ("it's (live)!*~", "it's%20(live)!*~")],
)  # fmt: skip
def test_a_label_in_any_script_is_encoded_as_by_encodeuricomponent(
    scripted_studio: Any, items: list[Item], label: str, encoded: str
) -> None:
    scripted_studio.answers[PATH] = accepted("0.wav")
    send(scripted_studio, items[:1], replace(BATCH, label=label))
    assert scripted_studio.seen[0].headers["x-label"] == encoded


def test_metadata_in_any_script_is_json_in_ascii(scripted_studio: Any, items: list[Item]) -> None:
    scripted_studio.answers[PATH] = accepted("0.wav")
    send(scripted_studio, items[:1], replace(BATCH, metadata=(("artist", "Björk 🎸"),)))
    sent = scripted_studio.seen[0].headers["x-metadata"]
    assert sent.isascii()
    assert json.loads(sent) == {"artist": "Björk 🎸"}


def test_a_file_without_a_label_is_marked_as_such(scripted_studio: Any, items: list[Item]) -> None:
    scripted_studio.answers[PATH] = accepted("0.wav")
    send(scripted_studio, items[:1], replace(BATCH, label=""))
    assert scripted_studio.seen[0].headers["x-no-label"] == "1"
    assert "x-label" not in scripted_studio.seen[0].headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [(413, "too_large"), (400, "rejected"), (415, "rejected"), (422, "rejected"), (408, "throttled"),
     (429, "throttled"), (500, "throttled"), (503, "throttled")],
)  # fmt: skip
def test_the_kind_of_a_failed_request_follows_from_its_status(
    scripted_studio: Any, items: list[Item], status: int, kind: str
) -> None:
    scripted_studio.answers[PATH] = (status, b'{"success":false,"error":"made up"}', {})
    assert send(scripted_studio, items) == RetryableError(kind, "made up", 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(413, "the studio accepts no request of this size"),
     (503, "the studio answered HTTP 503 (requested /api/…/files)"),
     (400, "the studio answered HTTP 400 (requested /api/…/files with 3 files)")],
)  # fmt: skip
def test_a_failed_request_without_a_message_has_a_reason(
    scripted_studio: Any, items: list[Item], status: int, reason: str
) -> None:
    scripted_studio.answers[PATH] = (status, b"{}", {})
    found = send(scripted_studio, items)
    assert isinstance(found, RetryableError)
    assert found.reason == reason


@pytest.mark.parametrize(("value", "pause"), [("3", 3.0), ("-1", 0.0), ("soon", 0.0), ("100000", 120.0)])
def test_a_throttled_request_waits_as_long_as_the_studio_asks_for(
    scripted_studio: Any, items: list[Item], value: str, pause: float
) -> None:
    scripted_studio.answers[PATH] = (429, b"{}", {"Retry-After": value})
    found = send(scripted_studio, items)
    assert isinstance(found, RetryableError)
    assert found.pause == pause


def test_a_used_up_rate_limit_delays_the_next_request(scripted_studio: Any, items: list[Item]) -> None:
    body = json.dumps({"success": True, **accepted("0.wav")}).encode()
    scripted_studio.answers[PATH] = (200, body, {"RateLimit-Remaining": "0", "RateLimit-Reset": "6"})
    assert send(scripted_studio, items[:1]) == Outcomes((Accepted(10, False),), 6.0)


@pytest.mark.parametrize("body", [b"", b'{"success":true,"files":[{"succ', b'{"files": 3}'])
def test_an_answer_that_was_cut_off_is_sent_again(scripted_studio: Any, items: list[Item], body: bytes) -> None:
    scripted_studio.answers[PATH] = (200, body, {})
    assert send(scripted_studio, items) == RetryableError("protocol", "the response was cut off")


@pytest.mark.parametrize(
    ("body", "described"),
    [(b"<title> Sign\n in </title>", 'an HTML page with the title "Sign in"'), (b"[]", 'the text "[]"')],
)
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_is_not_of_a_studio_ends_the_upload(
    scripted_studio: Any, items: list[Item], status: int, body: bytes, described: str
) -> None:
    scripted_studio.answers[PATH] = (status, body, {})
    with pytest.raises(ApiError, match="answered by something that is not the studio") as caught:
        send(scripted_studio, items)
    assert caught.value.what.endswith(described)


def test_an_answer_with_too_few_files_is_not_believed(scripted_studio: Any, items: list[Item]) -> None:
    scripted_studio.answers[PATH] = accepted("0.wav", "1.wav")
    assert send(scripted_studio, items) == RetryableError("protocol", "the response has 2 of 3 files")


def test_a_closed_connection_is_an_error_of_the_protocol(scripted_studio: Any, items: list[Item]) -> None:
    def cut(_: Any) -> Any:
        raise ConnectionAbortedError

    scripted_studio.answers[PATH] = cut
    found = send(scripted_studio, items)
    assert isinstance(found, RetryableError)
    assert found.kind == "protocol"
    assert "no answer from" in found.reason


def test_an_address_without_a_server_is_unreachable(scripted_studio: Any, items: list[Item]) -> None:
    endpoint = replace(scripted_studio.studio.transport.endpoint, ingestion_url="http://127.0.0.1:9")
    found = Ingestion(endpoint, 1).send(BATCH, items)
    assert isinstance(found, RetryableError)
    assert found.kind == "unreachable"
    assert "http://127.0.0.1:9" in found.reason


def test_a_slow_answer_may_be_due_to_the_size_of_the_request(
    scripted_studio: Any, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingestion_module, "READ_TIMEOUT_S", 0.05)
    scripted_studio.answers[PATH] = lambda _: time.sleep(0.3) or accepted("0.wav")
    found = send(scripted_studio, items[:1])
    assert isinstance(found, RetryableError)
    assert found.kind == "too_large"


@pytest.mark.parametrize(
    "answer", [(401, b"{}", {}), (403, b"{}", {}), (200, b'{"success":false,"error":"Invalid API key"}', {})]
)
def test_a_rejected_key_ends_the_upload(scripted_studio: Any, items: list[Item], answer: Any) -> None:
    scripted_studio.answers[PATH] = answer
    with pytest.raises(CredentialError):
        send(scripted_studio, items)


def test_a_redirect_ends_the_upload(scripted_studio: Any, items: list[Item]) -> None:
    scripted_studio.answers[PATH] = (301, b"", {"Location": "http://127.0.0.1:9/"})
    with pytest.raises(ApiError, match="redirects elsewhere"):
        send(scripted_studio, items)


def test_the_key_is_masked_in_a_reason(scripted_studio: Any, items: list[Item]) -> None:
    key = scripted_studio.studio.transport.endpoint.key
    scripted_studio.answers[PATH] = {
        "files": [{"success": False, "fileName": "0.wav", "error": f"{key} is at its limit"}]
    }
    found = send(scripted_studio, items[:1])
    assert found == Outcomes((Rejected("ei_*** is at its limit"),))


def test_files_that_cannot_be_sent_keep_their_place(scripted_studio: Any, items: list[Item], tmp_path: Path) -> None:
    (tmp_path / "0.wav").write_bytes(b"changed after slicing")
    (tmp_path / "2.wav").unlink()
    scripted_studio.answers[PATH] = accepted("1.wav")
    found = send(scripted_studio, items)
    assert found == Outcomes(
        (
            Rejected("the file has another hash than in the manifest; run eitk slice again"),
            Accepted(10, False),
            Rejected("the window 2.wav cannot be read (no such file or directory)"),
        )
    )
    assert b"changed after slicing" not in scripted_studio.seen[0].body


def test_no_request_is_sent_for_files_that_cannot_be_sent(
    scripted_studio: Any, items: list[Item], tmp_path: Path
) -> None:
    for item in items:
        (tmp_path / item.name).unlink()
    found = send(scripted_studio, items)
    assert isinstance(found, Outcomes)
    assert len(found.outcomes) == 3
    assert scripted_studio.seen == []


def test_a_file_that_is_too_large_is_not_read(
    scripted_studio: Any, items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_store, "LARGEST_FILE_BYTES", 10)
    assert send(scripted_studio, items[:1]) == Outcomes((Rejected("the file 0.wav is larger than 0 MiB"),))


RESULTS = st.lists(st.tuples(st.text(max_size=5), st.booleans()), max_size=6, unique_by=lambda pair: pair[0])


@given(RESULTS, st.randoms(use_true_random=False))
def test_outcomes_do_not_depend_on_the_order_of_the_answer(results: list[tuple[str, bool]], chance: Any) -> None:
    files = [_FileResult(success=ok, file_name=name, sample_id=7, error="bad") for name, ok in results]
    shuffled = chance.sample(files, len(files))
    found = match(shuffled, [name for name, _ in results])
    assert [isinstance(outcome, Accepted) for outcome in found] == [ok for _, ok in results]


def test_a_file_without_a_reason_is_rejected_with_one() -> None:
    assert match([_FileResult()], ["a"]) == (Rejected("the studio gave no reason"),)


def test_the_error_of_an_upload_without_success_states_that_samples_are_kept() -> None:
    error = network_error_of(RetryableError("throttled", "the studio answered HTTP 503"))
    assert isinstance(error, NetworkError)
    assert str(error) == "the upload service does not answer (the studio answered HTTP 503)"
    assert error.hint.startswith("Samples that have arrived are kept.")


def test_an_answer_that_is_nested_too_deeply_is_not_read(scripted_studio: Any, items: list[Item]) -> None:
    body = b'{"success": true, "files": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    scripted_studio.answers[PATH] = (200, body, {})
    assert send(scripted_studio, items) == RetryableError("protocol", "the response was cut off")
