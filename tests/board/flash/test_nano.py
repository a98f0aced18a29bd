"""`eitk flash` for a Nano: arduino-cli absent, without its core, and a test double that records its arguments."""

from __future__ import annotations

import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.nano33ble import Nano33Ble
from ei_toolkit.board.flash.deployment import FlashRequest
from ei_toolkit.board.flash.image import open_image
from ei_toolkit.board.transport.ports import UsbPort
from ei_toolkit.board.transport.serial_port import Usb
from ei_toolkit.config import load_config
from ei_toolkit.errors import BoardError, DataError, MissingToolError

MODEL = "0123456789abcdef" * 4
PLUGGED = UsbPort("/dev/ttyACM7", "nano33ble", "application", 0x2341, 0x805A, "N1", "1-1")
TEST_DOUBLE = Path(__file__).parent / "arduino_cli_double.py"


class Cli:
    """An arduino-cli on the PATH."""

    def __init__(self, folder: Path, version: str = "1.3.1", outcome: str = "ok") -> None:
        self.log = folder / "log"
        image = folder / "image"
        image.write_bytes(b"code" * 100 + b"eitk-model:" + MODEL.encode() + b"\0")
        setup = {"log": str(self.log), "version": version, "compile": outcome, "image": str(image)}
        (folder / "setup.json").write_text(json.dumps(setup))
        program = folder / "arduino-cli"
        program.write_text(
            f'#!/bin/sh\nEITK_TEST_CLI="{folder}/setup.json" exec "{sys.executable}" "{TEST_DOUBLE}" "$@"\n'
        )
        program.chmod(0o755)
        self.environ = {"PATH": str(folder)}

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def context(project: Any, environ: dict[str, str], *plugged: UsbPort) -> BoardContext:
    def never(device: str) -> Any:
        raise AssertionError(f"{device} was opened")

    config = load_config(project.root, {})
    return BoardContext(config.settings, config.paths, environ, Usb(lambda: plugged, never))


def test_it_compiles_with_the_pinned_core_and_the_path_of_the_library_then_uploads(
    project: Any, tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cli = Cli(tmp_path_factory.mktemp("bin"))
    done = Nano33Ble().flash(context(project, cli.environ, PLUGGED), FlashRequest(tiny))
    assert done.image.model_sha256 == MODEL
    sketch = project.boards / "nano33ble" / "build" / "audio_classifier"
    out = project.boards / "nano33ble" / "build" / "out"
    assert cli.calls == [
        ["version", "--json"],
        ["compile", "--profile", "nano33ble", "--output-dir", str(out), "--no-color", str(sketch)],
        [
            "upload",
            "--profile",
            "nano33ble",
            "--port",
            "/dev/ttyACM7",
            "--input-dir",
            str(out),
            "--no-color",
            str(sketch),
        ],
    ]
    profile = (sketch / "sketch.yaml").read_text()
    assert "platform: arduino:mbed_nano (4.0.2)" in profile
    assert f'- dir: "{tiny}"' in profile


def test_without_arduino_cli_the_error_names_the_alternatives(project: Any, tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingToolError) as caught:
        Nano33Ble().build(context(project, {"PATH": str(tmp_path / "nothing")}, PLUGGED), FlashRequest(tiny))
    assert "IMAGE.bin" in caught.value.hint
    assert "--board emulated" in caught.value.hint


@pytest.mark.parametrize(
    ("outcome", "what", "why"),
    [
        ("no-core", "arduino-cli has no core arduino:mbed_nano 4.0.2", "not found"),
        ("error", "does not compile", "'nonsense' was not declared"),
        ("too-big", "does not fit", "overflowed by 4096 bytes"),
    ],
)
def test_its_errors_are_shortened_to_the_lines_with_errors(
    outcome: str, what: str, why: str, project: Any, tiny: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cli = Cli(tmp_path_factory.mktemp("bin"), outcome=outcome)
    with pytest.raises(BoardError) as caught:
        Nano33Ble().flash(context(project, cli.environ, PLUGGED), FlashRequest(tiny))
    assert what in caught.value.what
    assert why in caught.value.why
    assert not any(call[0] == "upload" for call in cli.calls)


def test_an_old_arduino_cli_is_rejected(project: Any, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    cli = Cli(tmp_path_factory.mktemp("bin"), version="0.35.3")
    with pytest.raises(MissingToolError, match=r"0\.35\.3 is too old"):
        Nano33Ble().build(context(project, cli.environ, PLUGGED), FlashRequest(tiny))


def test_a_missing_board_is_reported_before_the_library_is_compiled(project: Any, tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="no Nano 33 BLE"):
        Nano33Ble().flash(context(project, {"PATH": str(tmp_path)}), FlashRequest(tiny))


def test_the_command_ends_in_under_three_seconds_without_a_board(project: Any) -> None:
    start = time.monotonic()
    assert project.eitk("flash", "--board", "nano33ble") == 6
    assert time.monotonic() - start < 3
    assert "cable" in project.stderr


def lock_to(project: Any, model: str) -> None:
    fields = ("engine", "model_type", "target", "zip", "zip_sha256", "model", "created")
    text = "".join(f'{name} = "x"\n' for name in fields)
    (project.root / "eitk.lock").write_text(f'deployment_version = 1\nimpulse = 1\n{text}model_sha256 = "{model}"\n')


def test_an_image_with_another_model_than_the_pinned_one_is_rejected(project: Any, tmp_path: Path) -> None:
    lock_to(project, "f" * 64)
    image = tmp_path / "other.bin"
    image.write_bytes(b"eitk-model:" + MODEL.encode())
    with pytest.raises(DataError, match="not the model in"):
        Nano33Ble().flash(context(project, {}, PLUGGED), FlashRequest(image=image))
    with pytest.raises(BoardError, match="no Nano"):  # with force, the next check is whether a board is plugged in
        Nano33Ble().flash(context(project, {}), FlashRequest(image=image, force=True))


def test_a_firmware_zip_of_edge_impulse_is_recognised(tmp_path: Path, tiny: Path) -> None:
    file = tmp_path / "firmware.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("flash_linux.sh", "flash_mac.command", "flash_windows.bat", "README.txt"):
            archive.writestr(name, "echo")
        archive.writestr("firmware.ino.bin", b"image")
    assert (open_image(file).name, open_image(file).data) == ("firmware.ino.bin", b"image")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("second.bin", b"image")
    with pytest.raises(DataError, match="contains 2 images"):
        open_image(file)


def test_another_file_than_an_image_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match="not an image"):
        open_image(tmp_path / "notes.txt")
