"""Predictions for held-out clips as figures, compared with plain Python, and which clips a model may be tested on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.config import DatasetSettings, DspBlock, Settings
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.candidate import Candidate
from ei_toolkit.evaluation.held_out import HeldOut, Outcome, exclude_seen, held_out_clips, try_model

LABELS = ("classical", "jazz", "rock")


@dataclass
class Case:
    """Clips with their windows' scores, and the outcome that has the same as arrays."""

    clips: list[tuple[str, list[list[float]]]]

    @property
    def outcome(self) -> Outcome:
        held = tuple(HeldOut(f"{i}.wav", f"a{i % 2}", label, str(i)) for i, (label, _) in enumerate(self.clips))
        owner = [i for i, (_, windows) in enumerate(self.clips) for _ in windows]
        rows = [window for _, windows in self.clips for window in windows]
        return Outcome(held, LABELS, np.array(owner, np.intp), np.array(rows, np.float32).reshape(-1, len(LABELS)))

    def best(self, scores: list[float]) -> str:
        return LABELS[max(range(len(LABELS)), key=lambda i: (scores[i], -i))]

    def is_right(self, label: str, scores: list[float], threshold: float) -> bool:
        return self.best(scores) == label and max(scores) >= threshold


SCORES = st.lists(st.integers(0, 8).map(lambda n: n / 8), min_size=3, max_size=3)  # exact in float32
CLIPS = st.lists(st.tuples(st.sampled_from(LABELS), st.lists(SCORES, min_size=1, max_size=4)), min_size=1, max_size=6)
CASES = CLIPS.map(Case)
THRESHOLDS = st.integers(0, 8).map(lambda n: n / 8)


@settings(max_examples=30)
@given(CASES, THRESHOLDS)
def test_the_accuracy_counts_windows_whose_label_is_best_at_the_threshold(case: Case, threshold: float) -> None:
    right = [case.is_right(label, scores, threshold) for label, windows in case.clips for scores in windows]
    assert case.outcome.window_accuracy(threshold) == pytest.approx(fmean(right))


@settings(max_examples=30)
@given(CASES, THRESHOLDS)
def test_each_clip_has_its_own_share_and_number_of_windows(case: Case, threshold: float) -> None:
    for track, (label, windows) in zip(case.outcome.tracks(threshold), case.clips, strict=True):
        assert track.label == label
        assert track.windows == len(windows)
        assert track.right == pytest.approx(fmean(case.is_right(label, scores, threshold) for scores in windows))


@settings(max_examples=30)
@given(CASES)
def test_a_clip_is_right_if_its_label_has_the_highest_mean(case: Case) -> None:
    means = [(label, [fmean(column) for column in zip(*windows, strict=True)]) for label, windows in case.clips]
    right = [case.best(mean) == label for label, mean in means]
    assert case.outcome.track_accuracy() == pytest.approx(fmean(right))


@settings(max_examples=30)
@given(CASES, THRESHOLDS)
def test_every_window_is_in_one_cell_of_the_confusion_matrix(case: Case, threshold: float) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for label, windows in case.clips:
        for scores in windows:
            counted[label, case.best(scores) if max(scores) >= threshold else "uncertain"] += 1
    matrix = case.outcome.confusion(threshold)
    columns = (*LABELS, "uncertain")
    found = {(LABELS[i], columns[j]): n for i, row in enumerate(matrix) for j, n in enumerate(row) if n}
    assert found == dict(counted)


@settings(max_examples=30)
@given(CASES)
def test_windows_are_counted_by_label(case: Case) -> None:
    for name in LABELS:
        assert case.outcome.windows_of(name) == sum(len(windows) for label, windows in case.clips if label == name)


def window(clip: str, split: str, artist: str = "x", start: int = 0) -> Window:
    return Window(f"{clip}.{start}.wav", "0" * 64, clip, f"sha of {clip}", artist, start, "rock", split)  # type: ignore[arg-type]


def test_testing_clips_are_listed_once_in_the_order_of_the_manifest() -> None:
    manifest = Manifest(
        (window("b", "testing"), window("b", "testing", start=1), window("c", "training"), window("a", "testing"))
    )
    assert [clip.name for clip in held_out_clips(manifest)] == ["b", "a"]
    assert held_out_clips(Manifest(())) == ()


CLIPS_OF_ARTISTS = (
    HeldOut("own.wav", "Queen", "rock", "1"),
    HeldOut("same artist.wav", "Bach", "classical", "2"),
    HeldOut("other.wav", "Sting", "rock", "3"),
)
SEEN = TrainingProvenance(frozenset({"1"}), frozenset({"Bach"}))


@pytest.mark.parametrize(
    ("split", "names"),
    [("artist", ["other.wav"]), ("fault-filtered", ["other.wav"]), ("track", ["same artist.wav", "other.wav"])],
)
def test_clips_that_the_model_was_trained_on_are_not_tested(split: str, names: list[str]) -> None:
    dataset = replace(DatasetSettings(), split=split)  # type: ignore[arg-type]
    assert [clip.name for clip in exclude_seen(CLIPS_OF_ARTISTS, SEEN, dataset)] == names


def test_a_model_without_provenance_of_artists_is_tested_by_clip() -> None:
    seen = TrainingProvenance(frozenset({"3"}))
    tested = exclude_seen(CLIPS_OF_ARTISTS, seen, DatasetSettings())
    assert [clip.name for clip in tested] == ["own.wav", "same artist.wav"]


def test_settings_that_do_not_fit_the_model_are_reported(goldens: Path) -> None:
    model = (goldens / "int8" / "sample_int8.tflite").read_bytes()
    cut = replace(Settings().slice, window_ms=500)
    impulse = replace(Settings().impulse, dsp=(DspBlock("spectrogram", 4),))
    candidate = Candidate(model, ("classical", "rock"), replace(Settings(), slice=cut, impulse=impulse), SEEN)
    silence = np.ones((1, 8000), np.int16)
    with pytest.raises(DataError, match=r"the model takes \d+ features, the impulse gives \d+") as caught:
        try_model(candidate, CLIPS_OF_ARTISTS[:1], [silence])
    assert caught.value.why.startswith("eitk.toml was changed after the model was trained")
    assert caught.value.hint == "eitk impulse apply, then eitk train --eon"
