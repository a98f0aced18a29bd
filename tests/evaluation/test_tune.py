"""A whole search on clips: killed, continued, shown, applied. One search in processes, which all tests read."""

from __future__ import annotations

import json
import random
import subprocess
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import eitk
from tuner_search import assert_continued, kill, project, start, stored

import ei_toolkit as api
from ei_toolkit.config import load_config
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import DataError, EitkError, MissingToolError, NetworkError
from ei_toolkit.evaluation import tune
from ei_toolkit.evaluation.folds import TRAINING
from ei_toolkit.evaluation.model import Recipe
from ei_toolkit.evaluation.tune import recipe_key
from ei_toolkit.evaluation.tune_folds import LEFT_OUT, accuracy_of, split_artists
from ei_toolkit.tuning.search import Trial

pytestmark = pytest.mark.timeout(1500)  # on a busy machine; 45 s on an idle one
KILL_AFTER_S = 2.0, 30.0


def known(name: str, label: str, group: str) -> KnownClip:
    return KnownClip(Clip(Path(name), name, label), name, group, None)


CLIPS = [known(f"{label}{i}", label, f"{label} artist {i // 2}") for label in ("rock", "classical") for i in range(12)]


def test_whole_artists_are_left_out_for_the_report_and_split_in_folds() -> None:
    search, report = split_artists(CLIPS, 2, 0.2, 7)
    for one, fold, of_report in zip(CLIPS, search, report, strict=True):
        same = {search[i] for i, other in enumerate(CLIPS) if other.group == one.group}
        assert same == {fold}
        assert (fold == LEFT_OUT) == (of_report == 0)
        assert of_report in (0, TRAINING)
    assert set(search) == {LEFT_OUT, 0, 1}
    for fold in (LEFT_OUT, 0, 1):
        assert {one.clip.label for one, own in zip(CLIPS, search, strict=True) if own == fold} == {"rock", "classical"}


def test_too_few_artists_are_named_with_the_folds_that_work() -> None:
    with pytest.raises(
        DataError, match="the label classical has 6 groups, and 6 folds and the report need 7"
    ) as caught:
        split_artists(CLIPS, 6, 0.2, 7)
    assert caught.value.hint.endswith("or set tune.folds = 5.")


def test_the_accuracy_counts_windows_and_draws_artists() -> None:
    counts = {one.clip.name: [2 if one.clip.label == "rock" else 1, 2] for one in CLIPS}
    loud = {name: [0, total] for name, (_, total) in counts.items()}
    found = accuracy_of([{"counts": {"clean": counts, "gain-20": loud}}], CLIPS)
    assert (found.accuracy, found.worst_condition, found.windows, found.groups) == (0.75, 0.0, 48, 12)
    assert found.interval[0] < 0.75 < found.interval[1]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Trial]]:
    """A finished search that was killed during its first trial with a stored fold, and the trials at that instant."""
    folder = project(tmp_path_factory.mktemp("search"))
    process = start(folder)
    while not any(trial.folds and trial.state == "running" for trial in stored(folder)):
        assert process.poll() is None, (folder / "log.txt").read_text()
        time.sleep(0.2)
    kill(process)
    before = stored(folder)
    assert start(folder, "resume").wait(1200) == 0, (folder / "log.txt").read_text()
    return folder, before


@pytest.mark.slow
def test_a_killed_search_loses_no_trial_and_runs_none_twice(searched: tuple[Path, list[Trial]]) -> None:
    folder, before = searched
    after = stored(folder)
    assert_continued(before, after)
    assert sum(trial.state == "complete" for trial in after) == 2
    assert "running" not in {trial.state for trial in after}


@pytest.mark.slow
def test_a_candidate_that_does_not_fit_is_refused_before_it_trains(searched: tuple[Path, list[Trial]]) -> None:
    refused = [trial for trial in stored(searched[0]) if trial.state == "refused"]
    for trial in refused:
        assert trial.parameters["width"] == 300
        assert "KiB of 60.0 KiB" in trial.reason
        assert not trial.folds
    for trial in stored(searched[0]):
        assert (trial.parameters["width"] == 8) == (trial.state in ("complete", "repeated"))


