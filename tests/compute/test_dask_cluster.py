"""Slicing on worker processes of a Dask scheduler, one of which is killed."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster
from support import write_clips

from ei_toolkit.compute import executor
from ei_toolkit.config import AugmentSettings, DatasetSettings, Settings, SliceSettings
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.config.settings import ComputeSettings
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.clips import find_known_clips, prepare_all


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A scheduler with two workers, each a process that is started again when it ends."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as started:
        yield started


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_clips(tmp_path / "clips", clips=12, seconds=3)
    return tmp_path


SETTINGS = Settings(
    dataset=DatasetSettings(root="clips"), slice=SliceSettings(window_ms=1000, hop_ms=1000, augment=AugmentSettings(1))
)


def on(cluster: LocalCluster) -> Settings:
    return replace(SETTINGS, compute=ComputeSettings(cluster.scheduler_address))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "slice.json"}


def workers(cluster: LocalCluster) -> list[int]:
    """The ids of the worker processes."""
    with executor(1, cluster.scheduler_address) as pool:
        return list(pool._client.run(os.getpid).values())


def test_windows_are_the_same_after_a_worker_was_killed(cluster: LocalCluster, project: Path) -> None:
    slice_clips(SETTINGS, project, project / "expected", 1, lambda _done, _name: None)
    victim, seen = workers(cluster)[0], []

    def progress(done: float, name: str) -> None:
        seen.append(name)
        if done == 1:
            os.kill(victim, signal.SIGKILL)

    report = slice_clips(on(cluster), project, project / "out", 1, progress)
    assert len(seen) == len(set(seen)) == 24, "each clip once"
    assert len(report.windows) == len({window.file for window in report.windows}) > 72
    assert contents(project / "out") == contents(project / "expected")


def test_features_are_the_same(cluster: LocalCluster, project: Path) -> None:
    """The workers have one thread for BLAS, which adds in another order on more."""
    known = find_known_clips(project / "clips", SETTINGS, project)[10:14]
    settings = replace(load_recipe("robust")[0], slice=SETTINGS.slice)
    found = []
    for scheduler in ("processes", cluster.scheduler_address):
        with executor(1, scheduler) as pool:
            found.append(prepare_all(pool, known, settings, 1, lambda _line: None))
    for expected, there in zip(*found, strict=True):
        assert (expected.sha256 == there.sha256).all() and (expected.distinct == there.distinct).all()
        for one, other in zip(expected.views, there.views, strict=True):
            assert one.features.tobytes() == other.features.tobytes()


def page_faults_of_arrays(megabytes: int) -> int:
    """Create arrays of 1 MiB one after another; return how often the kernel had to provide a page for them."""
    import resource  # Windows has no such module

    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(megabytes):
        np.ones(2**20, np.uint8)
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is one of glibc")
def test_workers_use_the_memory_of_freed_arrays_again(cluster: LocalCluster) -> None:
    """Dask's default makes the allocator give it back: 256 pages for each of these arrays, and a third more time."""
    with executor(1, cluster.scheduler_address) as pool:
        assert pool.submit(page_faults_of_arrays, 40).result() < 10 * 256


@pytest.mark.exhaustive
def test_a_task_that_ends_every_worker_is_an_error(cluster: LocalCluster) -> None:
    with executor(1, cluster.scheduler_address) as pool, pytest.raises(DataError, match="every worker that tried"):
        list(pool.map(os._exit, [1]))
