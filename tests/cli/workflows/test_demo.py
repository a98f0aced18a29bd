"""The figures that `eitk demo` shows at its end, and the clips that it verifies."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console as RichConsole

from ei_toolkit.cli.console import Console
from ei_toolkit.cli.workflows import demo
from ei_toolkit.cli.workflows.demo import DemoResult, best_board, demo_view, figures, held_out, unseen_clips
from ei_toolkit.config import Config
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.errors import DataError, MissingToolError


def window(clip: str, split: Any, label: str = "rock", artist: str = "x") -> Window:
    return Window(f"{clip}.0.wav", "0" * 64, clip, "c" * 64, artist, 0, label, split)


@pytest.fixture
def sliced_into(project: Callable[..., Config], tmp_path: Path) -> Callable[..., Path]:
    """Writes the manifest of a project whose clips are in the folder `clips`."""

    def write(*windows: Window) -> Path:
        config = project()
        file = tmp_path / "eitk.toml"
        file.write_text(file.read_text().replace('root = ""', 'root = "clips"'))
        config.paths.windows.mkdir(parents=True)
        Manifest(windows).write(config.paths.manifest)
        return tmp_path

    return write


def test_the_first_testing_clip_of_each_label_is_verified(sliced_into: Any) -> None:
    folder = sliced_into(
        window("rock/1.wav", "training"),
        window("rock/2.wav", "testing"),
        window("rock/3.wav", "testing"),
        window("jazz/1.wav", "testing", "jazz"),
    )
    assert [clip.relative_to(folder).name for clip in unseen_clips(folder)] == ["2.wav", "1.wav"]
    assert all(clip.is_absolute() for clip in unseen_clips(folder))


def test_clips_of_a_zip_are_verified_where_they_were_unpacked(sliced_into: Any) -> None:
    folder = sliced_into(window("rock/2.wav", "testing"))
    with zipfile.ZipFile(folder / "clips.zip", "w") as archive:
        archive.writestr("rock/2.wav", b"sound")
    config = folder / "eitk.toml"
    config.write_text(config.read_text().replace('root = "clips"', 'root = "clips.zip"'))
    [clip] = unseen_clips(folder)
    assert clip.read_bytes() == b"sound"


def test_labels_without_a_testing_clip_are_named(sliced_into: Any) -> None:
    folder = sliced_into(
        window("1.wav", "training"), window("2.wav", "training", "jazz"), window("3.wav", "testing", "folk")
    )
    with pytest.raises(DataError, match="no clip of jazz, rock is held out") as caught:
        unseen_clips(folder)
    assert caught.value.hint == "eitk slice"


def test_testing_clips_and_their_artists_are_counted(sliced_into: Any) -> None:
    folder = sliced_into(
        window("1.wav", "testing", artist="Queen"),
        replace(window("1.wav", "testing", artist="Queen"), file="1.1.wav"),
        window("2.wav", "testing", artist="Queen"),
        window("3.wav", "training", artist="Bach"),
    )
    assert held_out(folder) == (2, 1)


def board(name: str, *missing: str) -> Any:
    return SimpleNamespace(name=name, missing_tools=lambda: list(missing))


def test_the_first_board_whose_tools_are_installed_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    monkeypatch.setattr(demo, "virtual_boards", lambda: [board("emulated", "qemu", "g++"), board("host")])
    assert best_board(Console(io.StringIO(), err)) == "host"
    assert err.getvalue() == "warning: the emulated board is not used: qemu and g++ not found\n"


def test_without_any_tool_the_demo_ends_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "virtual_boards", lambda: [board("host", "g++")])
    with pytest.raises(MissingToolError, match="no virtual board can be built") as caught:
        best_board(Console(io.StringIO(), io.StringIO()))
    assert "eitk doctor" in caught.value.hint


ROWS = [
    {"clip": "rock.wav", "end_ms": 3000, "winner": "rock", "board_scores": {"rock": 0.75, "classical": 0.25},
     "board_q": [95, -95], "python_q": [95, -95], "equal": True},
    {"clip": "rock.wav", "end_ms": 3500, "winner": "uncertain", "board_scores": {"rock": 0.5, "classical": 0.5},
     "board_q": [0, 0], "python_q": [1, -1], "equal": False},
]  # fmt: skip
VARIANT = {"thresholded_accuracy": 0.875, "top_1_accuracy": 0.9, "threshold": 0.6}
RESULT = DemoResult(
    test={"event": "result", "int8": VARIANT, "float32": VARIANT | {"top_1_accuracy": None}},
    image={"flash_bytes": 101_376, "ram_bytes": 61_440},
    profile={"flash_bytes": 20_480, "ram_bytes": 10_240, "how": "emulated", "instructions": 1_234_567},
    verification={
        "summary": {"equal": 1, "windows": 2}, "windows": ROWS, "clips": [{"clip": "rock.wav", "winner": "rock"}]
    },
    tracks=12,
    artists=5,
)  # fmt: skip


def test_each_figure_has_its_unit() -> None:
    found = dict(figures(RESULT))
    assert found["clips"] == "rock.wav predicted as rock"
    assert found["board equals Python"] == "1 of 2 windows"
    assert found["tested on"] == "12 tracks of 5 groups, none in training"
    assert found["accuracy at threshold 0.6"] == "87.5 % (int8), 87.5 % (float32)"
    assert found["top-1 accuracy"] == "90.0 % (int8), – (float32)"
    assert found["model"] == "20.0 KiB of flash, 10.0 KiB of RAM (emulated)"
    assert found["instructions"] == "1,234,567 per inference"
    assert found["image"] == "99.0 KiB of flash, 60.0 KiB of RAM with sketch and features"


def test_a_clip_is_named_once_and_a_window_that_differs_is_marked() -> None:
    out = io.StringIO()
    RichConsole(file=out, width=160).print(demo_view(RESULT))
    rows = [line.split() for line in out.getvalue().splitlines() if " s " in line]
    assert rows[0] == ["rock.wav", "3.0", "s", "rock", "0.750", "95", "-95", "95", "-95", "equal"]
    assert rows[1] == ["3.5", "s", "uncertain", "0.500", "0", "0", "1", "-1", "differs"]
