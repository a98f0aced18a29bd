"""Training with recordings through simulated rooms: scripts/bench recordings --clips FOLDER.

The recipe robust is trained twice on the same folds by artist: as it is, and with recordings of each training clip
through a simulated loudspeaker, room and microphone beside it. Both are tested on clean windows, and in rooms and
through loudspeakers that no recording used. The rooms of the recipe's own augmented copies are again others. With
--keep, an interrupted run continues with the models that it has.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.effects.microphone import draw_microphone, simulate_microphone
from ei_toolkit.audio.effects.room import BANK
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.compute import executor
from ei_toolkit.config import Settings
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.evaluation.clips import Prepared, find_known_clips, material, prepare_all
from ei_toolkit.evaluation.folds import assign_folds
from ei_toolkit.evaluation.model import Material, Recipe, train_model, with_training
from ei_toolkit.evaluation.scores import grouped_interval
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.impulse.trained_model import label_order

QUIETER = np.float32(0.5)  # a room may raise the peaks, and the level of each window is set afterwards
NOISE_DB = -30.0  # of the microphone, relative to the recording
RECORDING, TEST = 1, 2  # which rooms and loudspeakers: those of recordings, and those of the test
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Share:
    """The windows that were right, one value each, and their artists."""

    right: npt.NDArray[np.bool_]
    artists: Sequence[str]


def record(known: KnownClip, settings: Settings, kind: int, number: int, folder: Path) -> KnownClip:
    """Write a recording of a clip through room and loudspeaker `number` of a kind, and return it as a clip."""
    rate = settings.slice.sample_rate
    rng = np.random.default_rng([kind, number, int(known.sha256[:12], 16)])
    drawn = draw_microphone(rng)
    microphone = replace(drawn, room=kind * BANK + drawn.room)
    sound = read_clip(known.clip.path, rate).astype(np.float32)
    received = QUIETER * simulate_microphone(sound, rate, microphone)
    level = float(np.sqrt(np.mean(np.square(received)))) * 10 ** (NOISE_DB / 20)
    received = received + rng.normal(0, level, received.size).astype(np.float32)
    file = folder / f"{known.sha256[:12]}.{kind}.{number}.wav"
    file.write_bytes(wav_bytes(np.clip(np.round(received), -32768, 32767).astype(np.int16), rate))
    clip = replace(known.clip, path=file, name=file.name)
    return replace(known, clip=clip, sha256=f"{kind}{number}{known.sha256}"[:64])


def recorded(
    pool: Executor, known: Sequence[KnownClip], settings: Settings, kind: int, count: int, folder: Path
) -> list[list[Prepared]]:
    """Return `count` recordings of each clip as features."""
    found = []
    for number in range(count):
        clips = list(pool.map(partial(record, settings=settings, kind=kind, number=number, folder=folder), known))
        found.append(prepare_all(pool, clips, settings, 0, print))
    return found


def joined(parts: Sequence[Material]) -> Material:
    """Return the windows of several sets as one."""
    return Material(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.labels for part in parts]),
        [group for part in parts for group in part.groups],
    )


def trained(recipe: Recipe, names: Sequence[str], training: Material, seed: int, file: Path) -> bytes:
    """Return the int8 model, from `file` if it is there, else written to it. Runs in a worker process."""
    if file.is_file():
        return file.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        model = train_model(recipe, names, training, seed, Path(folder), lambda _line: None).int8
    write_bytes(file, model)
    return model


def tested(model: bytes, clips: Sequence[Prepared], kept: Sequence[Mask], names: Sequence[str]) -> Share:
    """Return which of the clips' windows a model recognises."""
    windows = material(clips, kept, names, [0])
    right = Interpreter(model).predict(windows.features).argmax(axis=1) == windows.labels
    return Share(right, windows.groups)


@dataclass(frozen=True)
class Size:
    """How much is measured: `recordings` of each training clip, `rooms` in which each clip is tested.

    `epochs` is that of the training with recordings, and `epochs_as_it_is` that of the other.
    """

    folds: int
    recordings: int
    epochs: int
    epochs_as_it_is: int
    rooms: int
    seeds: int


