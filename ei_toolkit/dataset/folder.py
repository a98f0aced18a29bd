"""Find the clips of a folder by its layout: any format that can be decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ei_toolkit.audio.formats import SUFFIXES
from ei_toolkit.config import DatasetSettings
from ei_toolkit.dataset.file_names import read_names
from ei_toolkit.dataset.folder_names import Split, is_collection, split_of
from ei_toolkit.dataset.layout import LabelledSound, Layout, detect_layout
from ei_toolkit.dataset.layout_sources import FOLDER
from ei_toolkit.dataset.listing import Listing, composed, is_metadata, list_folder
from ei_toolkit.errors import ConfigurationError, DataError

LABELS_NAMED = 8  # in a hint
MOST_BESIDE = 1000  # files and folders that are looked at beside a folder
LAYOUT = "Clips lie in one folder a label: ROOT/rock/*.wav, ROOT/classical/*.wav."


@dataclass(frozen=True)
class Clip:
    """One clip. `name` is its path below the root, with `/`, in Unicode's composed form (NFC).

    `split`, `group` and `fold` are what the layout gives; None and empty where it gives none. `is_rerecorded`: it is a
    recording of another clip of the folder (`eitk rerecord --with-originals`).
    """

    path: Path
    name: str
    label: str
    split: Split | None = None
    group: str = ""
    fold: str = ""
    is_rerecorded: bool = False

    @classmethod
    def of(cls, sound: LabelledSound, path: Path) -> Clip:
        """Return the clip of a sound that a layout has found."""
        return cls(path, sound.name, sound.label, sound.split, sound.group, sound.fold, sound.is_rerecorded)


@dataclass(frozen=True)
class ClipFolder:
    """The clips of a folder, sorted by name, and its layout."""

    clips: tuple[Clip, ...]
    layout: Layout


def find_clips(root: Path, labels: Sequence[str] = (), settings: DatasetSettings | None = None) -> list[Clip]:
    """Return the clips of `read_clips`."""
    return list(read_clips(root, labels, settings).clips)


def read_clips(root: Path, labels: Sequence[str] = (), settings: DatasetSettings | None = None) -> ClipFolder:
    """Find all clips below `root` that have one of the given labels; no labels means every label of the layout.

    Raises ConfigurationError where the folder is missing, DataError where it has no clips, a label has none, there
    are fewer than two labels, or `detect_layout` finds no layout.
    """
    if not root.is_dir():
        raise ConfigurationError(f"{root} is not a folder of clips", hint=f"Set [dataset] root. {LAYOUT}")
    wanted = {composed(label) for label in labels}
    listing, paths = list_folder(root, SUFFIXES)
    try:
        layout = detect_layout(listing, settings or DatasetSettings(), wanted)
    except DataError as error:
        raise DataError(error.what, why=error.why, hint=error.hint.replace(FOLDER, str(root))) from None
    _check(root, listing, layout, wanted)
    if note := _note_on_folders_above(root, layout):
        layout = replace(layout, notes=(*layout.notes, note))
    return ClipFolder(tuple(Clip.of(sound, paths[sound.name]) for sound in layout.sounds), layout)


def _note_on_folders_above(root: Path, layout: Layout) -> str:
    try:
        return _split_above(root, layout) or _labels_above(root, layout)
    except OSError:  # the folders above may be closed to the user
        return ""


def _split_above(root: Path, layout: Layout) -> str:
    """Return a note where the folder is one split of a data set, beside a folder of another split."""
    own, parent = split_of(root.resolve().name), root.resolve().parent
    if not own or layout.split_from.source != "none":
        return ""
    others = [folder.name for folder in sorted(parent.iterdir()) if split_of(folder.name) not in (None, own)]
    if not others:
        return ""
    return f"this folder is one split of a data set; with its other splits ({', '.join(others)}): --clips {parent}"


def _labels_above(root: Path, layout: Layout) -> str:
    """Return a note where a folder beside has the same folders: the two may be the labels, and these be groups."""
    if layout.labels_from.source != "folder" or is_collection(root.resolve().name):
        return ""
    for beside in sorted(islice(root.resolve().parent.iterdir(), MOST_BESIDE)):
        if beside == root.resolve() or beside.name.startswith(".") or is_collection(beside.name):
            continue
        same = sorted(label for label in layout.labels if (beside / label).is_dir())
        if len(same) > 1:
            return (
                f"the folder {beside.name} beside it has the folders {', '.join(same[:LABELS_NAMED])}, too; if"
                f" {root.resolve().name} and {beside.name} are the labels: --clips {beside.parent}"
            )
    return ""


def _metadata_above(root: Path) -> str:
    """Return a file in the folder above, or in a folder beside, that may describe the clips; "" if there is none."""
    parent = root.resolve().parent
    found = (file for pattern in ("*", "*/*") for file in sorted(islice(parent.glob(pattern), MOST_BESIDE)))
    names = (file.relative_to(parent).as_posix() for file in found if root.resolve() not in file.parents)
    return next((name for name in names if is_metadata(name)), "")


def _check(root: Path, listing: Listing, layout: Layout, wanted: set[str]) -> None:
    found = set(layout.labels)
    if missing := sorted(wanted - found):
        there = ", ".join(sorted(folder.name for folder in root.iterdir() if folder.is_dir())) or "none"
        raise DataError(
            f"no clips for the label {', '.join(missing)} in {root}",
            why=f"folders there: {there}",
            hint=f"Correct [project] labels or [dataset] root. {LAYOUT}",
        )
    if not listing.sounds:
        raise DataError(f"no clips in {root}", hint=LAYOUT)
    if len(found) < 2:
        raise _too_few_labels(root, listing, found)


def _too_few_labels(root: Path, listing: Listing, found: set[str]) -> DataError:
    what = f"only one label in {root}: {', '.join(found)}" if found else f"no labels are found in {root}"
    why, hint = "a classifier needs two labels or more", f"Add a folder of clips with another label. {LAYOUT}"
    if not found:
        why = "there are clips in it, but not in folders of labels"
        hint = f"Give the folder above, if it has one folder for each label: {root.resolve().parent}. {LAYOUT}"
        if described := _metadata_above(root):
            hint = f"Give the folder above, whose {described} may describe the clips: {root.resolve().parent}."
        if (names := read_names(listing.sounds, certain=False)) and len(set(names.labels.values())) > 1:
            given = ", ".join(sorted(set(names.labels.values()))[:LABELS_NAMED])
            hint = f"Use --labels-from name for labels from the names of the files, here {given}. Otherwise: {hint}"
    return DataError(what, why=why, hint=hint)
