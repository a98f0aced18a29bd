"""The synthetic clips: the same for the same seed, two textures that differ, artists to keep apart."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.config import DatasetSettings, Settings
from ei_toolkit.dataset.plan import plan_slices
from ei_toolkit.dataset.synthesis import write_demo_clips


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_clips(folder, seed=3, clips_per_genre=9, seconds=4)
    return folder


def treble(folder: Path, genre: str) -> list[float]:
    """Part of each clip's power above 3 kHz."""
    spectra = [np.abs(np.fft.rfft(read_clip(path, 16_000))) ** 2 for path in (folder / genre).iterdir()]
    return [float(power[len(power) * 3 // 8 :].sum() / power.sum()) for power in spectra]


def test_layout_is_that_of_gtzan(demo: Path) -> None:
    assert sorted(path.name for path in (demo / "rock").iterdir())[:2] == ["rock.synth.000.wav", "rock.synth.001.wav"]
    assert len(list(demo.glob("*/*.wav"))) == 18
    assert all(len(read_clip(path, 16_000)) == 64_000 for path in demo.glob("*/*.wav"))


def test_the_same_seed_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    write_demo_clips(tmp_path, seed=3, clips_per_genre=9, seconds=4)
    for path in demo.glob("**/*.*"):
        assert (tmp_path / path.relative_to(demo)).read_bytes() == path.read_bytes()


def test_another_seed_gives_other_clips(demo: Path, tmp_path: Path) -> None:
    write_demo_clips(tmp_path, seed=4, clips_per_genre=3, seconds=4)
    name = "rock/rock.synth.000.wav"
    assert (tmp_path / name).read_bytes() != (demo / name).read_bytes()


def test_no_clip_equals_another(demo: Path) -> None:
    assert len({path.read_bytes() for path in demo.glob("*/*.wav")}) == 18


def test_textures_differ_and_loudness_does_not_distinguish_them(demo: Path) -> None:
    assert min(treble(demo, "rock")) > 2 * max(treble(demo, "classical"))
    peaks = {g: [int(np.abs(read_clip(p, 22_050)).max()) for p in (demo / g).iterdir()] for g in ("rock", "classical")}
    assert max(peaks["classical"]) > min(peaks["rock"])


def test_artists_are_listed_and_kept_apart(demo: Path) -> None:
    with (demo / "groups.csv").open(encoding="utf-8") as stream:
        groups = Counter(row["group"] for row in csv.DictReader(stream))
    assert set(groups.values()) == {3}
    plan = plan_slices(Settings(dataset=DatasetSettings(root=str(demo))), demo)
    assert {task.known.group for task in plan.tasks} == set(groups)
    assert len({(task.known.group, task.split) for task in plan.tasks}) == len(groups)
