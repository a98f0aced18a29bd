"""Draw figures with matplotlib, as PNG files for documents and as SVG elements for the report.

Every drawing function takes plain data, touches no file and no display, and gives the same bytes for the same data.
matplotlib takes most of a second to import, so only the functions that draw import it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.palette import LABEL_COLOURS, PALETTE
from ei_toolkit.impulse.metrics import TOP_1
from ei_toolkit.report.confusion import ConfusionMatrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Floats = npt.NDArray[np.floating[Any]]

LINES = (("blue", "-"), ("orange", "--"), ("green", "-."), ("purple", ":"))  # colour and dash pattern differ

SPECTROGRAM_COLOURS = "magma"  # its lightness grows evenly, so it is read without colour vision and on both grounds
SHOWN_PERCENTILES = (1.0, 99.5)  # of the features: what becomes the darkest and the brightest colour
FEATURE_VALUE = "value of the feature"
CELL_OPACITY = 0.5  # of a cell with all windows of a label: text in `ink` keeps a contrast of 4.5:1 in both modes

WIDTH_IN, HEIGHT_IN, DPI = 4.5, 2.8, 160  # small, so that the text stays readable on a screen 360 px wide
BAR_HEIGHT_IN, AXIS_HEIGHT_IN = 0.24, 0.55
PERCENT_COLUMNS = 5  # a confusion matrix with more columns has counts only: percentages would overlap
GAINS_DB = {"gain-20": -20, "gain-10": -10, "clean": 0, "gain+10": 10, "gain+20": 20}


@dataclass(frozen=True)
class Figure:
    """A drawing with its title and a description that gives its figures to those who cannot see it."""

    title: str
    description: str
    drawing: Drawing

    def png(self) -> bytes:
        """Return the figure as a PNG file."""
        stream = io.BytesIO()
        with _style():
            self.drawing.savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()

    def svg(self, name: str) -> str:
        """Return the figure as an SVG element for an HTML page that defines the colours of PALETTE as CSS variables.

        `name` makes the identifiers in it unique on the page.
        """
        stream = io.StringIO()
        with _style({"svg.hashsalt": name, "svg.fonttype": "none"}):
            self.drawing.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
        return _inline_svg(stream.getvalue(), name, self.title, self.description)


def spectrograms(by_label: Mapping[str, Floats], seconds: float, band: str = "feature bin") -> Figure:
    """Draw one spectrogram (frames, bins) for each label, all on one scale. `seconds` is the length of the window."""
    rows = -(-len(by_label) // 2)
    low, high = (pick(float(pick(image.min(), image.max())) for image in by_label.values()) for pick in (min, max))
    with _style():
        drawing, axes = _drawing(rows, min(2, len(by_label)), rows * HEIGHT_IN)
        for axis, (label, image) in zip(axes, by_label.items(), strict=False):
            drawn = _spectrogram(axis, image, seconds, band, (low, high))
            axis.set(title=_printable(label))
        for axis in axes[len(by_label) :]:
            axis.remove()
        drawing.colorbar(drawn, ax=axes[: len(by_label)], label=FEATURE_VALUE)
    description = f"Features of one window of {seconds:g} s for each of the labels {', '.join(by_label)}."
    return _figure("Features of a window by label", description, drawing)


def spectrogram(image: Floats, seconds: float, title: str, band: str = "feature bin") -> Figure:
    """Draw the features (frames, bins) of one window of `seconds`, with the scale of its colours."""
    low, high = np.percentile(image, SHOWN_PERCENTILES)
    limits = float(low), float(max(high, low + 1e-6))
    with _style():
        drawing, (axis,) = _drawing()
        drawing.colorbar(_spectrogram(axis, image, seconds, band, limits), label=FEATURE_VALUE)
    description = f"Features of {seconds:g} s in {image.shape[1]} bins, from {low:.3g} to {high:.3g}."
    return _figure(title, description, drawing)


def _spectrogram(axis: Any, image: Floats, seconds: float, band: str, limits: tuple[float, float]) -> Any:
    """Draw features into a panel with its axes, and return the picture, which a colour bar needs."""
    axis.set(xlabel="time (s)", ylabel=band)
    axis.grid(visible=False)
    return axis.imshow(
        image.T, origin="lower", aspect="auto", extent=(0.0, seconds, -0.5, image.shape[1] - 0.5),
        vmin=limits[0], vmax=limits[1], cmap=SPECTROGRAM_COLOURS, interpolation="none",
    )  # fmt: skip


def learning_curves(history: Mapping[str, Sequence[float]]) -> Figure:
    """Draw accuracy and loss of training and validation after each epoch; `history` is the one that Keras returns."""
    last = []
    with _style():
        drawing, axes = _drawing(2, 1, 1.7 * HEIGHT_IN)
        for axis, measure in zip(axes, ("accuracy", "loss"), strict=True):
            for key, name, line in ((measure, "training", LINES[0]), (f"val_{measure}", "validation", LINES[1])):
                if values := history.get(key):
                    axis.plot(range(1, len(values) + 1), values, line[1], label=name, color=_light(line[0]))
                    last.append(f"{name} {measure} {values[-1]:.3g}")
            axis.set(xlabel="epoch", ylabel=measure)
            axis.set_ylim(bottom=0, top=1.02 if measure == "accuracy" else None)
            axis.xaxis.get_major_locator().set_params(integer=True)
        axes[0].legend(loc="lower right")
    return _figure("Accuracy and loss by epoch", f"After the last epoch: {', '.join(last)}.", drawing)


def compared_runs(
    names: Sequence[str],
    accuracies: Mapping[str, Sequence[float | None]],
    curves: Mapping[str, Sequence[float]],
) -> Figure:
    """Draw the accuracies of several runs as bars, and the accuracy of each by epoch.

    `accuracies` has a value for each of the `names` (0 to 1, or None), `curves` the values of each epoch by name.
    """
    styles = {name: LINES[i % len(LINES)] for i, name in enumerate(names)}
    bar = 0.8 / len(names)
    with _style():
        height = AXIS_HEIGHT_IN + BAR_HEIGHT_IN * len(names) * len(accuracies)
        drawing, axes = _drawing(2 if accuracies and curves else 1, 1, height + (HEIGHT_IN if curves else 0))
        if accuracies:
            for i, name in enumerate(names):
                shares = [100 * (values[i] or 0.0) for values in accuracies.values()]
                places = [row + bar * (i - (len(names) - 1) / 2) for row in range(len(accuracies))]
                bars = axes[0].barh(places, shares, bar, color=_light(styles[name][0]), label=name)
                known = [values[i] is not None for values in accuracies.values()]
                texts = [f"{share:.1f} %" if is_known else "–" for share, is_known in zip(shares, known, strict=True)]
                axes[0].bar_label(bars, texts, padding=3, fontsize="small")
            axes[0].set_yticks(range(len(accuracies)), list(accuracies))
            axes[0].invert_yaxis()
            axes[0].set(xlabel="%", xlim=(0, 125))
        for name, values in curves.items():
            colour, dash = styles[name]
            axes[-1].plot(range(1, len(values) + 1), values, dash, color=_light(colour), label=name)
        if curves:
            axes[-1].set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02))
            axes[-1].xaxis.get_major_locator().set_params(integer=True)
        axes[-1].legend(loc="lower right")
    read = []
    for title, found in accuracies.items():
        known_values = ((name, value) for name, value in zip(names, found, strict=True) if value is not None)
        read.append(f"{title}: " + ", ".join(f"{name} {100 * value:.1f} %" for name, value in known_values))
    return _figure("Runs compared", "; ".join(read) + ".", drawing)


def confusion_matrix(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> Figure:
    """Draw counts [actual][predicted]; the colour is the share of the actual label's windows.

    The columns are the labels, and uncertain windows where there is one column more.
    """
    from matplotlib.patches import Rectangle

    matrix = ConfusionMatrix("", labels, counts)
    rows, columns = ([_printable(name) for name in names] for names in (labels, matrix.columns))
    share = np.asarray(matrix.shares)
    with _style():
        drawing, (axis,) = _drawing(1, 1, HEIGHT_IN + 0.35 * max(len(labels) - 3, 0))
        for (row, column), count in np.ndenumerate(np.asarray(counts)):
            opacity = CELL_OPACITY * float(share[row, column])
            cell = Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=_light("blue"), alpha=opacity, linewidth=0)
            axis.add_patch(cell)
            text = f"{count}\n{100 * share[row, column]:.1f} %" if len(columns) <= PERCENT_COLUMNS else f"{count}"
            axis.text(column, row, text, ha="center", va="center", fontsize="small")
        axis.set(xlabel="predicted", ylabel="actual", xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        axis.set_xticks(range(len(columns)), columns, rotation=45 if len(columns) > 3 else 0)
        axis.set_yticks(range(len(rows)), rows)
        axis.grid(visible=False)
    own = (f"{label} {100 * share[i, i]:.1f} %" for i, label in enumerate(labels))
    return _figure("Confusion matrix (actual \\ predicted)", f"Recall: {', '.join(own)}.", drawing)


def reliability(actual: Sequence[int], probabilities: Floats, bins: int = 10) -> Figure:
    """Draw the share of correct predictions against the highest probability; `probabilities` is (n, classes)."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == np.asarray(actual)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    used = np.unique(place)
    means = [(confidence[place == b].mean(), correct[place == b].mean()) for b in used]
    with _style():
        drawing, (axis,) = _drawing()
        axis.plot([0, 1], [0, 1], ":", color=_light("soft"), label="perfect calibration")
        bars = axis.bar(*zip(*means, strict=True), width=0.7 / bins, color=_light("blue"), label="darker: more clips")
        for bar, b in zip(bars, used, strict=True):
            bar.set_alpha(0.3 + 0.7 * float(np.mean(place == b)))
        axis.set(xlabel="highest probability", ylabel="share correct", xlim=(0, 1), ylim=(0, 1.02))
        axis.legend(loc="upper left")
    rows = (f"at {mean:.2f} {right:.2f}" for mean, right in means)
    return _figure("Calibration by clip", f"Share correct by mean highest probability: {', '.join(rows)}.", drawing)