def compare(clips: Path, size: Size, jobs: int, keep: Path) -> dict[str, object]:
    """Train and test both models of each fold and seed, which are kept in a folder; return the figures."""
    settings, script = load_recipe("robust")
    recipe = Recipe("robust", settings, script)
    known = find_known_clips(clips, settings, clips)
    names = label_order(one.clip.label for one in known)
    shares: dict[tuple[str, str], list[Share]] = {}
    with tempfile.TemporaryDirectory() as folder, executor(jobs) as pool:
        plain = prepare_all(pool, known, settings, settings.slice.augment.copies, print)
        for_training = recorded(pool, known, settings, RECORDING, size.recordings, Path(folder))
        for_test = recorded(pool, known, settings, TEST, size.rooms, Path(folder))
        homes = assign_folds("artist", known, [one.windows for one in plain], 0, size.folds)
        own_fold = [int(home[0]) for home in homes]  # an artist, and so a clip, is in one fold
        futures = []
        for fold in range(size.folds):
            own = material(plain, masks(plain, own_fold, fold, test=False), names, range(len(plain[0].views)))
            extra = [material(one, masks(one, own_fold, fold, test=False), names, [0]) for one in for_training]
            variants = (
                ("as it is", size.epochs_as_it_is, own),
                ("with recordings", size.epochs, joined([own, *extra])),
            )
            for variant, epochs, training in variants:
                of_variant = with_training(recipe, epochs=epochs)
                for seed in range(size.seeds):
                    file = keep / f"{variant.replace(' ', '-')}-{epochs}-{fold}-{seed}.tflite"
                    future = pool.submit(trained, of_variant, names, training, seed, file)
                    futures.append((fold, variant, future))
        for fold, variant, future in futures:
            model = future.result()
            for place, sets in (("clean", [plain]), ("other rooms", for_test)):
                found = [tested(model, one, masks(one, own_fold, fold, test=True), names) for one in sets]
                shares.setdefault((variant, place), []).extend(found)
            print(f"fold {fold + 1} of {size.folds}, {variant}: done", flush=True)
    return {place: figures(shares, place) for place in ("clean", "other rooms")} | {
        "clips": len(known), "artists": len({one.group for one in known}), **asdict(size),
    }  # fmt: skip


def masks(clips: Sequence[Prepared], own_fold: Sequence[int], fold: int, *, test: bool) -> list[Mask]:
    """Return for each clip whether its windows are tested in a fold, or trained on."""
    return [np.full(one.windows, (own == fold) == test) for one, own in zip(clips, own_fold, strict=True)]


def figures(shares: dict[tuple[str, str], list[Share]], place: str) -> dict[str, object]:
    """Return both accuracies in percent, and their difference with its 95 % interval by artist."""
    before, after = shares["as it is", place], shares["with recordings", place]
    change = np.concatenate([b.right.astype(int) - a.right for a, b in zip(before, after, strict=True)])
    low, high = grouped_interval([artist for one in before for artist in one.artists], change.tolist(), 7)
    return {
        "as it is": round(100 * float(np.concatenate([one.right for one in before]).mean()), 1),
        "with recordings": round(100 * float(np.concatenate([one.right for one in after]).mean()), 1),
        "difference": [round(100 * value, 1) for value in (float(change.mean()), low, high)],
        "windows": len(change),
    }


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, required=True, help="folder of clips, FOLDER/<label>/*.wav")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--recordings", type=int, default=4, help="of each training clip")
    parser.add_argument("--rooms", type=int, default=3, help="in which each clip is tested")
    parser.add_argument("--epochs", type=int, default=40, help="of the training with recordings")
    parser.add_argument("--epochs-as-it-is", type=int, default=60, help="of the training without: the recipe's")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each model")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for the models, with which an interrupted run continues")
    asked = parser.parse_args()
    size = Size(asked.folds, asked.recordings, asked.epochs, asked.epochs_as_it_is, asked.rooms, asked.seeds)
    with tempfile.TemporaryDirectory() as folder:
        keep = asked.keep or Path(folder)
        keep.mkdir(parents=True, exist_ok=True)
        print(json.dumps(compare(asked.clips, size, asked.jobs, keep), indent=1))


if __name__ == "__main__":
    main()
