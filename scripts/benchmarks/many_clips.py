"""Slice 5,000 clips of 3 s: time and peak memory, also of an earlier version in another folder, in turns."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from _noise import write_noise

CLIPS, SECONDS, RATE = 5_000, 3, 16_000
CONFIG = '[dataset]\nroot = "{root}"\nsplit = "track"\n'
EITK = "import sys; from ei_toolkit.cli.app import main; main()"
OWN = Path(__file__).resolve().parents[2]
LARGEST_GROWTH_KB = 10  # of the peak memory for each further clip: its names and hashes; its samples are 94 kB


@dataclass(frozen=True)
class Run:
    """Time of a run in seconds (of the clock, of the processor) and its peak memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def slice_once(package: Path, clips: Path, folder: Path) -> Run:
    """Run `eitk slice --jobs 1` of the version in the folder `package`, in a new project."""
    folder.mkdir()
    (folder / "eitk.toml").write_text(CONFIG.format(root=clips))
    start = time.perf_counter()
    environ = {**os.environ, "PYTHONPATH": str(package)}
    with Path(os.devnull).open("w") as nothing:
        process = os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", EITK, "-C", str(folder), "slice", "--jobs", "1"],
            environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1), (os.POSIX_SPAWN_DUP2, nothing.fileno(), 2)],
        )
        _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"eitk slice of {package} failed")
    shutil.rmtree(folder)
    return Run(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(clips: int, against: Path | None, repeat: int) -> dict[str, float | bool]:
    """The best times of both versions, run in turns, and the memory for all of the clips and a tenth of them."""
    packages = {"now": OWN} | ({"before": against.resolve()} if against else {})
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        few = write_noise(folder / "few", clips // 10, SECONDS, RATE)
        many = write_noise(folder / "many", clips, SECONDS, RATE)
        runs: dict[str, list[Run]] = {name: [] for name in packages}
        for number in range(repeat):
            for name, package in packages.items():
                runs[name].append(slice_once(package, many, folder / f"{name}{number}"))
        small = slice_once(OWN, few, folder / "small")
    result: dict[str, float | bool] = {"clips": clips, "peak_mb_of_a_tenth": round(small.peak_mb, 1)}
    for name, measured in runs.items():
        result |= {
            f"{name}_wall_s": round(min(run.wall_s for run in measured), 2),
            f"{name}_cpu_s": round(min(run.cpu_s for run in measured), 2),
            f"{name}_peak_mb": round(max(run.peak_mb for run in measured), 1),
        }
    growth = 1024 * (max(run.peak_mb for run in runs["now"]) - small.peak_mb) / (clips - clips // 10)
    result |= {"growth_kb_per_clip": round(growth, 1), "memory_is_flat": growth < LARGEST_GROWTH_KB}
    if against:
        result["cpu_ratio"] = round(float(result["now_cpu_s"]) / float(result["before_cpu_s"]), 3)
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--against", type=Path, help="folder of an earlier version, for example a git worktree")
    parser.add_argument("--repeat", type=int, default=2, help="the best of so many runs counts")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = measure(args.clips, args.against, args.repeat)
    print(json.dumps(result) if args.json else "\n".join(f"{key:20} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
