"""The library to flash: the one that eitk.lock pins or another one, and the checks before it is compiled."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.audio.window import samples_in
from ei_toolkit.board.budget import check_budget
from ei_toolkit.board.flash.library import Library, file_sha256, open_library
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.config.boards import BoardSpec
from ei_toolkit.config.lockfile import Lock, read_lock
from ei_toolkit.errors import BoardError, DataError, MissingStepError
from ei_toolkit.impulse.features import feature_count


@dataclass(frozen=True)
class FlashRequest:
    """What to flash: the pinned library, the one in `library`, or the ready `image`; `force` skips the model checks.

    `use_arduino_cli` is False if arduino-cli may compile but not upload.
    """

    library: Path | None = None
    image: Path | None = None
    force: bool = False
    use_arduino_cli: bool = True


def pinned(paths: ProjectPaths) -> Lock:
    """Return the deployment in eitk.lock. Raises MissingStepError if there is none."""
    lock = read_lock(paths.lock)
    if lock is None:
        raise MissingStepError("there is no library yet", why=f"{paths.lock.name} does not exist", hint="eitk build")
    return lock


def open_requested(paths: ProjectPaths, folder: Path, request: FlashRequest) -> Library:
    """Return the requested library, unpacked in `folder`.

    Raises DataError if it or its model is not the one in eitk.lock, BoardError if it needs an interpreter that it does
    not contain.
    """
    lock = pinned(paths) if request.library is None else read_lock(paths.lock)
    source = request.library or _pinned_zip(paths)
    unpacked = folder / "library"
    shutil.rmtree(unpacked, ignore_errors=True)
    library = open_library(source, unpacked)
    if library.lacks_interpreter:
        raise BoardError(
            'the library was built with engine = "tflite"',
            why="it needs TensorFlow Lite Micro, which it does not contain",
            hint='Set [build] engine = "tflite-eon" in eitk.toml, then: eitk build',
        )
    if lock and not request.force:
        check_model(library.model_sha256, lock)
    return library


def check_speed(settings: Settings, paths: ProjectPaths, spec: BoardSpec, request: FlashRequest) -> None:
    """Raise BoardError if a classification with the pinned model would take longer than the hop."""
    lock = read_lock(paths.lock)
    if spec.clock_hz is not None and lock is not None and request.library is None and not request.force:
        check_budget(settings, lock.model_path(paths.root).read_bytes(), spec.clock_hz)


def other_impulse(settings: Settings, library: Library) -> str:
    """Return in what window or features a library differs from the impulse of eitk.toml; empty if in neither.

    A figure that the library does not define as a number is not compared.
    """
    rate = settings.slice.sample_rate
    pairs = (
        ("samples in a window", samples_in(settings.slice.window_ms, rate), "EI_CLASSIFIER_RAW_SAMPLE_COUNT"),
        ("samples per second", rate, "EI_CLASSIFIER_FREQUENCY"),
        ("features", feature_count(settings) if settings.impulse.dsp else 0, "EI_CLASSIFIER_NN_INPUT_FRAME_SIZE"),
    )
    found = ((what, own, library.defines.get(name, "")) for what, own, name in pairs)
    return ", ".join(
        f"{theirs} {what} instead of {own}"
        for what, own, theirs in found
        if own and theirs.isdecimal() and own != int(theirs)
    )


def _pinned_zip(paths: ProjectPaths) -> Path:
    lock = pinned(paths)
    source = lock.zip_path(paths.root)
    if file_sha256(source) != lock.zip_sha256:
        raise DataError(f"{source.name} is not the library in eitk.lock", why="its hash differs", hint="eitk build")
    return source


def check_model(model_sha256: str, lock: Lock) -> None:
    """Raise DataError for a model that is not the one in eitk.lock; an empty hash is accepted."""
    if model_sha256 and model_sha256 != lock.model_sha256:
        raise DataError(
            "the model to flash is not the model in eitk.lock",
            why=f"its hash is {model_sha256[:12]}, the one in eitk.lock is {lock.model_sha256[:12]}",
            hint="Build again: eitk build; or flash it without this check: --force",
        )
