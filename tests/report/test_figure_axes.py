"""What a reader sees in the figures: labels with units, limits, legends, values; read from matplotlib's axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.config.palette import LABEL_COLOURS, PALETTE
from ei_toolkit.report import figures
from ei_toolkit.report.figures import GAINS_DB, Figure


def axes_of(figure: Figure) -> list[Any]:
    return figure.drawing.axes


def lines_of(axis: Any) -> dict[str, list[float]]:
    """The values of each line by its name in the legend."""
    return {line.get_label(): [float(y) for y in line.get_ydata()] for line in axis.lines}


def legend_of(axis: Any) -> list[str]:
    legend = axis.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """The contrast ratio of WCAG 2.2."""
    low, high = sorted(float(luminance(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: np.ndarray) -> np.floating[Any]:
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009.
COLOUR_VISION = {
    "all cones": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                            [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip


def lab(colour: np.ndarray, vision: np.ndarray) -> np.ndarray:
    """The colour in CIE Lab (white D65), as somebody with this colour vision sees it."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    x, y, z = np.cbrt(to_xyz @ np.clip(vision @ linear, 0, 1) / np.array([0.95047, 1.0, 1.08883]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("vision", COLOUR_VISION)
def test_lines_differ_in_colour_for_everybody(mode: int, vision: str) -> None:
    found = [lab(rgb(PALETTE[name][mode]), COLOUR_VISION[vision]) for name, _ in figures.LINES[:2]]
    assert np.linalg.norm(found[0] - found[1]) > 60  # the two lines of nearly every figure


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("vision", COLOUR_VISION)
def test_each_of_four_lines_has_a_colour_and_a_dash_pattern_of_its_own(mode: int, vision: str) -> None:
    names, dashes = zip(*figures.LINES, strict=True)
    found = [lab(rgb(PALETTE[name][mode]), COLOUR_VISION[vision]) for name in names]
    distances = [float(np.linalg.norm(a - b)) for i, a in enumerate(found) for b in found[:i]]
    assert min(distances) > 10
    assert len(set(dashes)) == len(dashes)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("vision", COLOUR_VISION)
def test_each_label_has_a_colour_of_its_own(mode: int, vision: str) -> None:
    found = [lab(rgb(colours[mode]), COLOUR_VISION[vision]) for colours in LABEL_COLOURS]
    distances = [float(np.linalg.norm(a - b)) for i, a in enumerate(found) for b in found[:i]]
    assert min(distances) > 24


HISTORY = {"accuracy": [0.5, 0.75, 0.875], "val_accuracy": [0.5, 0.625, 0.75], "loss": [1.5, 0.75, 0.25]}


def test_learning_curves_count_epochs_from_one() -> None:
    accuracy, loss = axes_of(figures.learning_curves(HISTORY))
    assert [(axis.get_xlabel(), axis.get_ylabel()) for axis in (accuracy, loss)] == [
        ("epoch", "accuracy"),
        ("epoch", "loss"),
    ]
    assert list(accuracy.lines[0].get_xdata()) == [1, 2, 3]
    assert all(float(tick).is_integer() for tick in accuracy.get_xticks())


def test_training_and_validation_are_two_lines_that_differ_in_dashes_and_colour() -> None:
    accuracy, loss = axes_of(figures.learning_curves(HISTORY))
    assert lines_of(accuracy) == {"training": HISTORY["accuracy"], "validation": HISTORY["val_accuracy"]}
    assert legend_of(accuracy) == ["training", "validation"]
    first, second = accuracy.lines
    assert first.get_linestyle() != second.get_linestyle()
    assert first.get_color() != second.get_color()
    assert list(lines_of(loss)) == ["training"]


def test_accuracy_ends_at_one_and_loss_at_its_largest_value() -> None:
    accuracy, loss = axes_of(figures.learning_curves(HISTORY))
    assert accuracy.get_ylim() == (0, 1.02)
    assert loss.get_ylim()[0] == 0
    assert loss.get_ylim()[1] >= 1.5


def test_the_description_of_learning_curves_has_the_last_values() -> None:
    assert figures.learning_curves(HISTORY).description == (
        "After the last epoch: training accuracy 0.875, validation accuracy 0.75, training loss 0.25."
    )


def test_one_epoch_is_drawn() -> None:
    accuracy, _ = axes_of(figures.learning_curves({"accuracy": [0.5], "loss": [1.0]}))
    assert lines_of(accuracy) == {"training": [0.5]}


