"""Groups of clips that must stay in one split."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.index import Index, Track
from ei_toolkit.errors import ConfigurationError, DataError

COLUMNS = {"clip", "group"}
SHOWN = 5  # incomplete rows that an error names


@dataclass(frozen=True)
class KnownClip:
    """A clip with the hash of its file, its group and, where it is one of GTZAN's, its track."""

    clip: Clip
    sha256: str
    group: str
    track: Track | None


def identify(clips: Sequence[Clip], hashes: Mapping[str, str], index: Index, own: Mapping[str, str]) -> list[KnownClip]:
    """Give each clip its group: from the user's CSV, else GTZAN's index, else the layout, else a group of its own.

    `hashes` maps clip names to SHA-256; `own` maps clip names, file names or stems to groups. Equal files share the
    group of the first of them. Raises DataError where `own` names none of the clips.
    """
    _check_names_some(own, clips)
    known: list[KnownClip] = []
    group_of: dict[str, str] = {}
    for clip in clips:
        sha256 = hashes[clip.name]
        track = index.find(clip.name, clip.label, sha256)
        group = _own_group(clip.name, own) or (track.group if track else clip.group) or _own_name(clip)
        known.append(KnownClip(clip, sha256, group_of.setdefault(sha256, group), track))
    return known


def _own_name(clip: Clip) -> str:
    return str(PurePosixPath(clip.name).with_suffix(""))


def read_groups(file: Path) -> dict[str, str]:
    """The user's CSV with the columns clip and group.

    Raises ConfigurationError where it cannot be read, DataError where it is empty or a row lacks one of the two.
    """
    rows = _read(file)
    if not rows:
        raise DataError(f"{file} has no rows", hint="One row a clip, below the line clip,group; or remove the file.")
    numbered = enumerate(rows, start=1)
    if bare := [f"row {number} ({clip or 'no clip'})" for number, (clip, group) in numbered if not (clip and group)]:
        raise _incomplete(file, bare)
    return dict(rows)


def _read(file: Path) -> list[tuple[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if not set(rows.fieldnames or ()) >= COLUMNS:
                raise ConfigurationError(f"{file} lacks the columns clip and group", hint="First line: clip,group")
            return [(_composed(row["clip"] or ""), (row["group"] or "").strip()) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{file} cannot be read", why=str(error), hint="Correct [dataset] groups.") from None


def _incomplete(file: Path, bare: Sequence[str]) -> DataError:
    shown = ", ".join(bare[:SHOWN]) + (f" and {len(bare) - SHOWN} more" if len(bare) > SHOWN else "")
    return DataError(
        f"{file}: {shown}: clip or group is missing",
        why="a clip without a group could share its speaker or recording with another split",
        hint="Fill them in, or remove these rows: a clip without a row is a group of its own.",
    )


def _check_names_some(own: Mapping[str, str], clips: Sequence[Clip]) -> None:
    if own and clips and not any(_own_group(clip.name, own) for clip in clips):
        raise DataError(
            "no row of the list of groups names a clip",
            why=f"its first row is for {next(iter(own))}, the first clip is {clips[0].name}",
            hint=f"Name a clip {clips[0].name}, {PurePosixPath(clips[0].name).name} or without its ending.",
        )


def _own_group(name: str, own: Mapping[str, str]) -> str:
    path = PurePosixPath(name)
    return own.get(name) or own.get(path.name) or own.get(path.stem) or ""


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())
