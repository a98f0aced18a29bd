"""Reports in Python: the HTML report, the model card, and the log of runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result
from ei_toolkit.config.atomic_write import write_bytes, write_text
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.evaluation.run_log import list_runs as recorded_runs
from ei_toolkit.report.cards import model_card
from ei_toolkit.report.html.page import build_page
from ei_toolkit.report.project_figures import figure_files
from ei_toolkit.report.project_summary import gather_summary
from ei_toolkit.report.tables import Cell


@dataclass(frozen=True)
class Runs(Result):
    """The steps that were completed in a project, oldest first, by commands and by Python."""

    runs: tuple[Run, ...]

    def metrics(self, number: int) -> Mapping[str, Any]:
        """Return the results of one run.

        Args:
            number: The number of the run.

        Returns:
            The results as plain data; accuracies are fractions from 0 to 1.

        Raises:
            UsageError: There is no such run.
        """
        for run in self.runs:
            if run.id == number:
                return run.metrics
        raise UsageError(f"there is no run {number}", hint=f"The last one is {self.runs[-1].id if self.runs else 0}.")

    def to_dict(self) -> dict[str, Any]:
        """Return each run with its kind, its time, its settings and its results."""
        return {"runs": [asdict(run) for run in self.runs]}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each run: its number, kind and time, and the version of the code."""
        return [
            {"run": run.id, "kind": run.kind, "created": run.created, "code_version": run.code_version}
            for run in self.runs
        ]


def list_runs(project: Project, kind: str | None = None) -> Runs:
    """Return the trainings, builds, evaluations and other steps that were completed in a project.

    Args:
        project: The project.
        kind: Only runs of this kind, such as `train`, `gate` or `verify`.

    Returns:
        The runs, oldest first.

    Raises:
        UsageError: There is no such kind.
        DataError: The log is damaged.
    """
    return Runs(tuple(recorded_runs(project.config.paths, kind)))


def write_report(project: Project, file: Path | str = "report.html", *, figures: Path | str | None = None) -> Path:
    """Write the HTML report of a project: data, curves, confusion matrices, verdict, robustness, size and speed.

    Args:
        project: A project with windows. What was not done yet is stated in the report.
        file: File to write.
        figures: Folder to which the figures are written as PNG files, too.

    Returns:
        The path of the report.

    Raises:
        MissingStepError: No windows were cut.
        UsageError: `file` is a folder.
        DataError: A result in the project is damaged.
    """
    summary, path = gather_summary(project.config), Path(file).expanduser()
    write_text(path, build_page(summary))
    for name, png in figure_files(summary).items() if figures else ():
        write_bytes(Path(figures or "").expanduser() / name, png)
    return path


def write_card(project: Project, file: Path | str = "MODEL_CARD.md") -> Path:
    """Write a model card in Markdown, with the front matter of Hugging Face.

    Args:
        project: A project with windows.
        file: File to write.

    Returns:
        The path of the card.

    Raises:
        MissingStepError: No windows were cut.
        UsageError: `file` is a folder.
        DataError: A result in the project is damaged.
    """
    path = Path(file).expanduser()
    write_text(path, model_card(gather_summary(project.config)))
    return path
