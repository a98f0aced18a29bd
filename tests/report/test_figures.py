"""Figures are drawn from plain data, as PNG and as SVG: deterministic, described, and safe whatever the labels are."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from ei_toolkit.config.palette import LABEL_COLOURS, PALETTE
from ei_toolkit.report import figures
from ei_toolkit.report.figures import Figure

RNG = np.random.default_rng(1)
ROW = {"window_accuracy": 0.9, "track_accuracy": 0.95}
EVALUATION = {
    "clean": ROW,
    "conditions": dict.fromkeys(("gain-20", "gain-10", "gain+10", "gain+20", "mic"), ROW),
    "baselines": {"level": {**ROW, "conditions": {"gain-20": {"window_accuracy": 0.5, "track_accuracy": 0.5}}}},
}
UNTRUSTED = "<script>&$x$\x01\udc80 \u97f3"
"""Markup, a formula, characters that XML cannot contain, and one that the font lacks."""
DRAWN: dict[str, Callable[[], Figure]] = {
    "spectrograms": lambda: figures.spectrograms(
        {"rock": RNG.random((120, 33)), UNTRUSTED: RNG.random((120, 33))}, 3.0
    ),
    "learning_curves": lambda: figures.learning_curves(
        {"loss": [1, 0.5], "accuracy": [0.5, 0.9], "val_loss": [1, 0.6]}
    ),
    "confusion_matrix": lambda: figures.confusion_matrix([[9, 1], [0, 0]], [UNTRUSTED, "rock"]),
    "reliability": lambda: figures.reliability([0, 1] * 50, RNG.dirichlet([1, 1], 100)),
    "accuracy_by_gain": lambda: figures.accuracy_by_gain(EVALUATION, UNTRUSTED),
    "accuracy_by_condition": lambda: figures.accuracy_by_condition(EVALUATION),
    "instructions_by_layer": lambda: figures.instructions_by_layer({UNTRUSTED: 1_234_567, "2: dense": 0}),
}


@pytest.fixture(params=DRAWN)
def figure(request: pytest.FixtureRequest) -> Figure:
    return DRAWN[request.param]()


def test_a_png_has_the_size_of_the_drawing_and_is_not_blank(figure: Figure) -> None:
    image = imread(io.BytesIO(figure.png()))
    width, height = figure.drawing.get_size_inches() * figures.DPI
    assert image.shape[:2] == (int(height), int(width))
    assert image.std() > 0.02


def test_an_svg_is_well_formed_and_described_for_those_who_cannot_see_it(figure: Figure) -> None:
    root = ElementTree.fromstring(figure.svg("figure-1"))
    texts = {element.get("id"): element.text for element in root.iter() if element.tag in ("title", "desc")}
    assert root.get("role") == "img"
    assert root.get("aria-labelledby", "").split() == ["figure-1-title", "figure-1-desc"]
    assert texts["figure-1-title"] == figure.title
    assert texts["figure-1-desc"]
    assert not {"script", "style", "metadata"} & {element.tag for element in root.iter()}


def test_an_svg_refers_only_to_its_own_parts_under_names_of_its_own(figure: Figure) -> None:
    svg = figure.svg("figure-1")
    named = re.findall(r' id="([^"]*)"', svg)
    assert len(named) == len(set(named))
    assert all(name.startswith("figure-1-") for name in named)
    referred = re.findall(r'href="([^"]{1,10})', svg) + re.findall(r"url\(([^)]*)\)", svg)
    assert all(target.startswith(("#", "data:")) for target in referred)
    assert {target[1:] for target in re.findall(r"url\(([^)]*)\)", svg)} <= set(named)


def test_an_svg_takes_its_colours_from_the_page(figure: Figure) -> None:
    svg = figure.svg("figure-1")
    assert set(re.findall(r"var\(--(\w+)\)", svg)) <= set(PALETTE)
    assert "fill: var(--soft)" in svg
    for name in ("ink", "soft", "rule", "blue", "orange"):
        assert f": {PALETTE[name][0]}" not in svg


def test_the_same_data_gives_the_same_bytes_and_other_data_gives_others() -> None:
    one, same = (figures.confusion_matrix([[9, 1], [2, 8]], ["a", "b"]) for _ in range(2))
    other = figures.confusion_matrix([[9, 1], [8, 2]], ["a", "b"])
    assert (one.png(), one.svg("x")) == (same.png(), same.svg("x"))
    assert one.svg("x") == one.svg("x")
    assert one.png() != other.png()
    assert one.description != other.description


def test_the_users_matplotlibrc_changes_nothing() -> None:
    plain = figures.accuracy_by_condition(EVALUATION).svg("x")
    with matplotlib.rc_context({"font.size": 30, "axes.grid": False, "lines.linewidth": 9}):
        assert figures.accuracy_by_condition(EVALUATION).svg("x") == plain


def test_a_confusion_row_without_windows_is_zero_and_not_an_error() -> None:
    assert "rock 0.0 %" in figures.confusion_matrix([[9, 1], [0, 0]], ["classical", "rock"]).description


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_lines_and_text_stand_out_from_the_ground(mode: int) -> None:
    for ground in ("ground", "panel"):
        for name, needed in (("ink", 7), ("soft", 4.5), ("blue", 3), ("orange", 3), ("green", 3), ("purple", 3)):
            assert contrast(PALETTE[name][mode], PALETTE[ground][mode]) >= needed, (name, ground)
        for colours in LABEL_COLOURS:
            assert contrast(colours[mode], PALETTE[ground][mode]) >= 3, (colours, ground)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours (WCAG 2.1)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