@pytest.mark.slow
def test_show_has_front_report_present_impulse_and_ends(searched: tuple[Path, list[Trial]]) -> None:
    folder, _ = searched
    data: dict[str, Any] = json.loads(eitk(folder, "tune", "show", "--json").out)
    assert data["chosen"] in data["front"]
    assert data["objectives"] == ["accuracy", "worst_condition", "ram", "flash", "time"]
    assert data["current"]["groups"] == data["trials"][data["chosen"]]["groups"] == 6
    assert [report["model"] for report in data["reports"]] == [f"trial {data['chosen']}", "current"]
    assert data["reports"][0]["groups"] == 2
    assert data["current"]["cost"]["how"] == "cost model"
    text = eitk(folder, "tune", "show", "--plot", "front.png")
    assert (folder / "front.png").read_bytes().startswith(b"\x89PNG")
    for part in ("present impulse", "on artists that no trial has seen", f"eitk tune apply {data['chosen']}"):
        assert part in text.out


@pytest.mark.slow
def test_the_search_is_read_and_applied_in_python(searched: tuple[Path, list[Trial]]) -> None:
    folder, _ = searched
    text = (folder / "eitk.toml").read_text()
    own = api.open_project(folder, environ={})
    search = api.read_search(own)
    assert search.chosen in search.front
    assert len(search.records()) == len(stored(folder)) == len(search.to_dict()["trials"])
    assert search.figure().axes[0].get_xlabel() == "milliseconds of one classification"
    assert api.tune(own, jobs=1).to_dict() == search.to_dict()  # complete: no further trial
    try:
        applied = api.apply_trial(own, search.chosen or 0)
        assert applied.settings.impulse.script.startswith("tuned-")
    finally:
        (folder / "eitk.toml").write_text(text)
    with pytest.raises(api.UsageError, match="no trial 99"):
        api.apply_trial(own, 99)


@pytest.mark.slow
def test_an_applied_trial_is_a_valid_project(searched: tuple[Path, list[Trial]], tmp_path: Path) -> None:
    folder, _ = searched
    text = (folder / "eitk.toml").read_text()
    number = next(trial.number for trial in stored(folder) if trial.state == "complete")
    assert eitk(folder, "tune", "apply", str(number), "--dry-run").code == 0
    assert (folder / "eitk.toml").read_text() == text
    try:
        done = eitk(folder, "tune", "apply", str(number))
        assert (done.code, f"trial {number} is written into eitk.toml" in done.out) == (0, True)
        assert eitk(folder, "config", "check").code == 0
        assert load_config(folder, {}).settings.impulse.script.startswith("tuned-")
    finally:
        (folder / "eitk.toml").write_text(text)


def test_another_impulse_of_the_project_is_another_recipe(tmp_path: Path) -> None:
    settings = load_config(project(tmp_path), {}).settings
    one, longer = Recipe("a", settings), replace(settings, training=replace(settings.training, epochs=9))
    assert recipe_key(one) == recipe_key(Recipe("b", settings))
    assert len({recipe_key(one), recipe_key(Recipe("a", longer)), recipe_key(Recipe("a", settings, "script"))}) == 3


@pytest.mark.slow
def test_another_space_is_not_mixed_with_the_stored_search(searched: tuple[Path, list[Trial]]) -> None:
    folder, _ = searched
    done = eitk(folder, "-o", "tune.folds=3", "tune", "resume")
    assert done.code == 3
    assert "the stored search differs from eitk.toml and the clips in tune" in done.err
    assert "eitk tune --restart" in done.err


