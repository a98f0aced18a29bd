"""Files that were skipped, rejected or warned of, and their table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FileOutcome:
    """A file, what happened to it (`skipped`, `warned`, `not uploaded`), and the reason."""

    path: str
    outcome: str
    reason: str


def outcomes_csv(outcomes: Sequence[FileOutcome]) -> str:
    """Return `path,outcome,reason` rows as CSV."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("path", "outcome", "reason"))
    rows.writerows((one.path, one.outcome, one.reason) for one in outcomes)
    return text.getvalue()
