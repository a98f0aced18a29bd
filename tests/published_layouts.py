"""Data sets in the layouts of published ones: `from published_layouts import LAYOUTS, ...`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
Shown = set[tuple[str, str, int, str, int]]
"""Rows of the table that `eitk slice` shows: label, split, files, seconds, groups."""


def write_sounds(root: Path, names: Iterable[str], seconds: float = 1.0) -> Path:
    """Write a clip of noise for each name; each has other samples."""
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        random = np.random.default_rng(sum(name.encode()) + len(list(file.parent.iterdir())) * 1000)
        soundfile.write(file, 0.1 * random.standard_normal(round(RATE * seconds)), RATE, format="WAV")
    return root


def one_folder_a_label(root: Path) -> None:
    write_sounds(root, [f"{label}/{i}.wav" for label in ("cough", "laugh") for i in range(5)])


def splits_around_labels(root: Path) -> None:
    write_sounds(root, [f"{split}/{label}/{i}.wav" for split in ("train", "val", "test") for label in ("cough", "laugh")
                        for i in range(2)])  # fmt: skip


def splits_inside_labels(root: Path) -> None:
    write_sounds(root, [f"{label}/{split}/{i}.wav" for split in ("training", "testing") for label in ("cough", "laugh")
                        for i in range(2)])  # fmt: skip


def labels_in_names(root: Path) -> None:
    write_sounds(root, [f"{label}.{i}.wav" for label in ("cough", "laugh") for i in range(5)])


def free_spoken_digits(root: Path) -> None:
    write_sounds(root, [f"recordings/{digit}_{who}_{i}.wav" for digit in "01" for who in ("theo", "jackson", "lucas")
                        for i in "01"])  # fmt: skip
    (root / "README.md").write_text("Free Spoken Digits")


def esc50(root: Path) -> None:
    files = [(f"{fold}-{10 * fold + i}-A-{target}.wav", fold, name, 10 * fold + i) for fold in (1, 2, 3, 4, 5)
             for target, name in enumerate(("dog", "rain")) for i in range(2)]  # fmt: skip
    write_sounds(root, [f"audio/{file}" for file, *_ in files])
    (root / "meta").mkdir()
    rows = [f"{file},{fold},0,{name},False,{source},A" for file, fold, name, source in files]
    (root / "meta" / "esc50.csv").write_text("\n".join(["filename,fold,target,category,esc10,src_file,take", *rows]))


def urbansound8k(root: Path) -> None:
    files = [(f"{fold}{i}-{target}-0-0.wav", fold, name) for fold in range(1, 6)
             for target, name in enumerate(("drill", "siren")) for i in range(2)]  # fmt: skip
    write_sounds(root, [f"audio/fold{fold}/{file}" for file, fold, _ in files])
    (root / "metadata").mkdir()
    rows = [f"{file},{file[:2]},0,1,1,{fold},0,{name}" for file, fold, name in files]
    head = "slice_file_name,fsID,start,end,salience,fold,classID,class"
    (root / "metadata" / "UrbanSound8K.csv").write_text("\n".join([head, *rows]))


def speech_commands(root: Path) -> None:
    speakers = ("0a7c2a8d", "1b7c2a8d", "2c7c2a8d", "3d7c2a8d")
    write_sounds(root, [f"{word}/{who}_nohash_{i}.wav" for word in ("yes", "no") for who in speakers for i in "01"])
    write_sounds(root, ["_background_noise_/tap.wav"], 3)
    for file, who in (("validation_list.txt", speakers[2]), ("testing_list.txt", speakers[3])):
        (root / file).write_text("".join(f"{word}/{who}_nohash_{i}.wav\n" for word in ("yes", "no") for i in "01"))


def edge_impulse_export(root: Path) -> None:
    files = [(f"{split}/{label}.{i}.wav", split, label) for split in ("training", "testing")
             for label in ("cough", "laugh") for i in range(2)]  # fmt: skip
    write_sounds(root, [name for name, *_ in files])
    entries = [{"path": name.replace("/", "\\"), "category": split, "label": {"type": "label", "label": label},
                "metadata": {"speaker": f"{label} {split}"}} for name, split, label in files]  # fmt: skip
    (root / "info.labels").write_text(json.dumps({"version": 1, "files": entries}))


def hugging_face_audiofolder(root: Path) -> None:
    files = [(f"{split}/{i}.wav", "cough" if i % 2 else "laugh") for split in ("train", "test") for i in range(4)]
    write_sounds(root, [name for name, _ in files])
    lines = [json.dumps({"file_name": name, "label": label}) for name, label in files]
    (root / "metadata.jsonl").write_text("\n".join(lines))


Make = Callable[[Path], None]
LAYOUTS: dict[Make, Shown] = {
    one_folder_a_label: {
        ("cough", "training", 4, "4.0", 4), ("cough", "testing", 1, "1.0", 1),
        ("laugh", "training", 4, "4.0", 4), ("laugh", "testing", 1, "1.0", 1),
    },
    splits_around_labels: {
        (label, split, 2, "2.0", 2) for label in ("cough", "laugh") for split in ("training", "validation", "testing")
    },
    splits_inside_labels: {
        (label, split, 2, "2.0", 2) for label in ("cough", "laugh") for split in ("training", "testing")
    },
    labels_in_names: {
        ("cough", "training", 4, "4.0", 4), ("cough", "testing", 1, "1.0", 1),
        ("laugh", "training", 4, "4.0", 4), ("laugh", "testing", 1, "1.0", 1),
    },
    free_spoken_digits: {
        ("0", "training", 4, "4.0", 2), ("0", "testing", 2, "2.0", 1),
        ("1", "training", 4, "4.0", 2), ("1", "testing", 2, "2.0", 1),
    },
    esc50: {
        ("dog", "training", 8, "8.0", 8), ("dog", "testing", 2, "2.0", 2),
        ("rain", "training", 8, "8.0", 8), ("rain", "testing", 2, "2.0", 2),
    },
    urbansound8k: {
        ("drill", "training", 8, "8.0", 8), ("drill", "testing", 2, "2.0", 2),
        ("siren", "training", 8, "8.0", 8), ("siren", "testing", 2, "2.0", 2),
    },
    speech_commands: {
        (word, split, files, seconds, groups) for word in ("yes", "no") for split, files, seconds, groups in
        (("training", 4, "4.0", 2), ("validation", 2, "2.0", 1), ("testing", 2, "2.0", 1))
    },
    edge_impulse_export: {
        (label, split, 2, "2.0", 1) for label in ("cough", "laugh") for split in ("training", "testing")
    },
    hugging_face_audiofolder: {
        (label, split, 2, "2.0", 2) for label in ("cough", "laugh") for split in ("training", "testing")
    },
}  # fmt: skip