@pytest.mark.slow
def test_a_complete_search_starts_no_further_trial(searched: tuple[Path, list[Trial]]) -> None:
    folder, _ = searched
    trials = stored(folder)
    assert eitk(folder, "tune", "resume", "--jobs", "1").code == 0
    assert stored(folder) == trials


def test_without_a_search_every_command_names_the_first_one(tmp_path: Path) -> None:
    project(tmp_path)
    for line in (["resume"], ["show"], ["apply", "0"]):
        done = eitk(tmp_path, "tune", *line)
        assert (done.code, "there is no search in this project" in done.err) == (3, True)


def test_an_empty_list_is_refused_by_its_name(tmp_path: Path) -> None:
    project(tmp_path)
    done = eitk(tmp_path, "-o", "tune.block=[]", "tune")
    assert done.code != 0
    assert "tune.block is empty, so there is no candidate" in done.err


def test_a_space_without_a_valid_candidate_ends_with_the_last_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune, "MOST_REFUSED", 3)
    project(tmp_path)
    file = tmp_path / "eitk.toml"
    file.write_text(file.read_text().replace("frame_ms = [100]", "frame_ms = [5000]"))
    done = eitk(tmp_path, "tune", "--jobs", "1")
    assert done.code == 1
    assert "3 candidates one after another were refused" in done.err
    assert "frame length is larger than the window" in done.err
    assert [trial.state for trial in stored(tmp_path)] == ["refused"] * 3


@pytest.mark.parametrize(
    ("error", "message"),
    [(BrokenProcessPool(), "a worker process has ended"), (OSError(28, "No space left on device"), "No space left")],
)
def test_a_worker_that_ends_or_cannot_write_stops_the_search_with_what_to_do(error: Exception, message: str) -> None:
    future: Future[Any] = Future()
    future.set_exception(error)
    with pytest.raises(EitkError, match=message) as caught:
        tune._result(future)
    assert "eitk tune resume" in caught.value.hint


def test_only_what_concerns_the_candidate_refuses_it() -> None:
    def step(error: Exception | None) -> str:
        if error:
            raise error
        return "cost"

    assert tune._or_rejection(step, None) == "cost"
    assert tune._or_rejection(step, DataError("no code", why="a sum")) == tune._Rejection("no code (a sum)")
    for error in (MissingToolError("no compiler"), MemoryError(), NetworkError("the scheduler was lost")):
        with pytest.raises(type(error)):
            tune._or_rejection(step, error)


def test_a_search_runs_on_the_scheduler_of_the_settings(tmp_path: Path) -> None:
    done = eitk(project(tmp_path), "-o", "compute.scheduler=tcp://127.0.0.1:1", "tune")
    assert (done.code, "no Dask scheduler answers at tcp://127.0.0.1:1" in done.err) == (4, True)


def test_a_second_process_does_not_work_on_the_same_search(tmp_path: Path) -> None:
    project(tmp_path)
    folder = tmp_path / ".eitk" / "tune"
    folder.mkdir(parents=True)
    with acquire_lock(folder / "lock"):
        done = eitk(tmp_path, "tune")
    assert (done.code, "another eitk tune works on this search" in done.err) == (2, True)


@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_a_search_that_is_killed_at_twenty_random_instants_is_complete(tmp_path: Path) -> None:
    folder, rng = project(tmp_path, trials=6), random.Random(20)
    before: list[Trial] = []
    for kills in range(20):
        process = start(folder, *(["resume"] if stored(folder) else []))
        try:
            process.wait(rng.uniform(*KILL_AFTER_S))
        except subprocess.TimeoutExpired:
            kill(process)
        after = stored(folder)
        assert_continued(before, after)
        before = after
        print(kills, [trial.state for trial in after])
    assert start(folder).wait(1800) == 0, (folder / "log.txt").read_text()
    after = stored(folder)
    assert_continued(before, after)
    assert sum(trial.state == "complete" for trial in after) == 6
    assert np.all([len(trial.folds) == 2 for trial in after if trial.state == "complete"])
