"""Pin a deployment: the build, the model and the lock change together, or not at all."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client.deployments import BuildSpec, Download, download, download_model, pin, tflite_link
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import Lock, read_lock
from ei_toolkit.dataset.provenance import PROVENANCE_NAME
from ei_toolkit.errors import ApiError

MODEL = b"\x1c\x00\x00\x00TFL3 weights"
SPEC = BuildSpec("arduino", "tflite-eon", "int8")
ENTRY = {"deploymentVersion": 4, "deploymentFormat": "arduino", "engine": "tflite-eon", "modelType": "int8",
         "impulseId": 2, "created": "2026-11-21T10:00:00Z"}  # fmt: skip
ZIP_HEADERS = {"Content-Type": "application/zip", "Content-Disposition": 'attachment; filename="ei-genres-4.zip"'}
DOWNLOADS = [
    {"name": "Trained model", "type": "TensorFlow Lite (float32)", "link": "/v1/api/1/learn-data/3/model/float"},
    {"name": "Trained model", "type": "TensorFlow Lite (int8 quantized)", "link": "/v1/api/1/learn-data/3/model/int8"},
    {"name": "Trained model", "type": "Keras h5 (int8)", "link": "/v1/api/1/learn-data/3/model/h5"},
]


def library(*entries: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries or [("genres_inferencing/src/genres.h", b"// a library")]:
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def built(scripted_studio: Any) -> Any:
    """A studio with deployment 4, a library for Arduino."""
    scripted_studio.answers |= {
        "/api/1/deployment/history/4": {"deployment": dict(ENTRY)},
        "/api/1/deployment/history/4/download": (200, library(), ZIP_HEADERS),
        "/api/1/downloads": {"downloads": DOWNLOADS},
        "/api/1/learn-data/3/model/int8": (200, MODEL, {"Content-Type": "application/octet-stream"}),
    }
    return scripted_studio


def pin_into(root: Path, built: Any, spec: BuildSpec = SPEC) -> Lock:
    return pin(built.studio, 4, spec, ProjectPaths(root), root / "provenance" / "local.json")


def test_library_and_model_are_in_the_folder_of_their_version_and_the_lock_names_them(
    built: Any, tmp_path: Path
) -> None:
    lock = pin_into(tmp_path, built)
    assert lock == read_lock(ProjectPaths(tmp_path).lock)
    assert lock.zip_path(tmp_path).name == "ei-genres-4.zip"
    assert lock.zip_path(tmp_path).parent == ProjectPaths(tmp_path).builds / "4"
    assert lock.model_path(tmp_path).read_bytes() == MODEL
    assert lock.model_sha256 == hashlib.sha256(MODEL).hexdigest()
    assert lock.zip_sha256 == hashlib.sha256(library()).hexdigest()
    assert (lock.deployment_version, lock.impulse, lock.created) == (4, 2, "2026-11-21T10:00:00Z")


def test_the_training_provenance_is_copied_beside_the_model(built: Any, tmp_path: Path) -> None:
    (tmp_path / "provenance").mkdir()
    (tmp_path / "provenance" / "local.json").write_text('{"clips": ["x"], "groups": []}')
    lock = pin_into(tmp_path, built)
    assert (lock.model_path(tmp_path).parent / PROVENANCE_NAME).read_text() == '{"clips": ["x"], "groups": []}'


def test_without_training_provenance_no_file_is_invented(built: Any, tmp_path: Path) -> None:
    lock = pin_into(tmp_path, built)
    assert not (lock.model_path(tmp_path).parent / PROVENANCE_NAME).exists()


@pytest.mark.parametrize(
    ("spec", "requested"),
    [(replace(SPEC, target="zip"), "4, zip, tflite-eon, int8"),
     (replace(SPEC, engine="tflite"), "4, arduino, tflite, int8"),
     (replace(SPEC, model_type="float32"), "4, arduino, tflite-eon, float32")],
)  # fmt: skip
def test_a_deployment_of_another_kind_is_not_pinned(
    built: Any, tmp_path: Path, spec: BuildSpec, requested: str
) -> None:
    with pytest.raises(ApiError, match="the studio built something else than was requested") as caught:
        pin_into(tmp_path, built, spec)
    assert caught.value.why == f"requested {requested}; built 4, arduino, tflite-eon, int8"
    assert not ProjectPaths(tmp_path).builds.exists()


@pytest.mark.parametrize(
    ("path", "answer", "message"),
    [
        ("/api/1/deployment/history/4/download", (200, b"PK no zip", ZIP_HEADERS), "library is rejected"),
        ("/api/1/deployment/history/4/download", {"success": False, "error": "No such build"}, "No such build"),
        ("/api/1/downloads", {"downloads": []}, "the studio has no int8 TensorFlow Lite model to download"),
        ("/api/1/learn-data/3/model/int8", (200, b"<html>", {"Content-Type": "text/html"}), "something that is not"),
        ("/api/1/learn-data/3/model/int8", (200, b"12345678", {"Content-Type": "text/plain"}), "not a TensorFlow Lite"),
        ("/api/1/learn-data/3/model/int8", (200, b"", {"Content-Type": "text/plain"}), "not a TensorFlow Lite"),
    ],
)  # fmt: skip
def test_a_failed_download_leaves_lock_and_builds_as_they_were(
    built: Any, tmp_path: Path, path: str, answer: Any, message: str
) -> None:
    before = pin_into(tmp_path, built)
    content = before.zip_path(tmp_path).read_bytes()
    built.answers[path] = answer
    with pytest.raises(ApiError, match=message):
        pin_into(tmp_path, built)
    assert read_lock(ProjectPaths(tmp_path).lock) == before
    assert before.zip_path(tmp_path).read_bytes() == content
    assert before.model_path(tmp_path).read_bytes() == MODEL
    left = [item.name for item in ProjectPaths(tmp_path).builds.iterdir() if not item.name.startswith(".")]
    assert left == ["4"]


def test_a_library_of_another_training_is_not_pinned(built: Any, tmp_path: Path) -> None:
    header = b'#define EITK_MODEL_SHA256 "' + b"0" * 64 + b'"\n'
    answer = (200, library(("genres_inferencing/src/model.h", header)), ZIP_HEADERS)
    built.answers["/api/1/deployment/history/4/download"] = answer
    with pytest.raises(ApiError, match="the library and the model are of different trainings") as caught:
        pin_into(tmp_path, built)
    assert caught.value.hint == "Build it again: eitk build"
    assert read_lock(ProjectPaths(tmp_path).lock) is None


PROGRAM = b"\x7fELF\x02\x01"
PROGRAM_HEADERS = {
    "Content-Type": "application/octet-stream", "Content-Disposition": 'attachment; filename="genres.eim"',
}  # fmt: skip
PROGRAM_SPEC = replace(SPEC, target="runner-linux-x86_64")


@pytest.fixture
def built_program(built: Any) -> Any:
    """A studio with deployment 4, a model file for Linux."""
    built.answers["/api/1/deployment/history/4"]["deployment"]["deploymentFormat"] = "runner-linux-x86_64"
    built.answers["/api/1/deployment/history/4/download"] = (200, PROGRAM, PROGRAM_HEADERS)
    return built


def test_a_program_is_stored_as_one_that_can_be_run(built_program: Any, tmp_path: Path) -> None:
    file = pin_into(tmp_path, built_program, PROGRAM_SPEC).zip_path(tmp_path)
    assert (file.name, file.read_bytes()) == ("genres.eim", PROGRAM)
    assert file.stat().st_mode & 0o111 == 0o111


def test_a_program_of_another_training_is_not_stored(built_program: Any, tmp_path: Path) -> None:
    other = PROGRAM + b'{"model_sha256":"' + b"0" * 64 + b'"}'
    built_program.answers["/api/1/deployment/history/4/download"] = (200, other, PROGRAM_HEADERS)
    with pytest.raises(ApiError, match="of different trainings"):
        pin_into(tmp_path, built_program, PROGRAM_SPEC)


def test_a_program_is_no_library(built: Any, tmp_path: Path) -> None:
    built.answers["/api/1/deployment/history/4/download"] = (200, PROGRAM, ZIP_HEADERS)
    with pytest.raises(ApiError, match="library is rejected"):
        pin_into(tmp_path, built)


def test_a_deployment_can_be_downloaded_without_being_pinned(built_program: Any, tmp_path: Path) -> None:
    lock = pin_into(tmp_path, built_program, PROGRAM_SPEC)
    ProjectPaths(tmp_path).lock.unlink()
    stored = download(built_program.studio, 4, PROGRAM_SPEC, ProjectPaths(tmp_path), tmp_path / "none.json")
    assert stored == lock
    assert read_lock(ProjectPaths(tmp_path).lock) is None


def test_a_library_without_a_file_name_is_named_after_its_version(built: Any, tmp_path: Path) -> None:
    answer = (200, library(), {"Content-Type": "application/zip"})
    built.answers["/api/1/deployment/history/4/download"] = answer
    assert pin_into(tmp_path, built).zip == ".eitk/builds/4/deployment-4.zip"


def test_the_model_is_that_of_the_impulse_that_was_built(built: Any, tmp_path: Path) -> None:
    pin_into(tmp_path, built)
    (request,) = [one for one in built.seen if one.path == "/api/1/downloads"]
    assert request.query == {"impulseId": "2"}


def test_a_model_of_the_default_impulse_needs_no_id(built: Any, tmp_path: Path) -> None:
    download_model(built.studio, "int8", tmp_path / "model.tflite")
    assert next(one for one in built.seen if one.path == "/api/1/downloads").query == {}


def test_a_model_that_is_not_valid_does_not_replace_an_older_one(built: Any, tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(b"older")
    built.answers["/api/1/learn-data/3/model/int8"] = (200, b"no model", {"Content-Type": "text/plain"})
    with pytest.raises(ApiError):
        download_model(built.studio, "int8", file)
    assert file.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "kind", "is_found"),
    [("TensorFlow Lite (int8 quantized)", "", True), ("classifier", "tflite-int8", True), ("INT8 TFLite", "", True),
     ("TensorFlow Lite (float32)", "", False), ("Keras int8 tflite", "", False), ("ONNX int8", "onnx", False)],
)  # fmt: skip
def test_a_model_is_found_by_name_or_type(name: str, kind: str, is_found: bool) -> None:
    downloads = [Download("/api/1/other", "Spectrogram", "npy"), Download("/api/1/model", name, kind)]
    if is_found:
        assert tflite_link(downloads, "int8") == "/api/1/model"
        return
    with pytest.raises(ApiError, match="has no int8 TensorFlow Lite model") as caught:
        tflite_link(downloads, "int8")
    assert caught.value.hint == "eitk train"


def test_an_entry_without_a_link_is_not_a_download() -> None:
    with pytest.raises(ApiError):
        tflite_link([Download("", "TensorFlow Lite (int8)", "")], "int8")