def accuracy_by_gain(evaluation: Mapping[str, Any], name: str = "this project") -> Figure:
    """Draw the top-1 accuracy of an evaluation (`eitk evaluate --json`) and of its level baseline against the gain."""
    level = evaluation["baselines"]["level"]
    read = []
    with _style():
        drawing, (axis,) = _drawing()
        for title, clean, conditions, (colour, dash) in (
            (_printable(name), evaluation["clean"], evaluation["conditions"], LINES[0]),
            ("baseline: level only", level, level["conditions"], LINES[1]),
        ):
            rows = {"clean": clean, **conditions}
            points = {GAINS_DB[key]: 100 * rows[key]["window_accuracy"] for key in GAINS_DB if key in rows}
            axis.plot(list(points), list(points.values()), dash, marker="o", color=_light(colour), label=title)
            read.append(f"{title}: " + ", ".join(f"{gain:+d} dB {value:.1f} %" for gain, value in points.items()))
        axis.set_xticks(list(GAINS_DB.values()))
        axis.set(xlabel="gain of the microphone (dB)", ylabel=f"{TOP_1} (%)", ylim=(0, 102))
        axis.legend(loc="lower center")
    return _figure("Top-1 accuracy by gain of the microphone", "; ".join(read) + ".", drawing)


def accuracy_by_condition(evaluation: Mapping[str, Any]) -> Figure:
    """Draw the top-1 accuracy of an evaluation, a bar for each condition."""
    rows = {"clean": evaluation["clean"], **evaluation.get("conditions", {})}
    values = {name: 100 * float(row["window_accuracy"]) for name, row in rows.items()}
    return _bars("Top-1 accuracy by condition", values, f"{TOP_1} (%)", "{:.1f} %", full=100)


