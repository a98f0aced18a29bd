"""Edge Impulse's firmware deployments: a zip with flash scripts and one ready image."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.board.flash.bootloader import MAX_IMAGE
from ei_toolkit.errors import DataError

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
        with zipfile.ZipFile(path) as archive:
            return any(Path(name).name in SCRIPTS for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
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
    with zipfile.ZipFile(path) as archive:
        images = [
            entry
            for entry in archive.infolist()
            if entry.filename.endswith(".bin") and "__MACOSX" not in entry.filename
        ]
        if len(images) != 1:
            raise DataError(
                f"{path.name} holds {len(images)} images, not one", hint="Unpack it and name the .bin file."
            )
        if images[0].file_size > MAX_IMAGE:
            raise DataError(f"{images[0].filename} is larger than the board's flash")
        return ReadyImage(Path(images[0].filename).name, archive.read(images[0]))
