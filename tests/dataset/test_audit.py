"""A folder with every kind of leak in it, and the report of an audit of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.config import Settings
from ei_toolkit.dataset.audit import Audit, SameRecording, audit
from ei_toolkit.dataset.plan import plan_slices
from ei_toolkit.report.audit import as_data, as_text

Write = Callable[..., Path]
RATE = 8000


def melody(seed: int, gain: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    track = 0.001 * rng.standard_normal(12 * RATE)
    t = np.arange(RATE // 2) / RATE
    for start in rng.integers(0, len(track) - len(t), 80):
        track[start : start + len(t)] += 0.05 * np.sin(2 * np.pi * rng.uniform(150, 3500) * t) * np.exp(-4 * t)
    return gain * track


@pytest.fixture
def loud_and_quiet(tmp_path: Path) -> Path:
    """Ten loud and ten quiet clips by two artists a label."""
    rows = ["clip,group"]
    for label, gain in (("loud", 2.0), ("quiet", 0.2)):
        (tmp_path / "clips" / label).mkdir(parents=True)
        for number in range(10):
            soundfile.write(tmp_path / "clips" / label / f"{number}.wav", melody(len(label) * 100 + number, gain), RATE)
            rows.append(f"{label}/{number}.wav,{label} artist {number % 5}")
    (tmp_path / "clips" / "groups.csv").write_text("\n".join(rows))
    return tmp_path


def run(settings: Settings, loud_and_quiet: Path, split: str, jobs: int = 1) -> Audit:
    settings = replace(settings, dataset=replace(settings.dataset, split=split))  # type: ignore[arg-type]
    return audit(plan_slices(settings, loud_and_quiet), settings.slice.reading, jobs, lambda _done, _note: None)


def test_a_split_by_artist_leaks_nothing(settings: Settings, loud_and_quiet: Path) -> None:
    found = run(settings, loud_and_quiet, "artist")
    assert found.shared_artists == ()
    assert found.same_recordings == ()
    assert not found.leaks
    assert "groups in both splits: none" in as_text(found)


def test_a_split_by_track_shares_artists(settings: Settings, loud_and_quiet: Path) -> None:
    found = run(settings, loud_and_quiet, "track")
    assert found.leaks
    assert set(found.shared_artists) <= {f"{label} artist {n}" for label in ("loud", "quiet") for n in range(5)}
    assert found.test_clips_of_shared_artists > 0.5
    assert "LEAKS" in as_text(found)


def test_an_excerpt_under_another_name_is_found(settings: Settings, loud_and_quiet: Path) -> None:
    whole, _ = soundfile.read(loud_and_quiet / "clips" / "loud" / "0.wav")
    soundfile.write(loud_and_quiet / "clips" / "loud" / "bootleg.wav", 0.5 * whole[2 * RATE :], RATE)
    found = run(settings, loud_and_quiet, "track", jobs=2)
    (pair,) = found.same_recordings
    assert (pair.first, pair.second) == ("loud/0.wav", "loud/bootleg.wav")
    assert pair.offset == pytest.approx(-2, abs=0.1)
    assert found.clips_without_artist == 1


def test_a_leak_is_a_recording_on_both_sides() -> None:
    pair = SameRecording("a", "b", 0.0, True)
    none = Audit((), (), 0.0, 0, (pair,), (), (), 0.0, 0.0, ())
    assert none.leaks
    assert not replace(none, same_recordings=(replace(pair, leaks=False),)).leaks


def test_loudness_gives_the_label_away(settings: Settings, loud_and_quiet: Path) -> None:
    found = run(settings, loud_and_quiet, "artist")
    loud, quiet = found.loudness
    assert loud.mean_dbfs - quiet.mean_dbfs == pytest.approx(20, abs=1)
    assert found.loudness_accuracy == 1.0
    assert found.majority_accuracy == 0.5


def test_known_doubles_and_faults_of_gtzan_are_named(settings: Settings, loud_and_quiet: Path) -> None:
    for number, name in enumerate(("classical.00051", "classical.00080", "classical.00003", "classical.00030")):
        (loud_and_quiet / "clips" / "classical").mkdir(exist_ok=True)
        soundfile.write(loud_and_quiet / "clips" / "classical" / f"{name}.wav", melody(900 + number, 1.0), RATE)
    found = run(settings, loud_and_quiet, "artist")
    assert (
        SameRecording("classical/classical.00051.wav", "classical/classical.00080.wav", None, False)
        in found.same_recordings
    )
    assert ("classical/classical.00080.wav", "same recording as classical.00051") in found.faults
    assert "another part" in as_text(found)


def test_a_clip_that_only_decoding_shows_to_be_bad_is_named(settings: Settings, loud_and_quiet: Path) -> None:
    soundfile.write(loud_and_quiet / "clips" / "loud" / "nan.wav", np.full(2 * RATE, np.nan), RATE, "FLOAT")
    found = run(settings, loud_and_quiet, "artist")
    assert found.unreadable == ("loud/nan.wav",)


def test_data_for_programs_is_plain(settings: Settings, loud_and_quiet: Path) -> None:
    import json

    data = json.loads(json.dumps(as_data(run(settings, loud_and_quiet, "track"))))
    assert data["leaks"] is True
    assert {"shared_artists", "same_recordings", "loudness_accuracy", "faults"} <= set(data)
