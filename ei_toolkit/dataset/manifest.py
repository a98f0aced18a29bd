"""The window manifest: one row a window, from which each can be traced to its clip."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.errors import DataError


@dataclass(frozen=True)
class Window:
    """One window file. `file` is relative to the manifest; `sha256` is that of the WAV file's bytes.

    `clip` is relative to the folder of clips, `group` the artist group, `recipe` how the samples were altered before
    the level was set ("" for not at all).
    """

    file: str
    sha256: str
    clip: str
    clip_sha256: str
    group: str
    start_ms: int
    label: str
    split: Literal["training", "testing"]
    recipe: str = ""


MANIFEST_NAME = "manifest.csv"
COLUMNS = tuple(f.name for f in fields(Window))


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
        """Read a manifest. Raises DataError where it is missing or damaged."""
        try:
            with path.open(encoding="utf-8", newline="") as stream:
                rows = csv.DictReader(stream)
                if tuple(rows.fieldnames or ()) != COLUMNS:
                    raise DataError(f"{path} is not a window manifest", why="its columns are others", hint=_hint(path))
                return cls(tuple(_window(row) for row in rows))
        except UnicodeDecodeError:
            raise DataError(f"{path} is not a window manifest", why="it is not text", hint=_hint(path)) from None
        except OSError as error:
            raise _unreadable(path, error) from None
        except (ValueError, TypeError, csv.Error) as error:
            raise DataError(f"{path} is damaged", why=str(error), hint="eitk slice") from None

    def write(self, path: Path) -> None:
        """Write the manifest in one step: readers see the old one or the new one."""
        with replace_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as stream:
            out = csv.writer(stream, lineterminator="\n")
            out.writerow(COLUMNS)
            out.writerows(map(attrgetter(*COLUMNS), self.windows))


def _unreadable(path: Path, error: OSError) -> DataError:
    if not isinstance(error, FileNotFoundError):
        hint = f"Name a {MANIFEST_NAME} that you may read."
        return DataError(f"{path} cannot be read", why=(error.strerror or "").lower(), hint=hint)
    there = f"there are no windows at {path.parent}" if path.name == MANIFEST_NAME else f"there is no file {path}"
    return DataError(there, hint=_hint(path))


def _hint(path: Path) -> str:
    return "eitk slice" if path.name == MANIFEST_NAME else f"Name a {MANIFEST_NAME} that eitk slice wrote."


def _window(row: dict[str, Any]) -> Window:
    if row["split"] not in ("training", "testing"):
        raise ValueError(f"{row['split']!r} is not a split")
    return Window(**{**row, "start_ms": int(row["start_ms"])})
