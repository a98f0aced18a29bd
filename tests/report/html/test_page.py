"""The report is one file that needs nothing else, shows what is known, and escapes every text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from ei_toolkit.config import Config, ProjectSettings
from ei_toolkit.report.audit import write_audit
from ei_toolkit.report.html.page import build_page
from ei_toolkit.report.html.sections import data
from ei_toolkit.report.project_summary import ProjectSummary, gather_summary

VOID = {"meta", "img"}


class Nesting(HTMLParser):
    """Checks that elements are closed in the order in which they were opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


SECTIONS = ["summary", "verdict", "training", "robustness", "cost", "data", "windows", "provenance", "published"]


def test_a_whole_project_has_every_section_and_a_link_to_each(whole_page: str) -> None:
    page = whole_page
    assert re.findall(r'<section id="(\w+)">', page) == SECTIONS
    assert re.findall(r'<a href="#(\w+)">', page) == SECTIONS


def test_the_page_fetches_nothing(whole_page: str) -> None:
    page = whole_page
    sources = re.findall(r'(?:src|href)="([^"]{1,10})', page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "<script" not in page
    assert "@import" not in page


def test_four_windows_have_a_picture_and_a_player(whole_page: str) -> None:
    page = whole_page
    assert page.count("data:audio/wav;base64,UklGR") == 4
    assert len(re.findall("data:image/png;base64, ?iVBOR", page)) == 8  # each with its colour bar
    assert page.count('<svg viewBox="') == page.count(' role="img"') == 10


def test_identifiers_are_unique_and_every_reference_leads_to_one(whole_page: str) -> None:
    page = whole_page
    identifiers = re.findall(r' id="([^"]*)"', page)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'(?:href="|url\()#([\w-]+)', page)) <= set(identifiers)


def test_the_page_is_html_in_which_every_element_is_closed(whole_page: str) -> None:
    parser = Nesting()
    parser.feed(whole_page)
    assert parser.open == []
    assert parser.seen >= {"table", "figure", "svg", "audio", "details", "nav"}


def test_before_the_first_training_there_are_data_sound_and_provenance(sliced: Config) -> None:
    page = build_page(gather_summary(sliced))
    assert re.findall(r'<section id="(\w+)">', page) == ["summary", "data", "windows", "provenance", "published"]


def test_names_and_verdicts_are_escaped(shared_whole: ProjectSummary) -> None:
    whole, config = shared_whole, shared_whole.config
    changed = replace(config.settings, project=ProjectSettings(name="<script>alert(1)</script>"))
    windows = tuple(replace(w, group='"><img src=x onerror=alert(1)>') for w in whole.windows)
    page = build_page(replace(whole, config=replace(config, settings=changed), windows=windows))
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;it&gt; is worse" in page


def test_what_is_in_both_splits_is_reported(shared_whole: ProjectSummary, whole_page: str) -> None:
    same = tuple(replace(window, group="Queen") for window in shared_whole.windows)
    assert "1 group (Queen)" in data(replace(shared_whole, windows=same)).leakage
    assert "No group and no recording is in both splits" in whole_page


def test_an_audit_is_shown_while_it_is_about_these_windows(whole: ProjectSummary) -> None:
    paths = whole.config.paths
    write_audit(paths, {"leaks": False}, "loudness of <rock>: -14 dBFS")
    assert "loudness of &lt;rock&gt;: -14 dBFS" in build_page(whole)
    paths.manifest.write_text(paths.manifest.read_text().replace("training", "testing", 1))
    assert data(whole).audit is None


def test_fractions_are_shown_with_four_digits(whole_page: str) -> None:
    page = whole_page
    assert '<td class="number">0.93</td>' in page
    assert not re.search(r">\d\.\d{5,}<", page)
