"""Slicing and features on workers of a local Dask scheduler against as many processes: the same bytes, in what time."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from multiprocessing import forkserver
from pathlib import Path

from _noise import write_noise
from distributed import Client, LocalCluster

from ei_toolkit.compute import PROCESSES, cores, executor, map_items
from ei_toolkit.config import AugmentSettings, DatasetSettings, Settings, SliceSettings
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.config.settings import ComputeSettings
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.evaluation.clips import find_known_clips, prepare_all

SETTINGS = Settings(
    dataset=DatasetSettings(root="clips"), slice=SliceSettings(window_ms=1000, hop_ms=1000, level="rms")
)
AT_ONCE = 2000  # clips whose features are in memory


@dataclass(frozen=True)
class Measured:
    """Elapsed seconds and processor seconds of one run, the load of the machine before it, and a hash of its results.

    The processor seconds are those of all processes: of this one, which has the scheduler too, and of the workers.
    """

    work: str
    workers: int
    scheduler: str
    seconds: float
    processor_seconds: float
    load: float
    sha256: str


def slice_once(project: Path, scheduler: str, workers: int, copies: int) -> str:
    """Slice the clips of a project into a new folder, which is removed again; return a hash of the files."""
    cut = replace(SETTINGS.slice, augment=AugmentSettings(copies=copies, room=0.5))
    settings = replace(SETTINGS, slice=cut, compute=ComputeSettings(scheduler))
    with tempfile.TemporaryDirectory(dir=project) as folder:
        slice_clips(settings, project, Path(folder), workers, lambda _done, _name: None)
        manifest = sha256((Path(folder) / "manifest.csv").read_bytes())  # it has a hash of every file
    return manifest.hexdigest()


def features_once(project: Path, scheduler: str, workers: int, copies: int) -> str:
    """Compute the features of the windows of all clips, as `eitk evaluate` does; return their hash."""
    settings = replace(load_recipe("robust")[0], slice=SETTINGS.slice, dataset=SETTINGS.dataset)
    known, found = find_known_clips(project / "clips", settings, project), sha256()
    with executor(workers, scheduler) as pool:
        parts = -(-len(known) // AT_ONCE)  # each has clips of both labels
        for part in range(parts):
            for one in prepare_all(pool, known[part::parts], settings, copies, lambda _line: None):
                for view in one.views:
                    found.update(view.features.tobytes())
    return found.hexdigest()


WORK: dict[str, Callable[[Path, str, int, int], str]] = {"slicing": slice_once, "features": features_once}


def measure(project: Path, workers: int, asked: argparse.Namespace) -> list[Measured]:
    """Do each work in turn with processes and with Dask, whose workers have started and imported everything before."""
    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        list(map_items(import_everything, range(8 * workers), workers, cluster.scheduler_address))
        both = (PROCESSES, cluster.scheduler_address)
        return [
            measure_once(name, project, scheduler, workers, asked.copies, client)
            for name in asked.work
            for _ in range(asked.runs)
            for scheduler in both
        ]


def measure_once(name: str, project: Path, scheduler: str, workers: int, copies: int, client: Client) -> Measured:
    """Do a work once. The line on the standard error output shows the figures while the others are measured."""
    load, before, started = os.getloadavg()[0], processor_seconds(client), time.monotonic()
    found = WORK[name](project, scheduler, workers, copies)
    seconds = time.monotonic() - started
    kind = "processes" if scheduler == PROCESSES else "Dask"
    own = Measured(name, workers, kind, seconds, processor_seconds(client) - before, load, found[:16])
    print(json.dumps(asdict(own)), file=sys.stderr, flush=True)
    return own


def processor_seconds(client: Client) -> float:
    """Return the processor seconds of this process, of its processes that have ended, and of the Dask workers."""
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(one.ru_utime + one.ru_stime for one in own) + sum(client.run(time.process_time).values())
    server = forkserver._forkserver._forkserver_pid  # the processes of slicing are its children
    if server:
        ticks = Path(f"/proc/{server}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:15]
        seconds += sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
    return float(seconds)


def import_everything(number: int) -> int:
    """Import what the work needs in a worker; return the number as it is."""
    for name in ("ei_toolkit.dataset.cutting", "ei_toolkit.evaluation.clips", "ei_toolkit.impulse.features"):
        __import__(name)
    return number


def table(found: list[Measured]) -> str:
    """Medians, what Dask takes more than processes, and its speed-up and efficiency against one worker."""
    lines = [
        "| work | workers | processes | Dask | overhead | processor seconds | speed-up | efficiency |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for work in dict.fromkeys(one.work for one in found):
        numbers = sorted({one.workers for one in found})
        for workers in numbers:
            own, dask = (median(found, work, workers, kind, "seconds") for kind in ("processes", "Dask"))
            busy, more = (median(found, work, workers, kind, "processor_seconds") for kind in ("processes", "Dask"))
            faster = median(found, work, numbers[0], "Dask", "seconds") / dask
            lines.append(
                f"| {work} | {workers} | {own:.1f} s | {dask:.1f} s | {100 * (dask / own - 1):+.0f} %"
                f" | {busy:.1f} and {more:.1f} ({100 * (more / busy - 1):+.0f} %) | {faster:.2f}"
                f" | {100 * faster * numbers[0] / workers:.0f} % |"
            )
    return "\n".join(lines)


def median(found: list[Measured], work: str, workers: int, kind: str, field: str) -> float:
    """Return the median of a field over the runs of one kind."""
    return statistics.median(
        getattr(one, field) for one in found if (one.work, one.workers, one.scheduler) == (work, workers, kind)
    )


def main() -> None:
    """Do every work with every number of workers, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=3, help="length of a clip")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", help="default: 1, 2, 4 ... up to the number of cores")
    parser.add_argument("--copies", type=int, default=1, help="augmented copies of each window")
    parser.add_argument("--work", choices=WORK, nargs="+", default=list(WORK))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        write_noise(project / "clips", asked.clips, asked.seconds, 22_050)
        numbers = asked.workers or [workers for workers in (1, 2, 4, 8, 16) if workers <= cores()]
        found = [one for workers in numbers for one in measure(project, workers, asked)]
    for name in asked.work:
        if len({one.sha256 for one in found if one.work == name}) != 1:
            raise SystemExit(f"error: the results of {name} differ")
    print(json.dumps([asdict(one) for one in found]) if asked.json else table(found))


if __name__ == "__main__":
    main()
