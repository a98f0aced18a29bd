"""Windows that are not on the server: written as a file, and the error they end in."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ei_toolkit.api.upload.run import Failure, Report
from ei_toolkit.errors import ApiError


def write_failures(path: Path, failures: Sequence[Failure]) -> None:
    """Write `file,reason` rows as CSV, in one step."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(("file", "reason"))
        out.writerows((failure.file, failure.reason) for failure in failures)
    part.replace(path)


def check_complete(report: Report) -> None:
    """Raise ApiError unless every window is on the server."""
    if report.failures:
        raise ApiError(
            f"{len(report.failures)} of {report.windows} windows are not on the server",
            why=report.failures[0].reason,
            hint="Mend what is named above and run eitk upload again; the rest is not sent twice.",
        )
