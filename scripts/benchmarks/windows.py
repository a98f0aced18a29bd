"""10,000, 100,000 and 1,000,000 windows: slice, manifest, features, one epoch: time per window and peak memory."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from _noise import write_noise

if TYPE_CHECKING:
    from ei_toolkit.dataset.manifest import Window
    from ei_toolkit.dataset.window_store import WindowReader
    from ei_toolkit.studio.store import Store

WINDOW_MS, RATE, CLIP_S = 250, 16_000, 100
WINDOWS_OF_A_CLIP = CLIP_S * 1000 // WINDOW_MS
CONFIG = f"""
[dataset]
root = "clips"
split = "track"

[slice]
sample_rate = {RATE}
window_ms = {WINDOW_MS}
hop_ms = {WINDOW_MS}

[store]
format = "FORMAT"

[[impulse.dsp]]
type = "mfe"
frame_length = 0.025
frame_stride = 0.025
num_filters = 40
fft_length = 512

[[impulse.layers]]
type = "reshape"
columns = 40

[[impulse.layers]]
type = "conv1d"
filters = 8

[[impulse.layers]]
type = "flatten"

[training]
epochs = 1
batch_size = 256
"""


def read_manifest(project: Path) -> None:
    """Read the manifest of the windows."""
    from ei_toolkit.dataset.manifest import Manifest

    Manifest.read(project / ".eitk" / "windows" / "manifest.csv")


def features(project: Path) -> None:
    """Compute the features of all windows, and write them and what training needs of the manifest."""
    import numpy as np

    from ei_toolkit.api.data import compute_features
    from ei_toolkit.api.project import open_project
    from ei_toolkit.impulse.feature_rows import save_rows

    found = compute_features(open_project(project))
    save_rows(project / "features.npy", found.flat())
    np.savez(project / "labels.npz", labels=found.labels, groups=found.groups, testing=found.splits == "testing")


def train(project: Path) -> None:
    """Train one epoch on the training windows; quantise the network and measure it on the validation windows."""
    import numpy as np

    from ei_toolkit.config import load_config
    from ei_toolkit.impulse.features import frame_features
    from ei_toolkit.impulse.layers import visual_layers
    from ei_toolkit.training.request import TrainRequest
    from ei_toolkit.training.train import train as run_training

    stored, settings = np.load(project / "labels.npz"), load_config(project, {}).settings
    names, labels = np.unique(stored["labels"], return_inverse=True)
    rows = np.load(project / "features.npy", mmap_mode="r")
    run_training(
        TrainRequest(
            rows, labels.tolist(), names.tolist(), project, stored["groups"].tolist(),
            visual_layers=visual_layers(settings.impulse.layers), columns=frame_features(settings),
            epochs=settings.training.epochs, batch_size=settings.training.batch_size,
        ),
        lambda _line: None,
    )  # fmt: skip


def store(project: Path) -> None:
    """Store all windows in a local studio, as its server stores uploads, with the impulse of the settings."""
    from ei_toolkit.config import load_config
    from ei_toolkit.dataset.manifest import Manifest
    from ei_toolkit.dataset.window_store import reader_of
    from ei_toolkit.impulse.layers import visual_layers
    from ei_toolkit.studio.store import Store

    config = load_config(project, {})
    windows, reader, studio = Manifest.read(config.paths.manifest).windows, reader_of(config), Store.open(project)
    number = studio.projects.create("windows").id
    block, training = config.settings.impulse.dsp[0], config.settings.training
    signal = {"type": "time-series", "windowSizeMs": WINDOW_MS, "windowIncreaseMs": WINDOW_MS, "frequencyHz": RATE,
              "padZeros": True, "id": 1}  # fmt: skip
    dsp = {"name": "MFE", "type": block.type, "axes": ["audio"], "implementationVersion": 4, "id": 2, "input": 1}
    learn = {"name": "Classifier", "type": "keras", "dsp": [2], "id": 3}
    studio.blocks.put(number, 1, "Impulse", {"inputBlocks": [signal], "dspBlocks": [dsp], "learnBlocks": [learn]})
    studio.blocks.configure(number, 2, {name: str(value) for name, value in block.params.items()})
    layers = visual_layers(config.settings.impulse.layers)
    own = {"trainingCycles": training.epochs, "batchSize": training.batch_size, "visualLayers": layers}
    studio.blocks.configure(number, 3, own)
    for first in range(0, len(windows), 256):
        store_request(studio, number, windows[first : first + 256], reader)
    studio.close()


def store_request(studio: Store, project: int, windows: Sequence[Window], reader: WindowReader) -> None:
    """Store the windows of one request in a pack and in the database."""
    from ei_toolkit.studio.store.samples import NewSample

    with studio.packs.begin() as pack:
        samples = []
        for window in windows:
            entry = pack.begin()
            entry.write(reader.file(window))
            metadata = {"artist": window.group, "clip": window.clip, "clip_sha256": window.clip_sha256,
                        "start_ms": str(window.start_ms)}  # fmt: skip
            samples.append(
                NewSample(
                    window.split, Path(window.file).stem, ".wav", window.label, "label", window.sha256, "wav",
                    1000 / RATE, [("audio", "wav")], RATE * WINDOW_MS // 1000, metadata=metadata, pack=pack.name,
                    start=entry.start, size=entry.size,
                )
            )  # fmt: skip
        pack.sync()
        studio.packs.commit(pack)
        studio.samples.add(project, samples, unique=True)


def train_in_studio(project: Path) -> None:
    """Run the job of a studio that computes the features and trains one epoch."""
    from ei_toolkit.studio.jobs.task import Task, job_function
    from ei_toolkit.studio.store import Store

    studio = Store.open(project)
    job = studio.jobs.add(1, "train-keras", "learn-3", "", {"learn": 3})
    job_function(job.kind)(Task(studio, job, project))
    studio.close()


STEPS: dict[str, Callable[[Path], None]] = {
    "manifest": read_manifest, "features": features, "epoch": train, "storing in a studio": store,
    "features and epoch of the studio": train_in_studio,
}  # fmt: skip
STUDIO = list(STEPS)[3:]


@dataclass(frozen=True)
class Measured:
    """A step of a number of windows: seconds of the clock and of the processor, and the peak memory in MB."""

    windows: int
    step: str
    wall_s: float
    cpu_s: float
    peak_mb: float

    @property
    def line(self) -> str:
        """A row of a table in Markdown."""
        each = 1e6 * self.cpu_s / self.windows
        return f"| {self.windows:,} | {self.step} | {self.cpu_s:.1f} s | {each:.0f} µs | {self.peak_mb:.0f} MB |"


def run(windows: int, step: str, arguments: list[str]) -> Measured:
    """Run a step in a process of its own."""
    start = time.perf_counter()
    with Path(os.devnull).open("w") as nothing:
        process = os.posix_spawn(
            sys.executable, [sys.executable, *arguments], os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1)],
        )  # fmt: skip
        _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"error: the step {step} failed")
    return Measured(windows, step, time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure(windows: int, form: str, studio: bool, parent: Path, show: Callable[[Measured], None]) -> list[Measured]:
    """Make so many windows in a new project, and run all steps."""
    project = Path(tempfile.mkdtemp(dir=parent))
    try:
        write_noise(project / "clips", windows // WINDOWS_OF_A_CLIP, CLIP_S, RATE)
        (project / "eitk.toml").write_text(CONFIG.replace("FORMAT", form))
        found = [run(windows, "slice", ["-m", "ei_toolkit", "-C", str(project), "slice", "--jobs", "1"])]
        show(found[-1])
        shutil.rmtree(project / "clips")
        for step in [*list(STEPS)[:3], *(STUDIO if studio else [])]:
            found.append(run(windows, step, [__file__, "--step", step, "--folder", str(project)]))
            show(found[-1])
    finally:
        shutil.rmtree(project)
    return found


def main() -> None:
    """Measure every number of windows, the smallest first, and print each step when it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--format", choices=["parquet", "wav"], default="parquet")
    parser.add_argument("--studio", action="store_true", help="also store and train in a local studio")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="for 36 kB a window")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        STEPS[asked.step](asked.folder)
        return
    if not asked.json:
        print("| windows | step | time of the processor | for each window | peak memory |\n|---|---|---|---|---|")
    show = (lambda _one: None) if asked.json else (lambda one: print(one.line, flush=True))
    found = [
        one for windows in asked.windows for one in measure(windows, asked.format, asked.studio, asked.folder, show)
    ]
    if asked.json:
        print(json.dumps([asdict(one) for one in found]))


if __name__ == "__main__":
    main()
