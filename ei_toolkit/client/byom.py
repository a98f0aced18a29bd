"""Bring your own model: a .tflite through the official SDK's `profile` and `deploy`."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ei_toolkit.client.deployments import (
    TFLITE_IDENTIFIER,
    BuildSpec,
    Deployment,
    check_file,
    deployment_of,
    lock_of_files,
    safe_name,
)
from ei_toolkit.client.endpoint import Endpoint, is_loopback
from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response, redact
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.atomic_write import replace_folder
from ei_toolkit.config.blocked_imports import blocked_imports
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.eon.reader import read_model
from ei_toolkit.errors import ApiError, DataError, EitkError, MissingToolError

T = TypeVar("T")
HEAVY = ("tensorflow", "keras", "onnx", "pandas")  # the SDK imports them if it can; a .tflite file needs none
DEFAULT_TIMEOUT_S = 900.0
MIN_MODEL_BYTES = 16
MAX_REASON_LENGTH = 500


class _LastBuild(Response, frozen=True):
    version: int


class _LastDeployment(Response, frozen=True):
    last_build: _LastBuild | None = None


def profile_model(studio: Studio, model: Path, device: str | None, timeout_s: float | None = None) -> dict[str, Any]:
    """Return the studio's estimate of what a model needs on a device (None: the project's device).

    Raises DataError for a file that is not a .tflite, ApiError where the SDK or the studio fails.
    """
    _check_model(model)
    timeout = timeout_s or DEFAULT_TIMEOUT_S
    profiled = _with_sdk(
        studio.transport.endpoint, lambda sdk: sdk.model.profile(str(model), device=device, timeout_sec=timeout)
    )
    found: dict[str, Any] = profiled.to_dict() if hasattr(profiled, "to_dict") else {}
    return found


def deploy_model(
    studio: Studio, model: Path, labels: Sequence[str], spec: BuildSpec, paths: ProjectPaths,
    timeout_s: float | None = None, *, pinned: bool = True,
) -> Lock:  # fmt: skip
    """Build a deployment of a model and put it into `.eitk/builds/<version>/`. With `pinned`, eitk.lock names it.

    Raises DataError for a file that is not a .tflite, ApiError where the SDK or the studio fails.
    """
    _check_model(model)
    before = _last_version(studio)

    def deploy(sdk: Any) -> bytes:
        stream = sdk.model.deploy(
            str(model),
            model_output_type=sdk.model.output_type.Classification(labels=list(labels)),
            deploy_model_type=spec.model_type,
            engine=spec.engine,
            deploy_target=spec.target,
            timeout_sec=timeout_s or DEFAULT_TIMEOUT_S,
        )
        return bytes(stream.getvalue())

    content = _with_sdk(studio.transport.endpoint, deploy)
    version = _last_version(studio)
    if version == before:
        raise ApiError(
            "the studio made no new deployment of the model",
            why="the SDK has downloaded the previous deployment, which is another model",
            hint="See which job failed: eitk jobs list --all",
        )
    lock = _store(content, deployment_of(studio, version), model, spec, paths)
    if pinned:
        write_lock(paths.lock, lock)
    return lock


def _store(content: bytes, deployment: Deployment, model: Path, spec: BuildSpec, paths: ProjectPaths) -> Lock:
    version = deployment.deployment_version
    folder = paths.builds / str(version)
    with replace_folder(folder) as partial:
        downloaded = partial / "download"
        downloaded.write_bytes(content)
        suffix = check_file(downloaded, spec.target)
        name = safe_name({}, f"{model.stem}-{spec.target}-{version}{suffix}")
        downloaded.replace(partial / name)
        shutil.copyfile(model, partial / "model.tflite")
    return lock_of_files(deployment, spec, folder / name, folder / "model.tflite", paths)


def _last_version(studio: Studio) -> int:
    last = studio.transport.read(studio.path("deployment", "last"), _LastDeployment).last_build
    return last.version if last else 0


def _check_model(model: Path) -> None:
    try:
        content = model.read_bytes()
    except OSError as error:
        raise DataError(f"{model} cannot be read", why=error.strerror or "") from None
    if content[4:8] != TFLITE_IDENTIFIER or len(content) < MIN_MODEL_BYTES:
        raise DataError(f"{model} is not a TensorFlow Lite model", hint="Convert it to .tflite first.")
    _check_complete(model, content)


def _check_complete(model: Path, content: bytes) -> None:
    """Raise DataError for a file that is cut off or damaged. What only eitk's compiler does not support is accepted."""
    try:
        read_model(content)
    except MissingToolError:
        return  # the packages of the reader are an extra; the studio checks the file as well
    except DataError as error:
        if error.__cause__ is None:
            return
        # Only an offset that points outside the file has a cause; the rest are limits of eitk's compiler.
        raise DataError(
            f"{model} is damaged", why=error.why, hint="It may have been cut off: copy or convert it again."
        ) from None


def _with_sdk(endpoint: Endpoint, action: Callable[[Any], T]) -> T:
    """Run a function with the official SDK, configured for an endpoint; what the SDK raises becomes an ApiError."""
    with _environment(endpoint), blocked_imports(HEAVY):
        try:
            import edgeimpulse as sdk  # takes seconds, and reads its addresses from the environment when imported

            sdk.API_KEY, sdk.API_ENDPOINT = endpoint.key, endpoint.api_url
            sdk.INGESTION_ENDPOINT = endpoint.ingestion_url
            return action(sdk)
        except EitkError:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK raises plain Exception for errors of the studio
            why = redact(str(error), endpoint.key)[:MAX_REASON_LENGTH]
            raise ApiError("the official SDK failed for the model", why=why, hint="eitk jobs list --all") from None


@contextmanager
def _environment(endpoint: Endpoint) -> Iterator[None]:
    """Set the variables from which the SDK reads its addresses, and its HTTP library the proxy."""
    variables = {"EI_API_ENDPOINT": endpoint.api_url, "EI_INGESTION_ENDPOINT": endpoint.ingestion_url}
    if is_loopback(endpoint.api_url):
        variables["NO_PROXY"] = "127.0.0.1,localhost"
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the SDK logs its requests, which are no output of this command
    try:
        yield
    finally:
        logging.disable(level)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
