"""Slicing on workers of a local Dask scheduler against as many processes: the same windows, in what time."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from _noise import write_noise
from distributed import LocalCluster

from ei_toolkit.compute import PROCESSES, cores, map_items
from ei_toolkit.config import AugmentSettings, DatasetSettings, Settings, SliceSettings
from ei_toolkit.config.settings import ComputeSettings
from ei_toolkit.dataset.slicing import slice_clips

SETTINGS = Settings(
    dataset=DatasetSettings(root="clips"),
    slice=SliceSettings(window_ms=1000, hop_ms=1000, level="rms", augment=AugmentSettings(copies=1, room=0.5)),
)


@dataclass(frozen=True)
class Measured:
    """Seconds of one slicing, and a hash of its windows and manifest."""

    workers: int
    scheduler: str
    seconds: float
    sha256: str


def slice_once(project: Path, scheduler: str, workers: int) -> Measured:
    """Slice the clips of a project into a new folder, which is removed again."""
    settings = replace(SETTINGS, compute=ComputeSettings(scheduler))
    with tempfile.TemporaryDirectory(dir=project) as folder:
        started = time.monotonic()
        slice_clips(settings, project, Path(folder), workers, lambda _done, _name: None)
        seconds = time.monotonic() - started
        files = (file for file in sorted(Path(folder).iterdir()) if file.name != "slice.json")
        found = sha256(b"".join(sha256(file.read_bytes()).digest() for file in files)).hexdigest()
    return Measured(workers, "processes" if scheduler == PROCESSES else "Dask", seconds, found[:16])


def measure(project: Path, workers: int, runs: int) -> list[Measured]:
    """Slice in turn with processes and with Dask, whose workers have started and imported everything before."""
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as cluster:
        list(map_items(import_slicing, range(8 * workers), workers, cluster.scheduler_address))
        both = (PROCESSES, cluster.scheduler_address)
        return [slice_once(project, scheduler, workers) for _ in range(runs) for scheduler in both]


def import_slicing(number: int) -> int:
    """Import what slicing needs in a worker; return the number as it is."""
    __import__("ei_toolkit.dataset.cutting")
    return number


def table(found: list[Measured]) -> str:
    """Medians, speed-up against one worker of the same kind, and what Dask takes more than processes."""
    lines = ["| workers | processes | Dask | overhead | speed-up | efficiency |", "|---|---|---|---|---|---|"]
    median = {
        key: statistics.median(one.seconds for one in found if (one.workers, one.scheduler) == key)
        for key in {(one.workers, one.scheduler) for one in found}
    }
    for workers in sorted({one.workers for one in found}):
        own, dask = median[workers, "processes"], median[workers, "Dask"]
        faster = median[min(median)[0], "Dask"] / dask
        lines.append(
            f"| {workers} | {own:.1f} s | {dask:.1f} s | {100 * (dask / own - 1):+.0f} % | {faster:.2f} "
            f"| {100 * faster / workers:.0f} % |"
        )
    return "\n".join(lines)


def main() -> None:
    """Slice with every number of workers, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=3, help="length of a clip")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        write_noise(project / "clips", asked.clips, asked.seconds, 22_050)
        numbers = [workers for workers in (1, 2, 4, 8, 16) if workers <= cores()]
        found = [one for workers in numbers for one in measure(project, workers, asked.runs)]
    if len({one.sha256 for one in found}) != 1:
        raise SystemExit("error: the windows differ")
    print(json.dumps([asdict(one) for one in found]) if asked.json else table(found))


if __name__ == "__main__":
    main()
