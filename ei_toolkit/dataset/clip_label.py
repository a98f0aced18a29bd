"""The label of a clip that is named by its path, by the same rules that `eitk slice` applies."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path

from ei_toolkit.config import Settings
from ei_toolkit.dataset.folder import read_clips
from ei_toolkit.dataset.listing import composed, stem_of
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import EitkError

FOLDERS_ABOVE = 6  # how far up the folder of a label is looked for


def labels_of_clips(clips: Sequence[Path], settings: Settings, project: Path) -> list[str]:
    """Return the label of each clip: that of the project's data set, else by its folders and name; "" without one."""
    known = _labels_in_data_set(clips, settings, project)
    return [known.get(clip.resolve()) or label_by_path(clip, settings.project.labels) for clip in clips]


def label_by_path(clip: Path, labels: Collection[str]) -> str:
    """Return the nearest folder above a clip, or the start of its name (`rock.00042.wav`, `rock_3.wav`), if a label.

    Every name is a label if `labels` is empty; the result is empty if none is one.
    """
    folders = [composed(folder.name) for folder in islice(clip.resolve().parents, FOLDERS_ABOVE)]
    stem = composed(stem_of(clip.name))
    starts = [stem, *(stem[: found.start()] for found in re.finditer(r"[ ._-]", stem))]
    names = [*folders, *reversed(starts)] if labels else folders[:1]
    return next((name for name in names if not labels or name in labels), "")


def _labels_in_data_set(clips: Sequence[Path], settings: Settings, project: Path) -> Mapping[Path, str]:
    """Return the labels of the layout by path, if a clip lies in the folder of clips and it can be read."""
    try:
        root = clips_root(settings.dataset, project)
        if not any(clip.resolve().is_relative_to(root) for clip in clips):
            return {}
        found = read_clips(root, settings.project.labels, settings.dataset).clips
    except EitkError:  # without a data set, the path gives the label
        return {}
    return {clip.path.resolve(): clip.label for clip in found}
