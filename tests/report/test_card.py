"""The card has front matter that a YAML reader accepts, and contains nothing that is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from ei_toolkit.config import Config, ProjectSettings
from ei_toolkit.config.lockfile import write_lock
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.report.cards import LICENCE_GAP, is_gtzan, model_card
from ei_toolkit.report.html.sections import cost, verdict
from ei_toolkit.report.project_summary import ProjectSummary, gather_summary


def front_matter(card: str) -> dict[str, Any]:
    _, head, _ = card.split("---\n", 2)
    fields: dict[str, Any] = yaml.safe_load(head)
    return fields


def test_front_matter_and_text_are_filled_from_the_project(shared_whole: ProjectSummary) -> None:
    whole, card = shared_whole, model_card(shared_whole)
    fields = front_matter(card)
    assert fields["pipeline_tag"] == "audio-classification"
    [result] = fields["model-index"][0]["results"]
    assert [metric["value"] for metric in result["metrics"]] == [0.93, 0.94, 0.96]
    assert whole.lock
    assert whole.lock.model_sha256 in card
    assert "| rock | testing | 2 | 2 |" in card
    assert "| mic | 90.0 % | – | 95.0 % |" in card


def test_the_summary_stands_first_with_what_is_missing(shared_whole: ProjectSummary) -> None:
    card = model_card(shared_whole)
    assert card.index("## Summary") < card.index("## Data")
    assert "| accuracy at threshold 0.6 | 93.0 % | top-1 accuracy 94.0 %; clip accuracy 96.0 %;" in card
    assert "| verdict of the gate | refused | it is worse |" in card
    assert "* the windows were not audited: `eitk dataset audit`" in card


def test_before_the_gate_there_are_no_results(sliced: Config) -> None:
    card = model_card(gather_summary(sliced))
    assert "* no model was trained: `eitk train --eon`" in card
    assert front_matter(card)["model-index"][0]["results"] == []
    assert "## Test" not in card


def test_a_model_is_not_credited_with_the_verdict_and_the_image_of_another(whole: ProjectSummary) -> None:
    assert whole.lock
    other = replace(whole, lock=replace(whole.lock, model_sha256="f" * 64))
    card = model_card(other)
    assert "f" * 64 in card
    assert front_matter(card)["model-index"][0]["results"] == []
    assert "## Test" not in card
    assert verdict(other) is None
    assert verdict(whole) is not None
    shown = cost(other)
    assert shown is None or shown.image is None


@pytest.mark.parametrize(("built", "shown"), [("2000-01-01T00:00:00.000Z", True), ("2999-01-01T00:00:00.000Z", False)])
def test_an_evaluation_of_an_earlier_pinned_model_is_left_out(whole: ProjectSummary, built: str, shown: bool) -> None:
    assert whole.lock
    paths = whole.config.paths
    record_run(whole.config, "evaluation", {"protocol": "test"})
    (paths.state / "evaluation.json").write_text(json.dumps({**whole.evaluation, "protocol": "test"}))
    write_lock(paths.lock, replace(whole.lock, created=built))
    assert ("protocol test" in model_card(gather_summary(whole.config))) is shown


def test_a_name_with_colons_and_quotes_does_not_break_the_front_matter(whole: ProjectSummary) -> None:
    name = 'Rock: "yes"\n---\n# no'
    settings = replace(whole.config.settings, project=ProjectSettings(name=name))
    fields = front_matter(model_card(replace(whole, config=replace(whole.config, settings=settings))))
    assert fields["model-index"][0]["name"] == name


def test_the_missing_licence_is_named_if_and_only_if_the_clips_are_gtzan(whole: ProjectSummary) -> None:
    assert not is_gtzan(whole)
    assert LICENCE_GAP not in model_card(whole)
    named = tuple(replace(w, clip=f"{w.label}/{w.label}.0000{i % 5}.wav") for i, w in enumerate(whole.windows))
    gtzan = replace(whole, windows=named)
    assert is_gtzan(gtzan)
    assert LICENCE_GAP in model_card(gtzan)
    assert front_matter(model_card(gtzan))["datasets"] == ["marsyas/gtzan"]
