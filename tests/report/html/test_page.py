"""The report is one file that needs nothing else, says what is known, and lets nobody's text become markup."""

from __future__ import annotations

import re
from dataclasses import replace

from ei_toolkit.config import Config, ProjectSettings
from ei_toolkit.report.audit import keep_audit
from ei_toolkit.report.html.page import build_page
from ei_toolkit.report.project_summary import ProjectSummary, gather_summary

SECTIONS = ["verdict", "data", "listen", "training", "robustness", "published", "cost", "provenance"]


def test_a_whole_project_has_every_section_and_a_link_to_each(whole: ProjectSummary) -> None:
    page = build_page(whole)
    assert re.findall(r'<section id="(\w+)">', page) == SECTIONS
    assert re.findall(r'<a href="#(\w+)">', page) == SECTIONS


def test_the_page_fetches_nothing(whole: ProjectSummary) -> None:
    page = build_page(whole)
    sources = re.findall(r'(?:src|href)="([^"]{1,10})', page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "<script" not in page
    assert "@import" not in page


def test_four_windows_can_be_seen_and_heard(whole: ProjectSummary) -> None:
    page = build_page(whole)
    assert page.count("data:audio/wav;base64,UklGR") == 4
    assert page.count('<img class="spectrogram"') == 4
    assert page.count("data:image/png;base64,iVBOR") == 6  # and two plots of the evaluation


def test_before_the_first_training_there_are_data_sound_and_provenance(sliced: Config) -> None:
    page = build_page(gather_summary(sliced))
    assert re.findall(r'<section id="(\w+)">', page) == ["data", "listen", "published", "provenance"]


def test_names_and_verdicts_of_others_stay_text(whole: ProjectSummary) -> None:
    config = whole.config
    hostile = replace(config.settings, project=ProjectSettings(name="<script>alert(1)</script>"))
    windows = tuple(replace(w, group='"><img src=x onerror=alert(1)>') for w in whole.windows)
    page = build_page(replace(whole, config=replace(config, settings=hostile), windows=windows))
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;it&gt; is worse" in page


def test_what_stands_on_both_sides_is_said(whole: ProjectSummary) -> None:
    same = tuple(replace(window, group="Queen") for window in whole.windows)
    assert "1 artists (Queen)" in build_page(replace(whole, windows=same))
    assert "No artist and no recording stands on both sides" in build_page(whole)


def test_an_audit_is_shown_while_it_is_about_these_windows(whole: ProjectSummary) -> None:
    paths = whole.config.paths
    keep_audit(paths, {"leaks": False}, "loudness of <rock>: -14 dBFS")
    assert "loudness of &lt;rock&gt;: -14 dBFS" in build_page(whole)
    paths.manifest.write_text(paths.manifest.read_text().replace("training", "testing", 1))
    assert "loudness of" not in build_page(whole)


def test_fractions_are_shown_with_four_digits(whole: ProjectSummary) -> None:
    page = build_page(whole)
    assert '<td class="number">0.93</td>' in page
    assert not re.search(r">\d\.\d{5,}<", page)
