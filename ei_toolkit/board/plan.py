"""What `eitk flash` would do: every refusal is checked, nothing is compiled, no board is touched."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.board.firmware_zip import open_image
from ei_toolkit.board.flash import Choice, check_model, check_speed, open_pinned
from ei_toolkit.board.ports import Lister, choose
from ei_toolkit.board.sketch import stage
from ei_toolkit.board.stand_in import folder_of
from ei_toolkit.board.state import STAND_INS, check_name
from ei_toolkit.board.usb_flash import check_fits
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.config.lockfile import read_lock


@dataclass(frozen=True)
class FlashPlan:
    """Which board would get which model; `port` is empty for a stand-in that does not run yet."""

    board: str
    port: str
    model_sha256: str
    replaces_running: bool

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {"dry_run": True, **asdict(self)}

    def view(self) -> str:
        """For people."""
        where = f"{self.board} on {self.port}" if self.port else self.board
        return f"would flash model {self.model_sha256[:12] or 'of an unknown hash'} to {where}"


def plan_flash(settings: Settings, paths: ProjectPaths, choice: Choice, image: Path | None, ports: Lister) -> FlashPlan:
    """Check everything that `eitk flash` checks before it touches a board. Raises what it raises."""
    name = settings.board.name
    check_name(name)
    model = _image_model(paths, image, choice) if image else _library_model(settings, paths, choice)
    if name in STAND_INS:
        running = folder_of(paths.boards, name).running()
        return FlashPlan(name, running.address if running else "", model, running is not None)
    return FlashPlan(name, choose(ports(), settings.board.port).device, model, True)


def _image_model(paths: ProjectPaths, image: Path, choice: Choice) -> str:
    ready = open_image(image)
    check_fits(len(ready.data))
    lock = read_lock(paths.lock)
    if lock and not choice.force:
        check_model(ready.model_sha256, lock)
    return ready.model_sha256


def _library_model(settings: Settings, paths: ProjectPaths, choice: Choice) -> str:
    with tempfile.TemporaryDirectory(prefix="eitk-flash-") as folder:
        library = open_pinned(paths, Path(folder), choice)
        if settings.board.name != "host":
            check_speed(settings, paths, choice)
        stage(settings, library, settings.board.name, Path(folder))
    return library.model_sha256
