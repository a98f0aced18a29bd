"""Firmware images: the result of a build, and ready images (.bin files and the firmware zips of Edge Impulse)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ei_toolkit.config.archive import MIB, Limits, entry_names, read_entries
from ei_toolkit.config.units import kib
from ei_toolkit.errors import ArchiveError, BoardError, DataError

SCRIPTS = ("flash_linux.sh", "flash_mac.command", "flash_windows.bat")
MODEL_MARK = re.compile(rb"eitk-model:([0-9a-f]{64})")  # firmware/audio_classifier/model.h
IMAGE_LIMITS = Limits(entry_bytes=16 * MIB)


@dataclass(frozen=True)
class BuiltImage:
    """A built image. Flash holds code, constants and initial values; RAM holds variables and the reserved stack.

    `ram_bytes` is None if the build does not report it.
    """

    board: str
    path: Path
    flash_bytes: int
    ram_bytes: int | None
    model_sha256: str
    sha256: str

    def as_json(self) -> dict[str, Any]:
        """The image as JSON, for `eitk flash --build --json`."""
        values = {
            "board": self.board,
            "flash_bytes": self.flash_bytes,
            "ram_bytes": self.ram_bytes,
            "model_sha256": self.model_sha256,
            "image": str(self.path),
            "image_sha256": self.sha256,
        }
        return {key: value for key, value in values.items() if value is not None}

    @property
    def size_text(self) -> str:
        """The sizes for people."""
        flash = f"{kib(self.flash_bytes)} of flash"
        return flash if self.ram_bytes is None else f"{flash}, {kib(self.ram_bytes)} of RAM"


@dataclass(frozen=True)
class BinaryImage:
    """The bytes of an image for a board on USB."""

    name: str
    data: bytes

    @property
    def model_sha256(self) -> str:
        """Hash of the model inside, as eitk's sketch contains it; empty for another sketch."""
        found = MODEL_MARK.search(self.data)
        return found[1].decode() if found else ""

    @property
    def sha256(self) -> str:
        """Hash of the image."""
        return hashlib.sha256(self.data).hexdigest()


def check_fits(size: int, capacity: int | None) -> None:
    """Raise BoardError for an image that is empty or larger than `capacity` bytes of flash."""
    if capacity is not None and size > capacity:
        raise BoardError(
            "the image does not fit the board",
            why=f"it takes {kib(size)}, {kib(capacity)} are free",
            hint="int8 instead of float32, fewer filters, or engine tflite-eon instead of tflite.",
        )
    if size == 0:
        raise BoardError("the image is empty", hint="Build it again: eitk flash --build")


def is_firmware_zip(path: Path) -> bool:
    """Whether `path` is a deployment of the firmware kind, and not a library."""
    try:
        return any(name.name in SCRIPTS for name in entry_names(path))
    except ArchiveError:
        return False


def open_image(path: Path) -> BinaryImage:
    """Return the image in a .bin file or in a firmware zip. Raises DataError for any other file."""
    if path.suffix == ".bin" and path.is_file():
        return BinaryImage(path.name, path.read_bytes())
    if path.suffix != ".zip" or not is_firmware_zip(path):
        raise DataError(
            f"{path.name} is not an image for the board",
            why="neither a .bin file nor a firmware zip of Edge Impulse" if path.exists() else "it does not exist",
            hint="A library is given with --library; without any file, eitk flash takes the one in eitk.lock.",
        )
    images = list(read_entries(path, _is_image, IMAGE_LIMITS))
    if len(images) != 1:
        raise DataError(f"{path.name} contains {len(images)} images, not one", hint="Unpack it and name the .bin file.")
    [(name, data)] = images
    return BinaryImage(name.name, data)


def _is_image(name: PurePosixPath) -> bool:
    return name.suffix == ".bin" and "__MACOSX" not in name.parts