def instructions_by_layer(instructions: Mapping[str, int]) -> Figure:
    """Draw the instructions of one inference, a bar for each layer."""
    return _bars("Instructions by layer", instructions, "instructions", "{:,.0f}")


def scores_over_time(starts_s: Sequence[float], scores: Floats, labels: Sequence[str], name: str) -> Figure:
    """Draw smoothed scores (windows, labels) of a file over time, a row for each label."""
    with _style():
        drawing, [axis] = _drawing(height_in=AXIS_HEIGHT_IN + max(HEIGHT_IN / 2, BAR_HEIGHT_IN * len(labels)))
        step = starts_s[1] - starts_s[0] if len(starts_s) > 1 else 1.0
        limits = (starts_s[0], starts_s[-1] + step, len(labels) - 0.5, -0.5)
        image = axis.imshow(scores.T, aspect="auto", vmin=0, vmax=1, cmap=SPECTROGRAM_COLOURS, extent=limits)
        axis.set_yticks(range(len(labels)), [_printable(label) for label in labels])
        axis.grid(visible=False)
        axis.set_xlabel("start of the window, s")
        drawing.colorbar(image, ax=axis, label="score")
    means = ", ".join(f"{label} {100 * mean:.0f} %" for label, mean in zip(labels, scores.mean(axis=0), strict=True))
    return _figure(f"Scores of {name} over time", f"Means over {len(starts_s)} windows: {means}.", drawing)


