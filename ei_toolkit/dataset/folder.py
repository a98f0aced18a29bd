"""Find clips: ROOT/<label>/**/<clip>, any format that can be decoded."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.errors import ConfigurationError, DataError

SUFFIXES = frozenset(
    {".wav", ".au", ".snd", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".aifc", ".caf", ".w64", ".rf64"}
    | {".m4a", ".aac", ".mp4", ".wma"}  # with ffmpeg
)
LAYOUT = "Clips lie in one folder a label: ROOT/rock/*.wav, ROOT/classical/*.wav."


@dataclass(frozen=True)
class Clip:
    """One clip. `name` is its path below the root, with `/`, in Unicode's composed form (NFC)."""

    path: Path
    name: str
    label: str


def find_clips(root: Path, labels: Sequence[str] = ()) -> list[Clip]:
    """All clips below `root`, sorted by name, of the given labels; no labels means every folder that holds clips.

    Raises ConfigurationError where the folder is missing, DataError where it has no clips, a label has none, or
    there are fewer than two labels.
    """
    if not root.is_dir():
        raise ConfigurationError(f"{root} is not a folder of clips", hint=f"Set [dataset] root. {LAYOUT}")
    wanted = {_composed(label) for label in labels}
    clips = [clip for folder in sorted(root.iterdir()) for clip in _clips_of(folder, wanted)]
    _check(root, {clip.label for clip in clips}, wanted)
    return sorted(clips, key=lambda clip: clip.name)


def _clips_of(folder: Path, wanted: set[str]) -> Iterator[Clip]:
    label = _composed(folder.name)
    if folder.name.startswith(".") or not folder.is_dir() or (wanted and label not in wanted):
        return
    for path in folder.rglob("*"):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield Clip(path, f"{label}/{_composed(path.relative_to(folder).as_posix())}", label)


def _check(root: Path, found: set[str], wanted: set[str]) -> None:
    if missing := sorted(wanted - found):
        there = ", ".join(sorted(folder.name for folder in root.iterdir() if folder.is_dir())) or "none"
        raise DataError(
            f"no clips for the label {', '.join(missing)} in {root}",
            why=f"folders there: {there}",
            hint=f"Correct [project] labels or [dataset] root. {LAYOUT}",
        )
    if not found:
        raise DataError(f"no clips in {root}", hint=LAYOUT)
    if len(found) == 1:
        raise DataError(
            f"only one label in {root}: {', '.join(found)}", why="a classifier needs two labels or more",
            hint=f"Add a folder of clips with another label. {LAYOUT}",
        )  # fmt: skip


def _composed(text: str) -> str:
    """In NFC; bytes of a name that are not UTF-8 become U+FFFD, because they cannot be encoded."""
    return unicodedata.normalize("NFC", os.fsencode(text).decode("utf-8", "replace"))
