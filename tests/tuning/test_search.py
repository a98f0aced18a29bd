"""The search in its file: continued after an interruption, equal for equal seeds, refused where it cannot be read."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.tuning.search import Pruning, Search, SearchOptions, Trial, dominates, front, trial_of
from ei_toolkit.tuning.space import Parameters, Suggesting

OPTIONS = SearchOptions(("accuracy", "time"), (True, False), "tpe", "median", 12, 3, 7)


class Square:
    """Two numbers and a choice."""

    def suggest(self, trial: Suggesting) -> Parameters:
        kind = trial.suggest_categorical("kind", ["a", "b"])
        return {"kind": kind, "x": trial.suggest_float("x", 0.1, 10.0, log=True)}

    def description(self) -> Any:
        return {"x": [0.1, 10.0]}


def work(search: Search, options: SearchOptions, until: int) -> None:
    """Run the trials below `until`, each with an accuracy and a time that follow from its parameters."""
    while len(search.trials()) < until:
        trial = search.ask(Square(), options)
        x = float(trial.parameters["x"])
        search.record(trial.number, "cost", {"ms": x})
        search.end(trial.number, "complete", values=[1 / (1 + (x - 3) ** 2), x])


def parameters(search: Search) -> list[Parameters]:
    return [trial.parameters for trial in search.trials()]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_search_that_is_opened_again_continues_as_if_it_was_never_closed(sampler: Any, tmp_path: Path) -> None:
    options = SearchOptions(("accuracy", "time"), (True, False), sampler, "none", 12, 3, 7)
    whole = Search.create(tmp_path / "whole.sqlite", options, {})
    work(whole, options, 6)
    work(Search.create(tmp_path / "parts.sqlite", options, {}), options, 4)
    again = Search.open(tmp_path / "parts.sqlite")
    assert again is not None
    work(again, options, 6)
    assert parameters(again) == parameters(whole)
    assert front(again.trials(), options.maximised) == front(whole.trials(), options.maximised)


def test_a_trial_that_was_running_keeps_its_parameters_and_what_was_computed(tmp_path: Path) -> None:
    search = Search.create(tmp_path / "s.sqlite", OPTIONS, {})
    asked = search.ask(Square(), OPTIONS)
    search.record(asked.number, "cost", {"ms": 1})
    search.record(asked.number, "fold 0", {"counts": {}})
    again = Search.open(tmp_path / "s.sqlite")
    assert again is not None
    assert again.unfinished() == [0]
    taken = again.ask(Square(), OPTIONS, 0)
    assert (taken.parameters, taken.cost, len(taken.folds)) == (asked.parameters, {"ms": 1}, 1)
    again.end(0, "pruned", reason="the accuracy is lower")
    assert [(trial.state, trial.reason) for trial in again.trials()] == [("pruned", "the accuracy is lower")]
    assert again.unfinished() == []


def test_a_trial_without_all_of_its_parameters_gets_the_rest(tmp_path: Path) -> None:
    """The process was killed between two suggestions."""
    search = Search.create(tmp_path / "s.sqlite", OPTIONS, {})
    trial = search.study.ask()
    kind = trial.suggest_categorical("kind", ["a", "b"])
    assert search.trials()[0].parameters == {}
    assert search.ask(Square(), OPTIONS, 0).parameters["kind"] == kind


def test_an_interrupted_creation_is_no_search(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    assert Search.open(file) is None
    search = Search.create(file, OPTIONS, {"identity": {"a": 1}})
    assert search.attribute("identity") == {"a": 1}
    with sqlite3.connect(file) as db:
        db.execute("DELETE FROM study_user_attributes WHERE key = 'format'")
    assert Search.open(file) is None


def test_another_process_sees_a_new_search_only_when_it_is_complete(tmp_path: Path) -> None:
    """`eitk tune show` may run while `eitk tune` creates the file."""
    file = tmp_path / "s.sqlite"
    with ThreadPoolExecutor(1) as other:
        creation = other.submit(Search.create, file, OPTIONS, {"identity": {"a": 1}})
        while not creation.done():
            assert not file.exists() or Search.open(file) is not None
        creation.result()
    assert [path.name for path in tmp_path.iterdir()] == ["s.sqlite"]


def test_a_storage_of_another_version_is_refused_with_both_versions(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    Search.create(file, OPTIONS, {}).set_attribute("format", 99)
    with pytest.raises(DataError, match=r"written by another version \(its format is 99, that of this eitk is 1\)"):
        Search.open(file)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(DataError, match="is damaged"):
        Search.open(file)


def test_a_full_disk_is_an_error_and_the_search_goes_on_after_it(tmp_path: Path) -> None:
    """SQLite may not write more pages than the file has: the error of a disk without space."""
    file = tmp_path / "s.sqlite"
    search = Search.create(file, OPTIONS, {})
    work(search, OPTIONS, 2)
    full = Search.open(file)
    assert full is not None
    engine = full.study._storage._backend.engine  # type: ignore[attr-defined]
    from sqlalchemy import event

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    engine.dispose()
    with pytest.raises(DataError, match="full"):
        for number in range(40):
            trial = full.ask(Square(), OPTIONS)
            full.record(trial.number, f"fold {number}", "x" * 5000)
    again = Search.open(file)
    assert again is not None
    for number in again.unfinished():
        again.end(again.ask(Square(), OPTIONS, number).number, "refused", reason="does not fit")
    work(again, OPTIONS, len(again.trials()) + 1)
    assert [trial.state for trial in again.trials()][-1] == "complete"


def trial(number: int, *values: float) -> Trial:
    return Trial(number, "complete", {}, "", None, (), values)


def test_the_front_holds_the_trials_that_no_other_one_dominates() -> None:
    trials = [trial(0, 0.9, 50), trial(1, 0.8, 20), trial(2, 0.8, 30), trial(3, 0.7, 60), trial(4, 0.9, 50)]
    assert [each.number for each in front(trials, (True, False))] == [0, 1, 4]
    assert dominates((0.9, 50), (0.9, 51), (True, False))
    assert not dominates((0.9, 50), (0.9, 50), (True, False))


def test_the_median_pruner_gives_up_what_is_below_the_median_of_complete_trials() -> None:
    pruning = Pruning("median", steps=3)
    for number in range(6):
        for fold in range(3):
            assert not pruning.report(number, fold, 0.8 + number / 100)
        pruning.end(number, 0.8 + number / 100)
    assert pruning.report(6, 0, 0.7)
    assert not pruning.report(7, 0, 0.9)
    assert not Pruning("none", 3).report(0, 0, 0.0)


def test_hyperband_gives_up_trials_too() -> None:
    pruning = Pruning("hyperband", steps=4)
    ended = [any(pruning.report(number, fold, 0.9 - number / 100) for fold in range(4)) for number in range(20)]
    assert 0 < sum(ended) < 20


def test_importances_name_the_parameter_that_decides(tmp_path: Path) -> None:
    search = Search.create(tmp_path / "s.sqlite", OPTIONS, {})
    assert search.importances(0) == {}
    work(search, OPTIONS, 9)
    found = search.importances(1)
    assert found["x"] > 0.9
    assert sum(found.values()) == pytest.approx(1)


def test_a_number_without_a_trial_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no trial 1"):
        trial_of([trial(0, 1.0)], 1)