def trade_off(
    false_per_hour: Sequence[float], recall: Sequence[float], chosen: tuple[float, float], threshold: float
) -> Figure:
    """Draw recall against false accepts per hour for the best settings of a calibration, with the chosen ones."""
    with _style():
        drawing, [axis] = _drawing()
        axis.step(false_per_hour, [100 * one for one in recall], LINES[0][1], where="post", color=_light(LINES[0][0]))
        axis.plot([chosen[0]], [100 * chosen[1]], "o", color=_light(LINES[1][0]))
        axis.set(xlabel="false accepts per hour", ylabel="recall, %")
    description = (
        f"Chosen: threshold {threshold:g}, {chosen[0]:.3g} false accepts per hour, {100 * chosen[1]:.0f} % recall."
    )
    return _figure("False accepts and recall", description, drawing)


def densities(panels: Sequence[tuple[str, Floats, Floats]], labels: Sequence[str]) -> Figure:
    """Draw densities by label: a panel with its name, values (n,) and densities (labels, n) for each feature."""
    rows = -(-len(panels) // 2)
    with _style():
        drawing, axes = _drawing(rows, 2, 0.5 + 1.2 * rows)
        for axis, (name, values, curves) in zip(axes, panels, strict=False):
            for number, curve in enumerate(curves):
                axis.plot(
                    values,
                    curve,
                    LINES[number // len(LABEL_COLOURS) % len(LINES)][1],
                    color=_label_colour(number),
                    linewidth=1,
                )
            axis.set_title(_printable(name), fontsize="small")
            axis.set_yticks([])
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        drawing.legend(axes[0].lines, [_printable(label) for label in labels], loc="outside lower center", ncols=5)
    names = ", ".join(name for name, _, _ in panels)
    return _figure("Densities of features by label", f"The features that separate the labels best: {names}.", drawing)


def matrix(title: str, values: Floats, names: Sequence[str], low: float = -1.0) -> Figure:
    """Draw a square matrix from `low` to 1; names are written where there are at most 20."""
    with _style():
        drawing, (axis,) = _drawing(height_in=WIDTH_IN)
        image = axis.imshow(values, vmin=low, vmax=1, cmap="RdBu_r")
        axis.grid(visible=False)
        if len(names) <= 20:
            axis.set_xticks(range(len(names)), [_printable(name) for name in names], rotation=90)
            axis.set_yticks(range(len(names)), [_printable(name) for name in names])
        drawing.colorbar(image, ax=axis, shrink=0.7)
    other = np.abs(values[~np.eye(len(values), dtype=bool)])
    largest = f"; the largest absolute value off the diagonal is {other.max():.2f}" if len(other) else ""
    return _figure(title, f"{len(names)} rows and columns{largest}.", drawing)


def component_scatter(components: Floats, row_labels: Sequence[int], labels: Sequence[str]) -> Figure:
    """Draw the first two principal components (rows, 2), a colour for each label."""
    of = np.asarray(row_labels)
    with _style():
        drawing, (axis,) = _drawing(height_in=1.4 * HEIGHT_IN)
        for number, label in enumerate(labels):
            x, y = components[of == number].T
            axis.scatter(x, y, s=6, color=_label_colour(number), alpha=0.6, linewidths=0, label=_printable(label))
        axis.set(xlabel="first principal component", ylabel="second principal component")
        drawing.legend(loc="outside lower center", ncols=5, markerscale=2)
    return _figure("Rows by principal component", f"{len(components)} rows of {len(labels)} labels.", drawing)


def points_by_series(
    title: str, series: Mapping[str, Sequence[tuple[float, float]]], x_label: str, y_label: str
) -> Figure:
    """Draw the points of each series with a marker of its own."""
    with _style():
        drawing, (axis,) = _drawing(height_in=1.2 * HEIGHT_IN)
        for (name, points), (colour, _), marker in zip(series.items(), LINES, "o^sD", strict=False):
            x, y = zip(*points, strict=True)
            axis.scatter(x, y, s=22, color=_light(colour), marker=marker, label=_printable(name))
        axis.set(xlabel=x_label, ylabel=y_label)
        drawing.legend(loc="outside lower center", ncols=len(series) or 1)
    read = (f"{name}: " + ", ".join(f"{x:.3g} / {y:.3g}" for x, y in points) for name, points in series.items())
    return _figure(title, f"{x_label} / {y_label}. {'; '.join(read)}.", drawing)


def explained_variance(shares: Floats, kept: int) -> Figure:
    """Draw the cumulated share of the variance over the number of principal components."""
    total = 100 * np.cumsum(shares)
    with _style():
        drawing, (axis,) = _drawing()
        axis.plot(range(1, len(total) + 1), total, color=_light("blue"))
        axis.axvline(kept, color=_light("orange"), linestyle="--")
        axis.set(xlabel="number of principal components", ylabel="variance (%)", ylim=(0, 102))
    return _figure("Variance of principal components", f"{kept} components keep {total[kept - 1]:.1f} %.", drawing)


def _bars(title: str, values: Mapping[str, float], axis_label: str, form: str, full: float | None = None) -> Figure:
    """Draw a horizontal bar for each value, the first on top, with the value behind it."""
    with _style():
        drawing, (axis,) = _drawing(1, 1, AXIS_HEIGHT_IN + BAR_HEIGHT_IN * len(values))
        bars = axis.barh(range(len(values)), list(values.values()), color=_light("blue"))
        axis.bar_label(bars, [form.format(value) for value in values.values()], padding=3, fontsize="small")
        axis.set_yticks(range(len(values)), [_printable(name) for name in values])
        axis.invert_yaxis()
        axis.set(xlabel=axis_label, xlim=(0, 1.25 * (full or max(values.values(), default=0) or 1)))
        axis.grid(visible=False, axis="y")
        axis.set_xticks(np.linspace(0, full, 5) if full else [])
    read = (f"{name} {form.format(value)}" for name, value in values.items())
    return _figure(title, f"{', '.join(read)}.", drawing)


def _figure(title: str, description: str, drawing: Drawing) -> Figure:
    """Return the figure with its layout computed once: each further computation would move the axes a little."""
    with _style():
        drawing.draw_without_rendering()
        drawing.set_layout_engine("none")
    return Figure(title, description, drawing)


def _drawing(rows: int = 1, columns: int = 1, height_in: float = HEIGHT_IN) -> tuple[Drawing, list[Any]]:
    """Return a drawing and its panels; it needs no display and no global state of pyplot."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(WIDTH_IN, height_in), dpi=DPI, layout="constrained")
    return drawing, list(drawing.subplots(rows, columns, squeeze=False).flat)


@contextmanager
def _style(more: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Use the report's style, whatever the user's matplotlibrc contains."""
    import matplotlib

    ink, soft, rule = (_light(name) for name in ("ink", "soft", "rule"))
    own = {
        "font.family": "DejaVu Sans", "font.size": 9, "text.color": ink, "text.parse_math": False,
        "axes.edgecolor": rule, "axes.labelcolor": soft, "axes.grid": True, "axes.axisbelow": True,
        "axes.spines.top": False, "axes.spines.right": False, "axes.formatter.limits": (-3, 6),
        "grid.color": rule, "grid.linewidth": 0.6, "xtick.color": rule, "ytick.color": rule, "xtick.labelcolor": soft,
        "ytick.labelcolor": soft, "legend.fontsize": "small", "legend.frameon": False, **(more or {}),
    }  # fmt: skip
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a label in a script that the font lacks
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(own)
        yield


def _light(name: str) -> str:
    return PALETTE[name][0]


def _label_colour(number: int) -> str:
    return LABEL_COLOURS[number % len(LABEL_COLOURS)][0]


def _printable(text: str) -> str:
    """Replace control characters and lone surrogates, which XML cannot contain."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _inline_svg(document: str, name: str, title: str, description: str) -> str:
    """Turn matplotlib's SVG document into an element for an HTML page: scalable, described, coloured by the page."""
    root = ElementTree.fromstring(document)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    for parent in list(root.iter()):
        for unwanted in ("metadata", "style"):
            for child in parent.findall(unwanted):
                parent.remove(child)
    _scope_identifiers(root, name)
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ElementTree.Element(tag, id=f"{name}-{tag}")
        child.text = _printable(text)
        root.insert(position, child)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-labelledby": f"{name}-title {name}-desc"}
    svg = ElementTree.tostring(root, encoding="unicode")
    for colour, (light, _) in PALETTE.items():
        svg = svg.replace(f": {light}", f": var(--{colour})")
    return svg


def _scope_identifiers(root: ElementTree.Element, name: str) -> None:
    """Prefix the identifiers that are referred to with the figure's name and remove the others."""
    used = {f"#{element.get('id')}" for element in root.iter() if element.get("id")}
    text = ElementTree.tostring(root, encoding="unicode")
    for element in root.iter():
        identifier = element.attrib.pop("id", None)
        if f'"#{identifier}"' in text or f"(#{identifier})" in text:
            element.set("id", f"{name}-{identifier}")
        for key in ("href", "clip-path"):
            target = element.get(key, "").removeprefix("url(").removesuffix(")")
            if target in used:
                element.set(key, element.get(key, "").replace("#", f"#{name}-"))
