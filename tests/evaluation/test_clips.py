"""The evaluation and the gate use the windows that `eitk slice` writes: same places, copies and omissions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.config import AugmentSettings, Settings
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.dataset.cutting import window_file
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.evaluation.clips import Prepared, find_known_clips, material, prepare_all
from ei_toolkit.evaluation.held_out import cut_windows, held_out_clips

RATE = 16_000
COPIES = 2


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The recipe `robust` with two augmented copies, for a folder with a silent part and with repeated windows."""
    settings = load_recipe("robust")[0]
    augment = AugmentSettings(copies=COPIES, room=0.5, rumble=0.5, tilt_db=2.0, noise_files="noises")
    random = np.random.default_rng(3)
    write(tmp_path / "noises" / "hum.wav", random.standard_normal(2 * RATE) * 0.1)
    shared = 0.1 * random.standard_normal(3 * RATE)
    for label in ("classical", "rock"):
        for number in range(6):
            own = 0.1 * random.standard_normal(6 * RATE)
            if number == 1:
                own[: 5 * RATE] = 0.0
            if number in (2, 3, 4, 5):
                own[: 3 * RATE] = shared
            write(tmp_path / "clips" / label / f"{number}.wav", own)
    cut = replace(settings.slice, augment=augment, window_ms=3000, hop_ms=1000)
    return replace(settings, slice=cut, dataset=replace(settings.dataset, root="clips"))


def write(file: Path, sound: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, sound, RATE)


def sliced(settings: Settings, folder: Path) -> Manifest:
    slice_clips(settings, folder, folder / "out", 1, lambda _done, _note: None)
    return Manifest.read(folder / "out" / "manifest.csv")


def prepared(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Prepared]:
    """The clips of an evaluation, computed with paths relative to the project's folder."""
    monkeypatch.chdir(folder)
    with ThreadPoolExecutor(1) as pool:
        clips = find_known_clips(folder / "clips", settings, folder)
        return {one.known.clip.name: one for one in prepare_all(pool, clips, settings, COPIES, print)}


def test_the_evaluations_windows_equal_those_that_slicing_wrote(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = sliced(settings, tmp_path)
    found = prepared(settings, tmp_path, monkeypatch)
    for clip in {window.clip for window in manifest.windows}:
        written = [window for window in manifest.windows if window.clip == clip]
        columns = slice(None) if written[0].split == "training" else slice(1)
        own = found[clip].sha256[:, columns][found[clip].distinct[:, columns]]
        assert own.tolist() == [window.sha256 for window in written], clip


def test_silent_and_repeated_windows_are_left_out(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = prepared(settings, tmp_path, monkeypatch)
    assert [found[f"rock/{number}.wav"].windows for number in (0, 1, 2)] == [4, 1, 4]
    repeated = [name for name, one in found.items() if not one.distinct[0, 0]]
    assert repeated == [f"{label}/{n}.wav" for label in ("classical", "rock") for n in (2, 3, 4, 5)][1:]
    assert all(one.distinct[:, 1:].all() for one in found.values())


def test_a_recording_beside_its_original_has_no_augmented_copies(settings: Settings, tmp_path: Path) -> None:
    settings = replace(settings, slice=replace(settings.slice, augment=AugmentSettings()))
    clips = [known for known in find_known_clips(tmp_path / "clips", settings, tmp_path) if "0.wav" in known.clip.name]
    recording = replace(clips[0], clip=replace(clips[0].clip, is_rerecorded=True))
    with ThreadPoolExecutor(1) as pool:
        marked, other = prepare_all(pool, [recording, clips[1]], settings, COPIES, print)
    assert marked.distinct.sum(axis=0).tolist() == [4, 0, 0] and other.distinct.all()
    assert len(material([marked, other], [np.ones(4, bool)] * 2, ["classical", "rock"], range(3)).labels) == 4 + 12


def test_the_gates_windows_equal_the_testing_windows_that_slicing_wrote(settings: Settings, tmp_path: Path) -> None:
    manifest = sliced(settings, tmp_path)
    clips = held_out_clips(manifest)
    windows = cut_windows(settings, tmp_path / "clips", manifest, clips)
    hashes = [sha256(window_file(window, settings.slice)).hexdigest() for own in windows for window in own]
    assert hashes == [window.sha256 for window in manifest.windows if window.split == "testing"]
    [last] = cut_windows(settings, tmp_path / "clips", manifest, clips[-1:])
    assert np.array_equal(last, windows[-1])
