"""The window manifest: one row for each window, which traces it to its clip."""

from __future__ import annotations

import csv
import hashlib
import sys
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.config.migration import RENAMED_COLUMNS
from ei_toolkit.dataset.folder_names import SPLITS, Split
from ei_toolkit.errors import DataError, EitkError, MissingStepError

LARGEST_FILE_BYTES = 100 * 2**20  # of one file that is uploaded, as Edge Impulse accepts it


@dataclass(frozen=True, slots=True)
class Window:
    """One window file. `file` is relative to the manifest; `sha256` is that of the WAV file's bytes.

    `clip` is relative to the folder of clips, `group` names what must not be in two splits: an artist,
    a speaker, a recording. `augmentation` names the changes that were
    made to the samples before the level was set ("" for none).
    """

    file: str
    sha256: str
    clip: str
    clip_sha256: str
    group: str
    start_ms: int
    label: str
    split: Split
    augmentation: str = ""


MANIFEST_NAME = "manifest.csv"
COLUMNS = tuple(f.name for f in fields(Window))
REPEATED = ("clip", "clip_sha256", "group", "label", "split")
"""Columns whose texts many windows share: each text is in memory once."""
HASHED_HEADER = "file,sha256,clip,clip_sha256,group,start_ms,label,split,recipe\n"  # old name
"""Header of versions before 0.3. It is hashed in place of the present one, so that recorded hashes stay valid."""


@dataclass(frozen=True)
class Manifest:
    """All windows of one run of `eitk slice`, in the order of clips and time."""

    windows: tuple[Window, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels, sorted."""
        return tuple(sorted({window.label for window in self.windows}))

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest, also one of a version before 0.3. Raises DataError if it is missing or damaged."""
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                rows = csv.DictReader(stream)
                rows.fieldnames = [RENAMED_COLUMNS.get(name, name) for name in rows.fieldnames or ()]
                if tuple(rows.fieldnames) != COLUMNS:
                    why = f"its columns are not {', '.join(COLUMNS)}"
                    raise DataError(f"{path} is not a window manifest", why=why, hint=_hint(path))
                return cls(tuple(_window(row) for row in rows))
        except UnicodeDecodeError:
            raise DataError(f"{path} is not a window manifest", why="it is not text", hint=_hint(path)) from None
        except OSError as error:
            raise _unreadable(path, error) from None
        except (ValueError, TypeError, csv.Error) as error:
            raise DataError(f"{path} is damaged", why=str(error), hint="eitk slice") from None

    def write(self, path: Path) -> None:
        """Write the manifest in one step: a reader gets either the old manifest or the new one."""
        with replace_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
            out = csv.writer(stream, lineterminator="\n")
            out.writerow(COLUMNS)
            out.writerows(map(attrgetter(*COLUMNS), self.windows))


def manifest_hash(path: Path) -> str:
    """SHA-256 of a manifest's rows below `HASHED_HEADER`; the same before and after a column is renamed."""
    rows = path.read_bytes().partition(b"\n")[2]
    return hashlib.sha256(HASHED_HEADER.encode() + rows).hexdigest()


def _unreadable(path: Path, error: OSError) -> EitkError:
    if not isinstance(error, FileNotFoundError):
        hint = f"Give a {MANIFEST_NAME} that you have permission to read."
        return DataError(f"{path} cannot be read", why=(error.strerror or "").lower(), hint=hint)
    if path.name == MANIFEST_NAME:
        return MissingStepError(f"there are no windows at {path.parent}", hint=_hint(path))
    return DataError(f"there is no file {path}", hint=_hint(path))


def _hint(path: Path) -> str:
    return "eitk slice" if path.name == MANIFEST_NAME else f"Give a {MANIFEST_NAME} that eitk slice wrote."


def _window(row: dict[str, Any]) -> Window:
    if row["split"] not in SPLITS:
        raise ValueError(f"{row['split']!r} is not a split")
    shared = {name: sys.intern(row[name]) for name in REPEATED}
    return Window(**{**row, **shared, "start_ms": int(row["start_ms"])})
