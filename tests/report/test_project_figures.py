from __future__ import annotations

from ei_toolkit.config import Config
from ei_toolkit.report.project_figures import figure_files
from ei_toolkit.report.project_summary import ProjectSummary, gather_summary

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_whole_project_has_every_figure(whole: ProjectSummary) -> None:
    files = figure_files(whole)
    assert sorted(files) == [
        "accuracy-by-condition.png", "accuracy-by-gain.png", "confusion.png", "instructions-by-layer.png",
        "learning-curves.png", "reliability.png", "spectrograms.png",
    ]  # fmt: skip
    assert all(png.startswith(PNG) for png in files.values())


def test_before_training_there_are_only_spectrograms(sliced: Config) -> None:
    assert list(figure_files(gather_summary(sliced))) == ["spectrograms.png"]
