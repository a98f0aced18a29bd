"""What each section of the report states, read from the page as a browser does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

import pytest

from ei_toolkit.config import Config, DspBlock
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.eon.profile import LayerProfile, Profile
from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.report.cards import model_card
from ei_toolkit.report.html.page import build_page, number_columns
from ei_toolkit.report.html.sections import GROUPS_SHOWN, cost, data, robustness, training, verdict
from ei_toolkit.report.project_figures import confusion_matrix, spectrograms
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.report.tables import Table

SHA = "ab" * 32
LOCK = Lock(3, 1, "tflite-eon", "int8", "arduino", "lib.zip", "0" * 64, "model.tflite", SHA, "2026-11-21")


@dataclass
class Page(HTMLParser):
    """The headings, the tables and the words of a page, without style and pictures."""

    headings: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings, self.rows, self.words = [], [], []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "path", "use"):
            self._inside.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag in ("h1", "h2", "h3"):
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, text: str) -> None:
        if {"style", "svg"} & set(self._inside):
            return
        self.words += text.split()
        if {"td", "th"} & set(self._inside):
            self.rows[-1][-1] = " ".join(f"{self.rows[-1][-1]} {text}".split())
        elif {"h1", "h2", "h3"} & set(self._inside):
            self.headings[-1] += text

    @property
    def text(self) -> str:
        return " ".join(self.words)


def window(number: int, **changes: Any) -> Window:
    made = Window(
        f"{number}.wav", f"{number:064}", f"{number}.wav", f"{number:064}", f"a{number}", 0, "rock", "training"
    )
    return replace(made, **changes)


@pytest.fixture
def bare(project: Callable[..., Config]) -> ProjectSummary:
    """A project of two windows without a processing block, before its first training."""
    config = project()
    settings = replace(config.settings, impulse=replace(config.settings.impulse, dsp=()))
    rows = (window(1), window(2, split="testing", label="classical"))
    return ProjectSummary(replace(config, settings=settings), rows, (), {}, None)


def run_of(kind: Any, **metrics: Any) -> Run:
    return Run(1, "2026-11-21T00:00:00", kind, {}, "d" * 64, "code", "print", metrics)


COST = {"ram_bytes": 12_300, "flash_bytes": 20_100, "latency_ms": 14.4, "how": "emulated"}
TRIAL = {"thresholded_accuracy": 0.9, "track_accuracy": 0.95, "confusion": [[9, 1], [0, 0]], "cost": COST}


def gate(verdict_: str = "passed", **changes: Any) -> Run:
    text = "The challenger <b>passes</b>."
    return run_of("gate", verdict=verdict_, text=text, challenger=TRIAL, challenger_sha256=SHA, **changes)


def test_a_bare_project_has_a_title_and_its_data(bare: ProjectSummary) -> None:
    page = Page(build_page(bare))
    assert page.headings == [bare.config.settings.project.name, "Summary", "Data", "Provenance",
                             "Comparison with the published project"]  # fmt: skip
    assert "Run eitk dataset audit to search for recordings with two names" in page.text


def test_the_data_are_counted_by_label_and_split(bare: ProjectSummary) -> None:
    rows = (*bare.windows, window(3, clip="1.wav", group="a1"), window(4, augmentation="gain+3"))
    page = Page(build_page(replace(bare, windows=rows)))
    assert ["label", "split", "clips", "groups", "windows", "of which augmented"] in page.rows
    assert ["rock", "training", "2", "2", "3", "1"] in page.rows
    assert ["classical", "testing", "1", "1", "1", "0"] in page.rows


def test_the_preparation_is_in_seconds(bare: ProjectSummary) -> None:
    cut = replace(bare.config.settings.slice, window_ms=2500, hop_ms=500, level="rms")
    settings = replace(bare.config.settings, slice=cut)
    section = data(replace(bare, config=replace(bare.config, settings=settings)))
    assert section.preparation == "Windows of 2.5 s every 0.5 s, split by artist, level: rms."


@pytest.mark.parametrize("count", [1, GROUPS_SHOWN, GROUPS_SHOWN + 1])
def test_artists_of_both_splits_are_named_up_to_a_limit(bare: ProjectSummary, count: int) -> None:
    training_rows = [window(n) for n in range(count)]
    testing_rows = [window(n, split="testing", clip_sha256=f"{n + 100:064}") for n in range(count)]
    leakage = data(replace(bare, windows=(*training_rows, *testing_rows))).leakage
    assert leakage.startswith(f"{counted(count, 'group')} (a0")
    assert ("…" in leakage) == (count > GROUPS_SHOWN)
    assert "and 0 recordings are in both splits: the test overestimates accuracy." in leakage


def test_a_recording_in_both_splits_is_counted_although_its_artists_differ(bare: ProjectSummary) -> None:
    rows = (window(1), window(2, clip_sha256=window(1).clip_sha256, split="testing"))
    assert "0 groups () and 1 recording are" in data(replace(bare, windows=rows)).leakage


def test_the_verdict_shows_both_models_and_the_shares_of_each_row(bare: ProjectSummary) -> None:
    run = gate(champion=TRIAL | {"thresholded_accuracy": 0.5}, threshold=0.6, majority=0.5)
    summary = replace(bare, runs=(run,), lock=LOCK)
    page = Page(build_page(summary))
    assert page.headings[1:3] == ["Summary", "Verdict"]
    assert "Confusion matrix of the held-out windows at threshold 0.6" in page.text
    assert "The challenger <b>passes</b>." in page.text
    assert ["accuracy at threshold 0.6", "90.0 %", "50.0 %"] in page.rows
    assert ["majority baseline", "50.0 %", "50.0 %"] in page.rows
    assert ["RAM", "12.0 KiB", "12.0 KiB"] in page.rows
    assert ["classical", "9 (90.0 %)", "1 (10.0 %)"] in page.rows
    assert ["rock", "0", "0"] in page.rows


@pytest.mark.parametrize(("outcome", "style"), [("passed", "verdict passed"), ("refused", "verdict rejected")])
def test_a_verdict_has_the_style_of_its_outcome(bare: ProjectSummary, outcome: str, style: str) -> None:
    html = build_page(replace(bare, runs=(gate(outcome),), lock=LOCK))
    assert f'<p class="{style}">' in html


def test_the_first_challenger_has_a_dash_for_the_champion(bare: ProjectSummary) -> None:
    page = Page(build_page(replace(bare, runs=(gate(champion=None),), lock=LOCK)))
    assert ["clip accuracy", "95.0 %", "–"] in page.rows


def test_without_a_pinned_model_there_is_no_verdict(bare: ProjectSummary) -> None:
    assert verdict(replace(bare, runs=(gate(),))) is None


def test_a_training_names_its_settings(bare: ProjectSummary) -> None:
    own = replace(bare.config.settings.training, epochs=12, batch_size=8, learning_rate=0.0005, validation=0.25)
    config = replace(bare.config, settings=replace(bare.config.settings, training=own))
    runs = (run_of("train", history={"accuracy": [0.5, 0.9], "loss": [1, 0.5]}),)
    section = training(replace(bare, config=config, runs=runs))
    assert section is not None
    assert section.settings == (
        "12 epochs in batches of 8, learning rate 0.0005, 25 % of the training windows used for validation."
    )


@pytest.mark.parametrize("metrics", [{}, {"history": {}}])
def test_a_training_without_curves_has_no_section(bare: ProjectSummary, metrics: dict[str, Any]) -> None:
    assert training(replace(bare, runs=(run_of("train", **metrics),))) is None


ROW = {"window_accuracy": 0.9, "track_accuracy": 0.95}


def test_robustness_has_the_interval_and_the_baselines_in_percent(bare: ProjectSummary) -> None:
    evaluation = {
        "protocol": "artist",
        "clean": ROW | {"interval": [0.875, 1.0]},
        "conditions": {"mic": {"window_accuracy": 0.5, "track_accuracy": 0.25}},
        "baselines": {"majority": 0.5, "level": {"window_accuracy": 0.75}},
    }
    page = Page(build_page(replace(bare, evaluation=evaluation)))
    assert "95 % interval by group 87.5 % to 100.0 %." in page.text
    assert ["mic", "50.0 %", "–", "25.0 %"] in page.rows
    assert ["most frequent training label", "50.0 %"] in page.rows
    assert ["level only", "75.0 %"] in page.rows


def test_an_evaluation_without_interval_and_baselines_is_shown(bare: ProjectSummary) -> None:
    section = robustness(replace(bare, evaluation={"clean": ROW}))
    assert section is not None
    assert (section.protocol, section.interval, section.baselines) == ("test", "", None)
    page = Page(build_page(replace(bare, evaluation={"clean": ROW})))
    assert "Protocol test." in page.text
    assert "interval" not in page.text


def test_few_clips_are_stated_instead_of_an_interval(bare: ProjectSummary) -> None:
    clean = ROW | {"interval": [1.0, 1.0], "tracks": 8, "artists": 4}
    page = Page(build_page(replace(bare, evaluation={"clean": clean})))
    assert "8 clips of 4 groups: too few for an interval" in page.text
    assert "100.0 % to" not in page.text


def test_own_scores_stand_before_the_comparison_with_the_published_project(bare: ProjectSummary) -> None:
    test = {"thresholded_accuracy": 0.75, "threshold": 0.6, "top_1_accuracy": 0.875, "windows": 40,
            "report": {"rock": {"precision": 0.5, "recall": 0.25, "f1-score": 1 / 3, "support": 40.0}}}  # fmt: skip
    page = Page(build_page(replace(bare, runs=(run_of("train", test={"int8": test}),))))
    assert ["", "test, int8"] in page.rows
    assert ["accuracy at threshold 0.6", "75.0 %"] in page.rows
    assert ["rock", "0.500", "0.250", "0.333", "40"] in page.rows
    assert page.headings.index("Training") < page.headings.index("Comparison with the published project")


def test_a_project_with_other_labels_is_not_compared_with_the_published_one(bare: ProjectSummary) -> None:
    spoken = tuple(replace(one, label="yes") for one in bare.windows)
    assert "Comparison" not in build_page(replace(bare, windows=spoken))


def test_an_evaluation_that_has_not_ended_has_no_section(bare: ProjectSummary) -> None:
    assert robustness(replace(bare, evaluation={"clean": {}})) is None


LAYERS = (
    LayerProfile("c", "Conv2D 8 filters", 0, 1000, 2500, (1, 4, 8)),
    LayerProfile("s", "Softmax", 1, 0, 90, (1, 2)),
)
PROFILE = Profile("emulated", 30_000, 12_000, 512, 3000, 2800, 2000, 1000, 2590, 0.06, 0.05, LAYERS)


def with_profile(summary: ProjectSummary, profile: Profile) -> ProjectSummary:
    """The same project with a measured model."""
    found = replace(summary, lock=LOCK)
    found.__dict__["profile"] = profile  # where cached_property keeps its value
    return found


def test_size_and_speed_have_units_and_the_method(bare: ProjectSummary) -> None:
    page = Page(build_page(with_profile(bare, PROFILE)))
    assert "The model takes 29.3 KiB of flash and 11.7 KiB of RAM (2.9 KiB of it for tensors)" in page.text
    assert "2,590 instructions (measured on an emulated Cortex-M4F), of which 1,000 are multiplications" in page.text
    assert "about 0.06 ms at 64 MHz (± 5 %, estimated)" in page.text
    assert ["Conv2D 8 filters", "1 × 4 × 8", "1000", "2500", "2.5"] in page.rows
    assert ["Softmax", "1 × 2", "0", "90", "–"] in page.rows


def test_an_estimate_is_not_called_a_measurement(bare: ProjectSummary) -> None:
    page = Page(build_page(with_profile(bare, replace(PROFILE, how="cost model"))))
    assert "(from the stored cost model)" in page.text
    assert "measured on an emulated" not in page.text


def test_the_last_flashed_image_is_shown_with_plain_values_only(bare: ProjectSummary) -> None:
    flash = run_of("flash", board="emulated", model_sha256=SHA, flash_bytes=101_000, nested={"a": 1}, empty=None)
    section = cost(with_profile(replace(bare, runs=(flash,)), PROFILE))
    assert section is not None and section.image is not None
    assert dict(section.image.rows) == {"board": "emulated", "model_sha256": SHA, "flash": "98.6 KiB"}
    without = cost(with_profile(bare, PROFILE))
    assert without is not None
    assert without.image is None


def test_provenance_names_the_pinned_model_and_settings_that_are_no_defaults(bare: ProjectSummary) -> None:
    page = Page(build_page(replace(bare, lock=LOCK)))
    rows = {row[0]: row[1] for row in page.rows if len(row) == 2}
    assert rows["eitk.lock: model_sha256"] == SHA
    assert rows["eitk.lock: deployment_version"] == "3"
    assert "code" in rows and "window manifest, SHA-256" in rows
    assert "slice.window_ms" in rows
    assert "studio.project" not in rows


def test_settings_are_shown_as_text_and_not_as_html(bare: ProjectSummary) -> None:
    layers = replace(bare.config.settings.impulse, name="<i>mine</i>")
    config = replace(bare.config, settings=replace(bare.config.settings, impulse=layers))
    html = build_page(replace(bare, config=config))
    assert "<i>mine" not in html
    assert ["impulse.name", "<i>mine</i>"] in Page(html).rows


def test_the_page_is_allowed_to_load_nothing_from_a_network(bare: ProjectSummary) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', build_page(bare))
    assert policy.startswith("default-src &#39;none&#39;;")
    assert "http" not in policy and "script" not in policy


@pytest.mark.parametrize(
    ("column", "is_number"),
    [((1, 2.5), True), (("90.0 %", None), True), (("rock", "jazz"), False), ((None, None), False),
     (("–", "5 ms"), True), (("", "x1"), False)],
)  # fmt: skip
def test_columns_of_numbers_are_aligned_to_the_right(column: tuple[Any, Any], is_number: bool) -> None:
    table = Table("", ("label", "value"), (("a", column[0]), ("b", column[1])))
    assert number_columns(table) == [False, is_number]


def test_no_value_is_shown_in_the_notation_of_python(bare: ProjectSummary) -> None:
    evaluation = {"clean": ROW, "conditions": {}, "baselines": {}}
    html = build_page(replace(bare, evaluation=json.loads(json.dumps(evaluation))))
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", Page(html).text)


def test_a_label_that_is_markup_is_shown_as_it_is_in_every_table(bare: ProjectSummary) -> None:
    label = "<b>&amp; größe"
    runs = (gate(),)
    html = build_page(replace(bare, windows=(window(1, label=label), window(2)), runs=runs, lock=LOCK))
    rows = Page(html).rows
    assert [label, "training", "1", "1", "1", "0"] in rows
    assert [label, "9 (90.0 %)", "1 (10.0 %)"] in rows
    assert "<b>" not in html


def with_another_label(summary: ProjectSummary) -> ProjectSummary:
    """The same project after windows of a third label were cut."""
    return replace(summary, windows=(*summary.windows, window(9, label="jazz")))


def test_a_verdict_keeps_the_labels_of_its_model(bare: ProjectSummary) -> None:
    run = gate(labels=["classical", "rock"])
    page = Page(build_page(with_another_label(replace(bare, runs=(run,), lock=LOCK))))
    assert ["actual \\ predicted", "classical", "rock"] in page.rows
    assert ["rock", "0", "0"] in page.rows
    assert not any(row[0] == "jazz" and "%" in row[1] for row in page.rows if len(row) > 1)


def test_a_verdict_of_an_older_version_has_no_wrong_labels(bare: ProjectSummary) -> None:
    page = Page(build_page(with_another_label(replace(bare, runs=(gate(),), lock=LOCK))))
    assert ["output 1", "9 (90.0 %)", "1 (10.0 %)"] in page.rows


def test_the_published_tables_keep_the_labels_of_the_training(bare: ProjectSummary) -> None:
    int8 = {"confusion_matrix": [[3, 1], [0, 2]], "labels": ["classical", "rock"]}
    run = run_of("train", validation={"int8": int8})
    page = Page(build_page(with_another_label(replace(bare, runs=(run,)))))
    assert ["classical", "95.7 %", "4.3 %", "75.0 %", "25.0 %"] in page.rows
    assert any(row[:1] == ["jazz"] for row in page.rows)  # among the clips


def test_figures_and_card_keep_the_labels_of_the_model(bare: ProjectSummary) -> None:
    summary = with_another_label(replace(bare, runs=(gate(labels=["classical", "rock"]),), lock=LOCK))
    figure = confusion_matrix(summary)
    assert figure is not None
    assert figure.description == "Recall: classical 90.0 %, rock 0.0 %."
    assert "| classical | 90.0 % | 10.0 % |" in model_card(summary)


def test_without_held_out_windows_there_are_no_players_and_no_spectrograms(bare: ProjectSummary) -> None:
    impulse = replace(bare.config.settings.impulse, dsp=(DspBlock("spectrogram", 4),))
    config = replace(bare.config, settings=replace(bare.config.settings, impulse=impulse))
    summary = replace(bare, config=config, windows=(window(1), window(2)))
    assert "Held-out windows" not in Page(build_page(summary)).headings
    assert spectrograms(summary) is None


def test_a_suite_has_its_published_and_measured_figures_and_their_notes(bare: ProjectSummary) -> None:
    measured = {"accuracy": 0.7, "by_seed": [0.69, 0.71], "interval": [0.6, 0.8], "clips": 1000, "groups": 316}
    model = {
        "model": "KNN <10>", "published": "51", "published_protocol": "clip", "own_protocol": "clip",
        "measured": {"clip": measured, "artist": measured | {"accuracy": 0.48}, "fault-filtered": measured},
        "parameters": 47000, "size_bytes": 2048, "fits_board": False, "remark": "",
    }  # fmt: skip
    found = Page(build_page(replace(bare, suite={"suite": "ten-genres", "seeds": 2, "models": [model]})))
    assert "Published systems" in found.headings
    figures = ["70.0 ± 1.4 [60.0, 80.0] (clip)", "48.0 ± 1.4 [60.0, 80.0]", "70.0 ± 1.4 [60.0, 80.0]"]
    assert ["KNN <10>", "51 (clip)", *figures, "47000", "2.0 KiB", "no"] in found.rows
    assert "The protocol clip leaks" in " ".join(found.words)
