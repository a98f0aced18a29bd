"""Edge Impulse's firmware deployments: a zip with flash scripts and one ready image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ei_toolkit.board.flash.bootloader import MAX_IMAGE
from ei_toolkit.config.archive import Limits, entry_names, read_entries
from ei_toolkit.errors import ArchiveError, DataError

SCRIPTS = ("flash_linux.sh", "flash_mac.command", "flash_windows.bat")
MARK = re.compile(rb"eitk-model:([0-9a-f]{64})")


@dataclass(frozen=True)
class ReadyImage:
    """An image that needs no compiler. `model_sha256` is empty where it does not carry the mark of eitk's sketch."""

    name: str
    data: bytes

    @property
    def model_sha256(self) -> str:
        """Hash of the model inside, as the sketch carries it."""
        found = MARK.search(self.data)
        return found[1].decode() if found else ""


def is_firmware_zip(path: Path) -> bool:
    """Whether `path` is a deployment of the firmware kind, and not a library."""
    try:
        return any(name.name in SCRIPTS for name in entry_names(path))
    except ArchiveError:
        return False


def open_image(path: Path) -> ReadyImage:
    """The image in a .bin file or in a firmware zip. Raises DataError for anything else."""
    if path.suffix == ".bin" and path.is_file():
        return ReadyImage(path.name, path.read_bytes())
    if path.suffix != ".zip" or not is_firmware_zip(path):
        raise DataError(
            f"{path.name} is not an image for the board",
            why="neither a .bin file nor a firmware zip of Edge Impulse" if path.exists() else "it is not there",
            hint="A library goes with --library; without any file, eitk flash takes the one in eitk.lock.",
        )
    images = list(read_entries(path, _is_image, Limits(entry_bytes=MAX_IMAGE)))
    if len(images) != 1:
        raise DataError(f"{path.name} holds {len(images)} images, not one", hint="Unpack it and name the .bin file.")
    [(name, data)] = images
    return ReadyImage(name.name, data)


def _is_image(name: PurePosixPath) -> bool:
    return name.suffix == ".bin" and "__MACOSX" not in name.parts
