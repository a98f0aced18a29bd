"""What a night leaves behind. Whole nights are run by tests/workflows."""

from __future__ import annotations

import pytest

from ei_toolkit.report.facts import Facts
from ei_toolkit.report.nightly import Night, publish
from ei_toolkit.report.runs import Run


@pytest.fixture
def gate(whole: Facts) -> Run:
    root = whole.config.paths.root
    for name in ("lib.zip", "champion.json", "report.html", "MODEL_CARD.md"):
        (root / name).write_text(name)
    return whole.of_kind("gate")[-1]


@pytest.mark.parametrize(("verdict", "library"), [("passed", {"eitk.lock", "lib.zip"}), ("refused", set())])
def test_the_library_is_published_only_of_a_model_that_passed(
    whole: Facts, gate: Run, verdict: str, library: set[str]
) -> None:
    gate.metrics["verdict"] = verdict  # type: ignore[index]
    night = Night(True, gate, whole.config.paths.root / "published")
    publish(whole.config, night)
    there = {file.name for file in night.published.iterdir()}
    assert there == {"summary.md", "champion.json", "report.html", "MODEL_CARD.md"} | library


def test_the_summary_of_a_night_without_news_names_the_run_that_stands(whole: Facts, gate: Run) -> None:
    night = Night(False, gate, whole.config.paths.root / "published")
    publish(whole.config, night)
    assert f"those of run {gate.id}" in (night.published / "summary.md").read_text()
