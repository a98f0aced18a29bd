"""Bring your own model: a .tflite through the official SDK's `profile` and `deploy`."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ei_toolkit.client.answer import Answer, redact
from ei_toolkit.client.deployments import (
    TFLITE_MARK,
    BuildSpec,
    Deployment,
    check_zip,
    deployment_of,
    lock_of,
    safe_name,
)
from ei_toolkit.client.endpoint import Endpoint, is_loopback
from ei_toolkit.client.project import Studio
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.atomic_write import replace_folder
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.errors import ApiError, DataError, EitkError, MissingToolError

T = TypeVar("T")
HEAVY = ("tensorflow", "keras", "onnx", "pandas")  # the SDK loads them if it can; a .tflite on disk needs none
DEFAULT_TIMEOUT_S = 900.0
SMALLEST = 16  # bytes of a .tflite


def profile_model(studio: Studio, model: Path, device: str | None, timeout_s: float | None = None) -> dict[str, Any]:
    """What the studio says a model needs on a device (None: the project's).

    Raises DataError for a file that is no .tflite, ApiError where the SDK or the studio gives up.
    """
    _check_model(model)
    limit = timeout_s or DEFAULT_TIMEOUT_S
    profiled = _with_sdk(
        studio.transport.endpoint, lambda ei: ei.model.profile(str(model), device=device, timeout_sec=limit)
    )
    found: dict[str, Any] = profiled.to_dict() if hasattr(profiled, "to_dict") else {}
    return found


def deploy_model(
    studio: Studio, model: Path, labels: Sequence[str], wanted: BuildSpec, paths: ProjectPaths,
    timeout_s: float | None = None,
) -> Lock:  # fmt: skip
    """Build a library of a model, put it into `.eitk/builds/<version>/` and pin it in eitk.lock.

    Raises DataError for a file that is no .tflite, ApiError where the SDK or the studio gives up.
    """
    _check_model(model)
    before = _last_version(studio)
    limit = timeout_s or DEFAULT_TIMEOUT_S

    def deploy(ei: Any) -> bytes:
        kind = ei.model.output_type.Classification(labels=list(labels))
        stream = ei.model.deploy(
            str(model),
            model_output_type=kind,
            deploy_model_type=wanted.model_type,
            engine=wanted.engine,
            deploy_target=wanted.target,
            timeout_sec=limit,
        )
        return bytes(stream.getvalue())

    content = _with_sdk(studio.transport.endpoint, deploy)
    version = _last_version(studio)
    if version == before:
        raise ApiError(
            "the studio made no new deployment of the model",
            why="the SDK then downloads the one before, which is not this model",
            hint="eitk jobs list --all says which job failed",
        )
    return _keep(content, deployment_of(studio, version), model, wanted, paths)


def _keep(content: bytes, made: Deployment, model: Path, wanted: BuildSpec, paths: ProjectPaths) -> Lock:
    version = made.version
    folder = paths.builds / str(version)
    with replace_folder(folder) as fresh:
        archive = fresh / safe_name({}, f"{model.stem}-{wanted.target}-{version}.zip")
        archive.write_bytes(content)
        check_zip(archive)
        shutil.copyfile(model, fresh / "model.tflite")
    lock = lock_of(
        version, made.impulse, wanted, made.created, folder / archive.name, folder / "model.tflite", paths.root
    )
    write_lock(paths.lock, lock)
    return lock


def _last_version(studio: Studio) -> int:
    answer = Answer(studio.transport.get(studio.path("deployment", "last")), "the last deployment")
    return answer.object("lastBuild").integer("version") if answer.has("lastBuild") else 0


def _check_model(model: Path) -> None:
    try:
        content = model.read_bytes()
    except OSError as error:
        raise DataError(f"{model} cannot be read", why=error.strerror or "") from None
    if content[4:8] != TFLITE_MARK or len(content) < SMALLEST:
        raise DataError(f"{model} is no TensorFlow Lite model", hint="Convert it to .tflite first.")
    _check_whole(model, content)


def _check_whole(model: Path, content: bytes) -> None:
    """Raises DataError for a file that is cut off or torn; what only eitk's compiler cannot translate may pass."""
    from ei_toolkit.eon.reader import read_model

    try:
        read_model(content)
    except MissingToolError:
        return  # the reader's packages are an extra; the studio looks at the file as well
    except DataError as error:
        if error.__cause__ is None:
            return
        # Only what leads out of the file has a cause; the rest are limits and operators of eitk's compiler.
        raise DataError(
            f"{model} is damaged", why=error.why, hint="It may have been cut off: copy or convert it again."
        ) from None


def _with_sdk(endpoint: Endpoint, act: Callable[[Any], T]) -> T:
    """Run something with the official SDK pointed at an endpoint; whatever it raises becomes an ApiError."""
    with _environment(endpoint), _without(HEAVY):
        try:
            import edgeimpulse as ei

            ei.API_KEY, ei.API_ENDPOINT = endpoint.key, endpoint.api_url
            ei.INGESTION_ENDPOINT = endpoint.ingestion_url
            return act(ei)
        except EitkError:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK raises plain Exception for what the studio says
            why = redact(str(error), endpoint.key)[:500]
            raise ApiError("the official SDK gave up on the model", why=why, hint="eitk jobs list --all") from None


@contextmanager
def _environment(endpoint: Endpoint) -> Iterator[None]:
    """The SDK reads its addresses when it is imported, and its HTTP library a proxy each time."""
    wanted = {"EI_API_ENDPOINT": endpoint.api_url, "EI_INGESTION_ENDPOINT": endpoint.ingestion_url}
    if is_loopback(endpoint.api_url):
        wanted["NO_PROXY"] = "127.0.0.1,localhost"
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the SDK logs requests; nothing of it belongs on this command's output
    try:
        yield
    finally:
        logging.disable(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    """Let imports of heavy packages fail that are not loaded yet."""
    blocked = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]  # None is how the import system is told
    try:
        yield
    finally:
        for name in blocked:
            sys.modules.pop(name, None)
