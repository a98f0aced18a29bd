"""Suites on tables of features: which rows are trained on and tested, the figures, and the table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import eitk

from ei_toolkit.compression.clip_scores import ClipScores
from ei_toolkit.config.settings import ClassifierSettings
from ei_toolkit.dataset.index import load_index
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.evaluation import suite
from ei_toolkit.evaluation.labelled_rows import LabelledRows, labelled_rows, splits
from ei_toolkit.evaluation.suite import calibrated, number_of_trainings, run_suite, training_scores
from ei_toolkit.evaluation.suite_models import BEST, SuiteModel, chosen_models
from ei_toolkit.evaluation.suite_networks import ensemble_rows
from ei_toolkit.features.log_mel import read_log_mel
from ei_toolkit.features.model import softmax
from ei_toolkit.features.table import FeatureTable, read_table, write_table
from ei_toolkit.report.suite_tables import suite_data, suite_markdown

GENRES = ("metal", "pop", "rock")
KNN = SuiteModel("KNN", "51", "clip", ClassifierSettings("knn"))
SEGMENTS = SuiteModel("by segment", "95", "segment", ClassifierSettings("knn"))


def table(count: int = 40, windows: int = 1) -> FeatureTable:
    """Tracks of three genres; half of the features depend on the genre, the others on the artist only."""
    tracks = [f"{genre}.{2 * number:05}" for genre in GENRES for number in range(count) for _ in range(windows)]
    random = np.random.default_rng(0)
    index = load_index().tracks
    genre_of = np.array([GENRES.index(name.partition(".")[0]) for name in tracks])
    artists = sorted({index[name].group for name in tracks})
    of_artist = random.normal(size=(len(artists), 57))[[artists.index(index[name].group) for name in tracks]]
    values = of_artist + 0.2 * random.normal(size=of_artist.shape)
    values[:, :3] += 1.2 * (genre_of[:, None] == np.arange(3))
    names, labels = tuple(f"{name}.wav" for name in tracks), tuple(GENRES[genre] for genre in genre_of)
    starts = np.tile(np.arange(windows) * 3000, len(tracks) // windows)
    return FeatureTable("summary-57", names, labels, ("",) * len(names), starts, values)


@pytest.fixture(scope="module")
def rows() -> LabelledRows:
    return labelled_rows(table())


def test_rows_know_artist_and_published_part_of_their_tracks(rows: LabelledRows) -> None:
    track = load_index().tracks["metal.00004"]
    place = rows.clips.index("metal.00004")
    assert (rows.groups[place], rows.parts[place]) == (track.group, track.part)
    assert rows.names == GENRES


@pytest.mark.parametrize("name", ["metal.00004", "metal.00004.wav", "genres/metal/metal.00004.au", "metal.00004.7.wav"])
def test_a_track_is_found_by_each_usual_name_of_its_row(name: str) -> None:
    named = replace(table(), names=(*table().names[:-1], name), labels=(*table().labels[:-1], "metal"))
    assert labelled_rows(named).clips[-1] == "metal.00004"


@pytest.mark.parametrize("protocol", ["segment", "clip", "artist"])
def test_each_row_is_tested_once_and_what_belongs_together_stays_together(protocol: Any) -> None:
    rows = labelled_rows(table(windows=3))
    found = splits(rows, protocol, seed=0)
    assert sorted(np.concatenate([testing for _, testing in found])) == list(range(len(rows.clips)))
    shared = {
        unit: any({of[i] for i in training} & {of[i] for i in testing} for training, testing in found)
        for unit, of in (("clip", rows.clips), ("artist", rows.groups))
    }
    assert shared == {"clip": protocol == "segment", "artist": protocol != "artist"}


def test_the_fault_filtered_split_is_the_published_one(rows: LabelledRows) -> None:
    [(training, testing)] = splits(rows, "fault-filtered", seed=0)
    assert {rows.parts[row] for row in training} == {"train", "valid"}
    assert {rows.parts[row] for row in testing} == {"test"}


def test_a_leak_of_artists_shows_in_the_figures(rows: LabelledRows) -> None:
    [row] = run_suite([KNN], rows, 2, 1, lambda _done, _note: None)
    assert list(row.measured) == ["clip", "artist", "fault-filtered"]
    clip, artist = row.measured["clip"], row.measured["artist"]
    assert clip.accuracy > artist.accuracy + 0.05
    assert len(artist.by_seed) == 2
    assert artist.interval[0] < artist.accuracy < artist.interval[1]
    assert (clip.clips, row.parameters) == (120, 57 * 97 + 97 + 1 + 2 * 57)


def test_without_windows_a_figure_by_segment_is_measured_by_clip_and_states_so(rows: LabelledRows) -> None:
    [row] = run_suite([SEGMENTS], rows, 1, 1, lambda _done, _note: None)
    assert row.own_protocol.protocol == "clip"
    assert row.remark == "same protocol: by clip, because the table has no windows"
    [row] = run_suite([SEGMENTS], labelled_rows(table(windows=2)), 1, 1, lambda _done, _note: None)
    assert (row.own_protocol.protocol, row.remark) == ("segment", "")


def test_the_table_has_published_and_measured_figures_with_their_leak(rows: LabelledRows) -> None:
    text = suite_markdown(suite_data("ten-genres", run_suite([KNN], rows, 1, 1, lambda _done, _note: None), 1))
    assert "| KNN | 51 (clip) |" in text and "| no: features |" in text
    assert "* The protocol clip leaks" in text
    assert "* clip: 120 clips of " in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ("my song.wav", *table().names[1:])}, "1 clip without an artist: my song.wav"),
        ({"labels": ("rock", *table().labels[1:])}, "labels that are not those of GTZAN: metal.00000.wav (rock, GTZAN"),
        ({"labels": ("polka", *table().labels[1:])}, "the label polka has 1 clip, which cannot be in training and in"),
        ({"labels": ("polka",) * 120}, "all rows have the label polka"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_used_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        labelled_rows(replace(table(), **change))
    assert message in caught.value.what


def test_too_few_artists_for_the_folds_name_the_label(rows: LabelledRows) -> None:
    few = replace(
        rows,
        groups=tuple("one" if label == 2 else group for group, label in zip(rows.groups, rows.labels, strict=True)),
    )
    with pytest.raises(DataError) as caught:
        splits(few, "artist", 0)
    assert caught.value.what == "5 folds cannot be made, because the label rock has 1 artist"


def test_own_clips_with_a_group_need_no_index() -> None:
    names = tuple(f"{label}-{number}" for label in "ab" for number in range(6))
    own = FeatureTable("summary-57", names, ("a",) * 6 + ("b",) * 6, names, np.zeros(12, np.int64), np.zeros((12, 57)))
    assert labelled_rows(own).groups == names
    with pytest.raises(DataError, match="these rows do not contain the published test part"):
        splits(labelled_rows(own), "fault-filtered", 0)


def test_models_are_chosen_by_the_beginnings_of_their_names() -> None:
    assert [model.name for model in chosen_models("ten-genres", "b1, svm")] == [
        "B1 KNN (10, distance)", "SVM (C 10, gamma 0.01)",
    ]  # fmt: skip
    with pytest.raises(UsageError, match="the suite ten-genres has no model 'z9'"):
        chosen_models("ten-genres", "z9")
    with pytest.raises(UsageError, match="there is no suite 'nine-genres'"):
        chosen_models("nine-genres")


@pytest.mark.parametrize(
    "option", [("--models", "B1"), ("--output", "suite.md"), ("--log-mel", "spectra"), ("--scores", "s.npz")]
)
def test_options_of_a_suite_are_refused_without_one(tmp_path: Path, option: tuple[str, str]) -> None:
    refused = eitk(tmp_path, "evaluate", *option)
    assert refused.code == 2 and "--models, --log-mel, --scores and --output are for --suite" in refused.err


def test_the_command_writes_what_it_prints(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", table())
    code, out, err = eitk(
        tmp_path, "evaluate", "--suite", "ten-genres", "--features", "t.csv", "--models", "B1", "--jobs", "1",
        "-o", "r.json", "--json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out) == json.loads((tmp_path / "r.json").read_text())
    assert "warning: the protocol clip leaks" in err
    assert "120 rows of 120 clips" in err


def test_the_classifier_of_a_recipe_is_measured_under_one_protocol(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", table())
    given = ("evaluate", "--features", "t.csv", "--jobs", "1", "--json")
    code, out, err = eitk(tmp_path, *given, "--recipe", "knn", "--protocol", "clip")
    assert code == 0, err
    assert (json.loads(out)["protocol"], json.loads(out)["clips"]) == ("clip", 120)
    assert "the protocol clip leaks" in err
    code, _, err = eitk(tmp_path, *given)
    assert (code, "[classifier] kind is none" in err) == (2, True)


@pytest.mark.parametrize("model", [KNN, SEGMENTS, replace(KNN, folds=1)])
@pytest.mark.parametrize("protocols", [(), ("artist", "fault-filtered")])
def test_the_stated_number_of_trainings_is_the_true_one(rows: LabelledRows, model: SuiteModel, protocols: Any) -> None:
    done: list[float] = []
    run_suite([model], rows, 2, 1, lambda number, _note: done.append(number), protocols)
    assert done[-1] == number_of_trainings([model], 2, protocols)


def scores_for_training(rows: LabelledRows, model: SuiteModel = KNN, seeds: int = 1) -> Any:
    return training_scores(model, rows, seeds, lambda _done, _note: None)


def test_scores_are_of_the_clips_of_the_training_parts() -> None:
    rows = labelled_rows(table(windows=2))
    rows = replace(rows, values=rows.values + np.tile(np.eye(3), 19)[rows.labels])  # of every artist
    clips, scores = scores_for_training(rows)
    part_of = dict(zip(rows.clips, rows.parts, strict=True))
    assert {part_of[clip] for clip in clips} == {"train", "valid"}
    assert len(clips) == len({clip for clip in rows.clips if part_of[clip] in ("train", "valid")})
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    label_of = dict(zip(rows.clips, rows.labels, strict=True))
    assert np.mean(scores.argmax(axis=1) == [label_of[clip] for clip in clips]) > 0.8


def test_the_test_part_does_not_change_the_scores() -> None:
    rows = labelled_rows(table())
    is_test = np.array(rows.parts) == "test"
    other = replace(rows, values=np.where(is_test[:, None], 100.0, rows.values))
    np.testing.assert_array_equal(scores_for_training(rows)[1], scores_for_training(other)[1])


def test_no_model_has_learned_from_the_artists_that_it_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[set[str], set[str]]] = []
    fit = suite._fit

    def watched(task: Any, models: Any, rows: Any, kept: Any) -> Any:
        training, testing = task.split
        seen.append(({rows.groups[row] for row in training}, {rows.groups[row] for row in testing}))
        return fit(task, models, rows, kept)

    monkeypatch.setattr(suite, "_fit", watched)
    scores_for_training(labelled_rows(table()), replace(KNN, folds=1), seeds=2)
    assert len(seen) == 10
    assert not any(training & testing for training, testing in seen)


def test_calibrated_scores_are_as_probable_as_they_state() -> None:
    """Labels that are drawn from scores: from the same scores at another temperature, these are found again."""
    random = np.random.default_rng(0)
    true = softmax(random.normal(size=(4000, 3)))
    labels = (random.random((4000, 1)) > np.cumsum(true, axis=1)[:, :2]).sum(axis=1)
    np.testing.assert_allclose(calibrated(true**3, labels), true, atol=0.03)


def test_the_command_writes_scores_that_compress_reads(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", table())
    given = ("evaluate", "--suite", "ten-genres", "--features", "t.csv", "--scores", "s.npz")
    code, out, err = eitk(tmp_path, *given, "--models", "B1")
    assert code == 0, err
    found = ClipScores.read(tmp_path / "s.npz")
    assert found.labels == GENRES and f"scores of {len(found.clips)} clips by B1 KNN" in out
    code, _, err = eitk(tmp_path, *given, "--models", "B1,SVM")
    assert code == 2 and "--scores is for one model" in err


@pytest.mark.gtzan
@pytest.mark.exhaustive
def test_kernel_machines_on_texture_features_are_best_for_unseen_artists(gtzan: Path) -> None:
    table = labelled_rows(read_table(gtzan / "ten-genres/features_30_sec.csv"))
    rows = ensemble_rows(read_log_mel(gtzan / "ten-genres"), table)
    [row] = run_suite([BEST], rows, 1, 1, lambda _done, _note: None, ("fault-filtered",))
    assert row.measured["fault-filtered"].clips == 290
    assert 100 * row.measured["fault-filtered"].accuracy == pytest.approx(68.6, abs=0.5)


@pytest.mark.gtzan
@pytest.mark.exhaustive
def test_the_convolutional_network_of_write_up_c_reaches_its_published_figure(gtzan: Path) -> None:
    rows = labelled_rows(read_table(gtzan / "ten-genres/features_30_sec.csv"))
    [row] = run_suite(chosen_models("ten-genres", "C 1-D"), rows, 1, 1, lambda _done, _note: None, ("clip",))
    assert 100 * row.measured["clip"].accuracy == pytest.approx(71.7, abs=3)


@pytest.mark.gtzan
def test_figures_of_all_tracks_are_those_measured_with_plain_scikit_learn(gtzan: Path) -> None:
    check_figures(gtzan, "B1", (69.7, 47.8, 41.7), seeds=1)


@pytest.mark.gtzan
@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("B1", (69.7, 47.8, 41.7)), ("regression", (71.7, 56.8, 53.4)), ("SVM", (75.0, 55.0, 49.7)),
        ("random forest", (70.9, 54.2, 51.4)), ("MLP", (69.1, 54.7, 48.6)),
    ],
)  # fmt: skip
def test_figures_of_all_tracks_over_five_seeds(gtzan: Path, name: str, figures: tuple[float, ...]) -> None:
    check_figures(gtzan, name, figures, seeds=5)


def check_figures(gtzan: Path, name: str, figures: tuple[float, ...], seeds: int) -> None:
    rows = labelled_rows(read_table(gtzan / "ten-genres/features_30_sec.csv"))
    [row] = run_suite(chosen_models("ten-genres", name), rows, seeds, 1, lambda _done, _note: None)
    for protocol, figure in zip(("clip", "artist", "fault-filtered"), figures, strict=True):
        assert 100 * row.measured[protocol].accuracy == pytest.approx(figure, abs=2), protocol
