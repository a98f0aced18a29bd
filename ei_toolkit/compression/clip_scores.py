"""Scores of clips by a model of any kind, in a file: `eitk evaluate --scores` writes it, and networks learn from it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.errors import DataError
from ei_toolkit.features.table import check_npz

ARRAYS = ("clips", "labels", "scores")
SHOWN = 3  # clips that a message names


@dataclass(frozen=True)
class ClipScores:
    """Scores (clips, labels) of clips; those of a clip add up to 1."""

    clips: tuple[str, ...]
    labels: tuple[str, ...]
    scores: npt.NDArray[np.float32]

    def write(self, file: Path) -> None:
        """Write an .npz with the arrays ARRAYS."""
        packed = io.BytesIO()
        np.savez(packed, clips=np.array(self.clips), labels=np.array(self.labels), scores=self.scores)
        write_bytes(file, packed.getvalue())

    @classmethod
    def read(cls, file: Path) -> ClipScores:
        """Read such a file. Raises DataError for one that is damaged, lacks an array or has no scores in it."""
        try:
            check_npz(file)
            with np.load(file, allow_pickle=False) as stored:
                clips, labels, scores = (stored[name] for name in ARRAYS)
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
            hint = f"It needs the arrays {', '.join(ARRAYS)}, as eitk evaluate --suite NAME --scores FILE writes them."
            raise DataError(f"{file} has no scores of clips", why=str(error), hint=hint) from None
        found = cls(tuple(map(str, clips)), tuple(map(str, labels)), scores)
        if scores.shape != (len(found.clips), len(found.labels)) or scores.dtype.kind != "f":
            raise DataError(
                f"the scores in {file} are {scores.dtype} {scores.shape}",
                why=f"it has {len(found.clips)} clips and {len(found.labels)} labels",
                hint="Give a score for each label of each clip.",
            )
        if not (np.isfinite(scores).all() and (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=0.01)):
            raise DataError(f"the scores in {file} are no probabilities", hint="Those of a clip must add up to 1.")
        return found

    def of(self, clips: Sequence[str], names: Sequence[str], needed: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """Return the scores (windows, labels) for the clip of each window, in the order of `names`.

        A window has equal scores where it is not `needed` and its clip has none. Clips are found by their path, their
        name, or their name without its ending. Raises DataError for other labels, or a needed clip without scores.
        """
        if sorted(self.labels) != sorted(names):
            raise DataError(
                f"the scores of the teacher are of {', '.join(self.labels)}",
                why=f"the windows have the labels {', '.join(names)}",
                hint="Give scores of the same labels.",
            )
        columns = [self.labels.index(name) for name in names]
        rows = dict(zip(self.clips, self.scores[:, columns], strict=True))
        found = {clip: _row(rows, clip) for clip in dict.fromkeys(clips)}
        lacking = dict.fromkeys(clip for clip, is_needed in zip(clips, needed, strict=True) if is_needed)
        if missing := [clip for clip in lacking if found[clip] is None]:
            more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
            raise DataError(
                f"the teacher has no scores of {', '.join(missing[:SHOWN])}{more}",
                hint="Give scores of all clips for training, or leave these clips out.",
            )
        equal = np.full(len(names), 1 / len(names), np.float32)
        return np.stack([equal if (row := found[clip]) is None else row for clip in clips]).astype(np.float32)


def _row(rows: Mapping[str, npt.NDArray[np.float32]], clip: str) -> npt.NDArray[np.float32] | None:
    name = PurePosixPath(clip)
    return next((rows[key] for key in (clip, name.name, name.stem) if key in rows), None)
