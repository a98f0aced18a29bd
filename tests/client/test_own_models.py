"""Models of the user through the official SDK: what is checked before, and what is kept of its settings and errors.

The SDK is replaced by a module that records its calls; test_byom.py uses the real one.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ei_toolkit.client.byom import HEAVY, MAX_REASON_LENGTH, deploy_model, profile_model
from ei_toolkit.client.deployments import BuildSpec
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.errors import ApiError, DataError

SPEC = BuildSpec("arduino", "tflite-eon", "int8")
VARIABLES = ("EI_API_ENDPOINT", "EI_INGESTION_ENDPOINT", "NO_PROXY")


def library() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mine_inferencing/src/mine.h", "// a library")
    return stream.getvalue()


class Sdk(ModuleType):
    """Stands in for the package `edgeimpulse`: `action` is what its model functions do."""

    def __init__(self, action: Callable[..., Any]) -> None:
        super().__init__("edgeimpulse")
        output = SimpleNamespace(Classification=lambda labels: ("classification", labels))
        self.model = SimpleNamespace(profile=self._call, deploy=self._call, output_type=output)
        self.action, self.calls, self.seen = action, list[dict[str, Any]](), dict[str, Any]()

    def _call(self, model: str, **options: Any) -> Any:
        self.calls.append({"model": model, **options})
        self.seen = {name: os.environ.get(name) for name in VARIABLES}
        self.seen |= {"key": self.API_KEY, "logs": logging.root.manager.disable < logging.CRITICAL}
        self.seen["heavy"] = [name for name in HEAVY if sys.modules.get(name, 1) is not None]
        return self.action()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], Sdk]:
    """Puts an SDK with this action in place of the package."""

    def put(action: Callable[..., Any]) -> Sdk:
        sdk = Sdk(action)
        monkeypatch.setitem(sys.modules, "edgeimpulse", sdk)
        return sdk

    return put


@pytest.fixture
def model(goldens: Path, tmp_path: Path) -> Path:
    file = tmp_path / "größe.tflite"
    file.write_bytes((goldens / "int8" / "sample_int8.tflite").read_bytes())
    return file


def test_the_sdk_gets_the_addresses_and_the_key_of_the_settings(
    scripted_studio: Any, install: Any, model: Path
) -> None:
    sdk = install(lambda: SimpleNamespace(to_dict=lambda: {"memory": 5}))
    assert profile_model(scripted_studio.studio, model, "cortex-m4f", timeout_s=7) == {"memory": 5}
    endpoint = scripted_studio.studio.transport.endpoint
    assert (
        endpoint.key, endpoint.api_url, endpoint.ingestion_url,
    ) == (sdk.API_KEY, sdk.API_ENDPOINT, sdk.INGESTION_ENDPOINT)  # fmt: skip
    assert sdk.calls == [{"model": str(model), "device": "cortex-m4f", "timeout_sec": 7}]
    assert sdk.seen["EI_API_ENDPOINT"] == endpoint.api_url
    assert sdk.seen["NO_PROXY"] == "127.0.0.1,localhost"
    assert sdk.seen["logs"] is False


@pytest.mark.parametrize("fails", [False, True])
def test_variables_and_logging_are_as_before_afterwards(
    scripted_studio: Any, install: Any, model: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setenv("EI_API_ENDPOINT", "https://mine.example/v1")
    monkeypatch.delenv("EI_INGESTION_ENDPOINT", raising=False)
    before = (dict(os.environ), logging.root.manager.disable)
    install((lambda: 1 / 0) if fails else SimpleNamespace)
    if fails:
        with pytest.raises(ApiError):
            profile_model(scripted_studio.studio, model, None)
    else:
        profile_model(scripted_studio.studio, model, None)
    assert (dict(os.environ), logging.root.manager.disable) == before


def test_an_error_of_the_sdk_is_short_and_has_no_key(scripted_studio: Any, install: Any, model: Path) -> None:
    key = scripted_studio.studio.transport.endpoint.key

    def fail() -> None:
        raise RuntimeError(f"{key} " + "x" * 5000)

    install(fail)
    with pytest.raises(ApiError, match="the official SDK failed for the model") as caught:
        profile_model(scripted_studio.studio, model, None)
    assert key not in str(caught.value)
    assert caught.value.why.startswith("ei_*** x")
    assert len(caught.value.why) == MAX_REASON_LENGTH


def test_an_answer_without_values_is_empty(scripted_studio: Any, install: Any, model: Path) -> None:
    install(lambda: None)
    assert profile_model(scripted_studio.studio, model, None) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"", "is not a TensorFlow Lite model"), (b"\x1c\x00\x00\x00TFL3", "is not a Tensor"),
     (b"\x1c\x00\x00\x00TFL2" + bytes(50), "is not a TensorFlow Lite model")],
)  # fmt: skip
def test_a_file_that_is_no_model_is_rejected_before_the_sdk_is_used(
    scripted_studio: Any, install: Any, tmp_path: Path, content: bytes | None, message: str
) -> None:
    sdk = install(lambda: None)
    if content is not None:
        (tmp_path / "x.tflite").write_bytes(content)
    with pytest.raises(DataError, match=message):
        profile_model(scripted_studio.studio, tmp_path / "x.tflite", None)
    assert sdk.calls == []


def test_a_model_that_was_cut_off_is_called_damaged(scripted_studio: Any, install: Any, model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-2000])
    sdk = install(lambda: None)
    with pytest.raises(DataError, match="is damaged") as caught:
        profile_model(scripted_studio.studio, model, None)
    assert "cut off" in caught.value.hint
    assert sdk.calls == []


def deployable(script: Any, *versions: int | None) -> None:
    """A studio whose last deployment has these versions, one after the other."""
    entry = {"deploymentVersion": 5, "deploymentFormat": "arduino", "engine": "tflite-eon", "created": "2026-11-21"}
    script.answers |= {
        "/api/1/deployment/last": [{"lastBuild": None if v is None else {"version": v}} for v in versions],
        "/api/1/deployment/history/5": {"deployment": entry},
    }


@pytest.mark.parametrize("before", [None, 4])
def test_a_built_library_is_pinned_with_the_model(
    scripted_studio: Any, install: Any, model: Path, tmp_path: Path, before: int | None
) -> None:
    deployable(scripted_studio, before, 5)
    sdk = install(lambda: io.BytesIO(library()))
    lock = deploy_model(scripted_studio.studio, model, ["rock", "classical"], SPEC, ProjectPaths(tmp_path), 9)
    assert lock == read_lock(ProjectPaths(tmp_path).lock)
    assert lock.model_path(tmp_path).read_bytes() == model.read_bytes()
    assert lock.zip_path(tmp_path).read_bytes() == library()
    assert (lock.deployment_version, lock.target, lock.engine) == (5, "arduino", "tflite-eon")
    (call,) = sdk.calls
    assert call["model_output_type"] == ("classification", ["rock", "classical"])
    assert (call["engine"], call["deploy_target"], call["timeout_sec"]) == ("tflite-eon", "arduino", 9)


def test_the_library_of_an_older_build_is_not_pinned(
    scripted_studio: Any, install: Any, model: Path, tmp_path: Path
) -> None:
    deployable(scripted_studio, 4, 4)
    install(lambda: io.BytesIO(library()))
    with pytest.raises(ApiError, match="the studio made no new deployment of the model") as caught:
        deploy_model(scripted_studio.studio, model, ["a"], SPEC, ProjectPaths(tmp_path))
    assert caught.value.hint == "See which job failed: eitk jobs list --all"
    assert read_lock(ProjectPaths(tmp_path).lock) is None


def test_an_archive_that_is_damaged_is_not_pinned(
    scripted_studio: Any, install: Any, model: Path, tmp_path: Path
) -> None:
    deployable(scripted_studio, 4, 5)
    install(lambda: io.BytesIO(library()[:-30]))
    with pytest.raises(ApiError, match="the downloaded library is rejected"):
        deploy_model(scripted_studio.studio, model, ["a"], SPEC, ProjectPaths(tmp_path))
    assert read_lock(ProjectPaths(tmp_path).lock) is None
    assert list(ProjectPaths(tmp_path).builds.glob("[0-9]*")) == []
