from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.errors import DataError, MissingStepError

WINDOW = Window(
    "a.0.0123.wav", "01" * 32, 'für "Elise", live.wav', "02" * 32, "Beethoven 🎹", 0, "Klassik", "training", ""
)
OTHER = Window("b.1500.4567.wav", "03" * 32, "b.wav", "04" * 32, "b", 1500, "Rock 'n' Roll", "testing", "gain-3.0")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    Manifest((WINDOW, OTHER)).write(tmp_path / "manifest.csv")
    assert Manifest.read(tmp_path / "manifest.csv") == Manifest((WINDOW, OTHER))
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.csv"]


def test_labels_are_sorted() -> None:
    assert Manifest((OTHER, WINDOW)).labels == ("Klassik", "Rock 'n' Roll")


def test_the_error_for_a_missing_manifest_gives_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(MissingStepError) as caught:
        Manifest.read(tmp_path / "manifest.csv")
    assert caught.value.hint == "eitk slice"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("start_ms", "begin"),
        lambda text: text.replace(",1500,", ",soon,"),
        lambda text: text.replace("testing", "exam"),
        lambda text: text[:-40],
        lambda text: text + ",,,,\n",
    ],
)
def test_a_damaged_manifest_is_rejected(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "manifest.csv"
    Manifest((WINDOW, OTHER)).write(path)
    path.write_text(damage(path.read_text()))  # type: ignore[operator]
    with pytest.raises(DataError):
        Manifest.read(path)