def test_a_confusion_matrix_has_actual_rows_and_predicted_columns() -> None:
    (axis,) = axes_of(figures.confusion_matrix([[30, 10], [0, 5]], ["classical", "rock"]))
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("predicted", "actual")
    assert [label.get_text() for label in axis.get_xticklabels()] == ["classical", "rock"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["classical", "rock"]
    cells = {tuple(map(int, text.get_position())): text.get_text() for text in axis.texts}
    assert cells == {(0, 0): "30\n75.0 %", (1, 0): "10\n25.0 %", (0, 1): "0\n0.0 %", (1, 1): "5\n100.0 %"}


def test_the_opacity_of_a_cell_is_the_share_of_its_row() -> None:
    (axis,) = axes_of(figures.confusion_matrix([[9, 1], [0, 0]], ["a", "b"]))
    shares = [cell.get_alpha() / figures.CELL_OPACITY for cell in axis.patches]
    assert shares == pytest.approx([0.9, 0.1, 0.0, 0.0])
    assert axis.get_xlim() == (-0.5, 1.5) and axis.get_ylim() == (1.5, -0.5)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_text_in_a_cell_has_a_contrast_of_45_to_10_in_both_modes(mode: int, share: float) -> None:
    opacity = share * figures.CELL_OPACITY
    panel, blue, ink = (rgb(PALETTE[name][mode]) for name in ("panel", "blue", "ink"))
    assert contrast(ink, opacity * blue + (1 - opacity) * panel) >= 4.5


@pytest.mark.parametrize(("labels", "rotation"), [(2, 0), (3, 0), (4, 45), (10, 45)])
def test_many_labels_are_turned_so_that_they_do_not_overlap(labels: int, rotation: int) -> None:
    figure = figures.confusion_matrix(np.eye(labels, dtype=int).tolist(), [f"label {n}" for n in range(labels)])
    (axis,) = axes_of(figure)
    assert {tick.get_rotation() for tick in axis.get_xticklabels()} == {float(rotation)}
    assert figure.drawing.get_size_inches()[1] == pytest.approx(figures.HEIGHT_IN + 0.35 * max(labels - 3, 0))


ROW = {"window_accuracy": 0.9}
GAIN = {
    "clean": ROW,
    "conditions": {"gain-20": {"window_accuracy": 0.5}, "gain+10": {"window_accuracy": 0.75}, "mic": ROW},
    "baselines": {"level": ROW | {"conditions": {"gain-20": {"window_accuracy": 0.25}}}},
}


def test_accuracy_by_gain_is_in_percent_against_decibels() -> None:
    (axis,) = axes_of(figures.accuracy_by_gain(GAIN, "robust"))
    assert axis.get_xlabel() == "gain of the microphone (dB)"
    assert axis.get_ylabel() == "top-1 accuracy (%)"
    assert axis.get_ylim() == (0, 102)
    assert list(axis.get_xticks()) == list(GAINS_DB.values())
    assert list(axis.lines[0].get_xdata()) == [-20, 0, 10]
    assert lines_of(axis) == {"robust": [50.0, 90.0, 75.0], "baseline: level only": [25.0, 90.0]}
    assert legend_of(axis) == ["robust", "baseline: level only"]


def test_the_description_of_accuracy_by_gain_has_every_value_with_its_sign() -> None:
    assert figures.accuracy_by_gain(GAIN).description == (
        "this project: -20 dB 50.0 %, +0 dB 90.0 %, +10 dB 75.0 %; baseline: level only: -20 dB 25.0 %, +0 dB 90.0 %."
    )


def test_conditions_are_bars_from_top_to_bottom_with_their_values() -> None:
    (axis,) = axes_of(figures.accuracy_by_condition(GAIN))
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["clean", "gain-20", "gain+10", "mic"]
    assert axis.yaxis_inverted()
    assert [bar.get_width() for bar in axis.patches] == [90.0, 50.0, 75.0, 90.0]
    assert [text.get_text() for text in axis.texts] == ["90.0 %", "50.0 %", "75.0 %", "90.0 %"]
    assert axis.get_xlim()[1] >= 100


def test_an_evaluation_without_conditions_has_one_bar() -> None:
    (axis,) = axes_of(figures.accuracy_by_condition({"clean": ROW}))
    assert len(axis.patches) == 1


def test_instructions_have_thousands_separators_and_no_scale() -> None:
    figure = figures.instructions_by_layer({"1: conv": 1_234_567, "2: dense": 100})
    (axis,) = axes_of(figure)
    assert [text.get_text() for text in axis.texts] == ["1,234,567", "100"]
    assert list(axis.get_xticks()) == []
    assert figure.description == "1: conv 1,234,567, 2: dense 100."


@pytest.mark.parametrize("values", [{}, {"1: conv": 0}])
def test_bars_of_nothing_are_drawn(values: dict[str, int]) -> None:
    (axis,) = axes_of(figures.instructions_by_layer(values))
    assert axis.get_xlim()[1] > 0


def test_calibration_compares_confidence_with_the_share_that_is_correct() -> None:
    probabilities = np.array([[0.95, 0.05], [0.97, 0.03], [0.6, 0.4], [0.35, 0.65]])
    figure = figures.reliability([0, 1, 0, 1], probabilities)
    (axis,) = axes_of(figure)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("highest probability", "share correct")
    middles = [bar.get_x() + bar.get_width() / 2 for bar in axis.patches]
    assert middles == pytest.approx([0.625, 0.96])
    assert [bar.get_height() for bar in axis.patches] == [1.0, 0.5]
    assert figure.description == "Share correct by mean highest probability: at 0.62 1.00, at 0.96 0.50."


@settings(max_examples=5)
@given(st.lists(st.tuples(st.integers(0, 2), st.lists(st.floats(0.01, 1), min_size=3, max_size=3)), min_size=1))
def test_every_clip_is_in_one_bar_of_the_calibration(clips: list[tuple[int, list[float]]]) -> None:
    probabilities = np.array([row for _, row in clips]) / np.sum([row for _, row in clips], axis=1, keepdims=True)
    figure = figures.reliability([label for label, _ in clips], probabilities)
    (axis,) = axes_of(figure)
    share = np.mean(probabilities.argmax(axis=1) == [label for label, _ in clips])
    weights = [(bar.get_alpha() - 0.3) / 0.7 for bar in axis.patches]
    assert sum(weights) == pytest.approx(1)
    assert sum(w * bar.get_height() for w, bar in zip(weights, axis.patches, strict=True)) == pytest.approx(share)


def test_spectrograms_share_one_scale_and_have_seconds_on_the_axis() -> None:
    quiet, loud = np.zeros((10, 4)), np.full((10, 4), 8.0)
    *panels, bar = axes_of(figures.spectrograms({"quiet": quiet, "loud": loud}, 3.0, "mel band"))
    assert [axis.get_title() for axis in panels] == ["quiet", "loud"]
    assert {axis.images[0].get_clim() for axis in panels} == {(0.0, 8.0)}
    assert {(axis.get_xlabel(), axis.get_ylabel()) for axis in panels} == {("time (s)", "mel band")}
    assert panels[0].images[0].get_extent() == [0.0, 3.0, -0.5, 3.5]
    assert panels[0].images[0].get_array().shape == (4, 10)
    assert bar.get_ylabel() == "value of the feature"


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_an_odd_number_of_spectrograms_leaves_no_empty_panel(count: int) -> None:
    figure = figures.spectrograms({str(n): np.eye(4) for n in range(count)}, 1.0)
    assert len(axes_of(figure)) == count + 1  # and the colour bar


def test_one_spectrogram_has_axes_and_a_colour_bar_without_the_extremes() -> None:
    features = np.zeros((100, 10))
    features[:50], features[0, 0] = 1.0, 100.0
    figure = figures.spectrogram(features, 3.0, "rock: a.wav", "mel band")
    panel, bar = axes_of(figure)
    assert (panel.get_xlabel(), panel.get_ylabel(), bar.get_ylabel()) == (
        "time (s)", "mel band", "value of the feature",
    )  # fmt: skip
    assert panel.images[0].get_clim() == bar.get_ylim() == (0.0, 1.0)
    assert figure.description == "Features of 3 s in 10 bins, from 0 to 1."


def test_a_spectrogram_of_silence_is_drawn() -> None:
    assert figures.spectrogram(np.zeros((5, 4)), 1.0, "silence").svg("silence").count("<image") >= 1


def test_a_label_with_control_characters_is_printable() -> None:
    (axis,) = axes_of(figures.confusion_matrix([[1]], ["sound\x07"]))
    assert axis.get_xticklabels()[0].get_text() == "sound\ufffd"
