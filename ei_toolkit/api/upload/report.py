"""What an upload did, what it could not do, and the error that it then ends in."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ei_toolkit.errors import ApiError


@dataclass(frozen=True)
class Failure:
    """A window that is not on the server, and why."""

    file: str
    reason: str


@dataclass
class Report:
    """What an upload did. `done` counts every window of the manifest that is on the server."""

    windows: int
    done: int = 0
    sent: int = 0
    duplicates: int = 0
    moved: int = 0
    removed: int = 0
    requests: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    def data(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    def sentence(self) -> str:
        """For people."""
        parts = [f"{self.done} of {self.windows} windows are on the server", f"{self.sent} sent now"]
        parts += [f"{self.duplicates} were there"] if self.duplicates else []
        parts += [f"{self.moved} moved or relabelled"] if self.moved else []
        parts += [f"{self.removed} removed whose clips are on the other side of the split"] if self.removed else []
        rate = f", {self.sent / self.seconds:.0f}/s" if self.sent and self.seconds > 0 else ""
        return f"{'; '.join(parts)} ({self.requests} requests, {self.seconds:.1f} s{rate})"


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
