"""Where work runs: processes, or a Dask scheduler, here one in the process of the tests."""

from __future__ import annotations

import math
import operator
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster
from support import has_ended, write_clips
from tiny_model import classifier

from ei_toolkit.api.classifying import classify_paths, open_scorer, sound_files
from ei_toolkit.api.progress import ignore_progress
from ei_toolkit.compute import (
    PROCESSES,
    check_scheduler,
    dask_cluster,
    end_at_once,
    executor,
    map_items,
    pool_size,
    processes,
)
from ei_toolkit.config import load_config
from ei_toolkit.config.recipes.write import load_recipe, recipe_text
from ei_toolkit.config.settings import ClassifierSettings
from ei_toolkit.errors import ConfigurationError, MissingToolError, NetworkError
from ei_toolkit.evaluation.folds import FOLDS
from ei_toolkit.evaluation.labelled_rows import labelled_rows
from ei_toolkit.evaluation.suite import run_suite
from ei_toolkit.evaluation.suite_models import SuiteModel
from ei_toolkit.features.table import FeatureTable
from ei_toolkit.impulse.features import feature_count


def local_cluster(n_workers: int, threads_per_worker: int = 1) -> LocalCluster:
    """A scheduler in this process."""
    return LocalCluster(
        n_workers=n_workers, threads_per_worker=threads_per_worker, processes=False, protocol="tcp",
        dashboard_address="127.0.0.1:0",
    )  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A scheduler with two workers of one thread each."""
    with local_cluster(2) as started:
        yield started


@pytest.fixture
def scheduler(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its address; what the workers do to the environment is undone."""
    for name in dask_cluster.ENVIRONMENT:
        monkeypatch.setenv(name, "kept")
    return str(cluster.scheduler_address)


def test_results_are_the_same_and_in_order_wherever_work_runs(scheduler: str) -> None:
    items = list(range(200))
    expected = [math.sqrt(item) for item in items]
    for where in (PROCESSES, scheduler):
        assert list(map_items(math.sqrt, items, 1, where)) == expected


def test_a_scheduler_runs_as_many_tasks_as_it_has_workers(scheduler: str) -> None:
    with executor(7, scheduler) as pool:
        assert pool_size(pool, 7) == 2
        assert pool.submit(operator.mul, 6, 7).result() == 42
        assert list(pool.map(operator.add, range(5), range(5), chunksize=2)) == [0, 2, 4, 6, 8]


def test_files_are_classified_the_same_wherever_work_runs(scheduler: str, tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", clips=2, seconds=3)
    (tmp_path / "clips/rock/broken.wav").write_bytes(b"RIFF")
    settings = load_recipe("robust")[0]
    model = tmp_path / "model.tflite"
    model.write_bytes(classifier(feature_count(settings), 2))
    (tmp_path / "eitk.toml").write_text(recipe_text("robust"), encoding="utf-8")
    found = []
    for where in (PROCESSES, scheduler):
        config = load_config(tmp_path, {"EITK_COMPUTE_SCHEDULER": where})
        paths = list(sound_files([tmp_path / "clips"]))
        scorer, provenance = open_scorer(config, model, ["classical", "rock"])
        found.append(classify_paths(config, paths, scorer, provenance, str, ignore_progress))
    assert len(found[0].files) == 4 and len(found[0].skipped) == 1
    assert found[0].to_dict() == found[1].to_dict()


def test_an_error_of_the_work_is_raised_here(scheduler: str) -> None:
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        list(map_items(math.sqrt, [1.0, -1.0], 1, scheduler))
    with executor(1, scheduler) as pool, pytest.raises(FileNotFoundError):
        pool.submit(open, "/missing").result()


def test_work_that_is_ended_at_once_leaves_no_process(scheduler: str) -> None:
    with executor(1) as pool:
        running = pool.submit(time.sleep, 600)
        workers = processes.workers_of(pool)
        end_at_once(pool)
        assert [has_ended(worker.pid, 20) for worker in workers if worker.pid] == [True]
        assert running.exception(20) is not None
    with executor(1, scheduler) as pool:
        end_at_once(pool)
        assert pool._client.status == "closed"


def test_programs_that_only_some_work_needs_are_compared_too(scheduler: str) -> None:
    def here() -> dict[str, str]:
        return {"compiler": "13" if threading.current_thread() is threading.main_thread() else "14"}

    with pytest.raises(ConfigurationError, match=r"2 workers of .*compiler 14 \(here: 13\)"):
        executor(1, scheduler, further_versions=here)


def test_a_suite_measures_the_same_wherever_its_models_are_trained(scheduler: str, tmp_path: Path) -> None:
    model = SuiteModel("KNN", "51", "clip", ClassifierSettings("knn"))
    values = np.random.default_rng(0).normal(size=(60, 57))
    labels = ("metal", "pop", "rock") * 20
    names = tuple(f"{label}.{number // 3:05}.wav" for number, label in enumerate(labels))
    rows = labelled_rows(FeatureTable("summary-57", names, labels, ("",) * 60, np.zeros(60, np.int64), values))
    done: list[float] = []
    here, there = (
        run_suite([model], rows, 1, 1, lambda n, _: done.append(n), ("clip",), tmp_path, where)
        for where in (PROCESSES, scheduler)
    )
    assert here == there
    assert done == 2 * list(range(1, FOLDS + 1))


def test_each_kind_of_address_is_accepted_and_nothing_else() -> None:
    for good in (PROCESSES, "tcp://host:8786", "tls://10.0.0.1:8786"):
        assert check_scheduler(good) == good
    for bad in ("", "host:8786", "tcp://host", "http://host:80", "threads"):
        with pytest.raises(ConfigurationError, match="neither processes nor the address") as caught:
            check_scheduler(bad)
        assert caught.value.key == "compute.scheduler"


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_TIMEOUT_S", 0.3)
    with pytest.raises(NetworkError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1") as caught:
        list(map_items(math.sqrt, [1.0], 1, "tcp://127.0.0.1:1"))
    assert "dask scheduler" in caught.value.hint


def test_dask_that_cannot_start_its_thread_is_asked_once_more(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fails_at_first(address: str, **options: Any) -> Client:
        asked.append(address)
        if len(asked) in (1, 3, 4):
            raise AssertionError
        return Client(address, **options)

    monkeypatch.setattr(dask_cluster, "Client", fails_at_first)
    assert list(map_items(math.sqrt, [4.0], 1, scheduler)) == [2.0]
    with pytest.raises(NetworkError, match="could not start a thread within 10 s"):
        executor(1, scheduler)
    assert len(asked) == 4


def test_tls_without_certificates_is_explained() -> None:
    with pytest.raises(ConfigurationError) as caught:
        list(map_items(math.sqrt, [1.0], 1, "tls://127.0.0.1:1"))
    assert "certificates" in caught.value.hint


def test_without_the_extra_its_name_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ei_toolkit.compute.dask_cluster", None)
    with pytest.raises(MissingToolError) as caught:
        executor(1, "tcp://127.0.0.1:8786")
    assert "eitk[distributed]" in caught.value.hint


def test_workers_with_other_code_are_refused_before_any_work(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def version() -> str:
        return "0.9+here" if threading.current_thread() is threading.main_thread() else "0.9+there"

    monkeypatch.setattr(dask_cluster, "code_version", version)
    with pytest.raises(ConfigurationError, match=r"2 workers of .*eitk 0.9\+there \(here: 0.9\+here\)"):
        executor(1, scheduler)


def test_a_worker_that_joins_later_with_other_code_does_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="another version of eitk"):
        dask_cluster._each(Path.touch, [(tmp_path / "never",)], "0.9+other")
    assert not (tmp_path / "never").exists()


def test_a_folder_that_the_workers_do_not_see_is_named(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor(1, scheduler, [tmp_path]).shutdown()
    monkeypatch.setattr(dask_cluster, "_missing", _sees_nothing)
    with pytest.raises(ConfigurationError, match=f"2 workers of .* does not see {tmp_path}"):
        executor(1, scheduler, [tmp_path])
    assert not list(tmp_path.iterdir()), "the file of the check is removed"


def _sees_nothing(paths: list[str]) -> list[str]:
    """What a worker answers that has none of the files."""
    return paths


def test_a_worker_with_threads_is_refused() -> None:
    with local_cluster(1, threads_per_worker=2) as started, pytest.raises(ConfigurationError, match="runs 2 tasks"):
        executor(1, started.scheduler_address)


def test_a_scheduler_without_workers_is_refused() -> None:
    with local_cluster(0) as started, pytest.raises(ConfigurationError, match="has no workers") as caught:
        executor(1, started.scheduler_address)
    assert "dask worker" in caught.value.hint


def test_work_ends_where_all_workers_are_gone_and_none_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "POLL_S", 0.05)
    monkeypatch.setattr(dask_cluster, "NO_WORKERS_TIMEOUT_S", 0.1)
    with local_cluster(1) as started, executor(1, started.scheduler_address) as pool:
        for worker in list(started.scheduler.workers):
            started.sync(started.scheduler.retire_workers, [worker])
        with pytest.raises(NetworkError, match=r"was lost \(it has had no worker"):
            pool.submit(math.sqrt, 4).result()
        with pytest.raises(NetworkError, match="was lost"):
            list(pool.map(math.sqrt, [4]))


def test_work_ends_where_the_scheduler_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "POLL_S", 0.05)
    with local_cluster(1) as started:
        results = map_items(math.sqrt, [4.0] * 100, 1, started.scheduler_address)
        assert next(results) == 2.0
        started.close()
        with pytest.raises(NetworkError, match="was lost") as caught:
            list(results)
    assert "same command again" in caught.value.hint


def test_work_that_begins_after_the_scheduler_was_lost_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_TIMEOUT_S", 1)
    with local_cluster(1) as started, executor(1, started.scheduler_address) as pool:
        started.close()
        while pool._client.status != "closed":
            time.sleep(0.05)
        for begin in (lambda: pool.submit(math.sqrt, 4), lambda: list(pool.map(math.sqrt, [4])), lambda: pool.size):
            with pytest.raises(NetworkError, match="was lost"):
                begin()
