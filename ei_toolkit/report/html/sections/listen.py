"""A few held-out windows to look at and to listen to, as the model is given them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit import dsp
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.errors import DataError
from ei_toolkit.report.facts import Facts, held_out_windows
from ei_toolkit.report.html.markup import Html, Section, figure, grid, join, paragraph
from ei_toolkit.report.html.media import player, spectrogram_image

LABELS, EACH = 6, 2  # how many labels are shown, and how many windows of each


def listen(facts: Facts) -> Section | None:
    """Windows of different clips, from the middle of each, with the features of the first block."""
    if not facts.config.settings.impulse.dsp:
        return None
    chosen = [window for label in facts.labels[:LABELS] for window in _some(held_out_windows(facts.windows, label))]
    block = facts.config.settings.impulse.dsp[0]
    intro = paragraph(
        f"Held-out windows as the network is given them: block {block.type}, time to the right, frequency upwards."
    )
    return Section("listen", "Look and listen", join([intro, grid(_figure(facts, window) for window in chosen)]))


def _some(windows: list[Window]) -> list[Window]:
    clips: dict[str, list[Window]] = {}
    for window in windows:
        clips.setdefault(window.clip, []).append(window)
    return [own[len(own) // 2] for own in list(clips.values())[:EACH]]


def _figure(facts: Facts, window: Window) -> Html:
    title = f"{window.label}: {window.clip} at {window.start_ms / 1000:g} s, by {window.group}"
    picture = spectrogram_image(_features(facts, window), title)
    sound = player(facts.config.paths.windows / window.file, title)
    return figure(join([picture, sound]), title)


def _features(facts: Facts, window: Window) -> npt.NDArray[np.float64]:
    """Features (frames, bins) of the first block."""
    settings = facts.config.settings
    block, rate = settings.impulse.dsp[0], settings.slice.sample_rate
    samples = read_samples(facts.config.paths.windows / window.file)
    shape = dsp.output_shape(block.type, len(samples), rate, block.implementation_version, **block.params)
    return dsp.run(block.type, samples, rate, block.implementation_version, **block.params).reshape(shape)


def read_samples(file: Path) -> npt.NDArray[np.int16]:
    """Samples of a window file. Raises DataError where it cannot be read."""
    import soundfile

    try:
        samples: npt.NDArray[np.int16] = soundfile.read(file, dtype="int16")[0]
    except (OSError, soundfile.SoundFileError) as error:
        raise DataError(f"{file} cannot be read", why=str(error), hint="eitk slice") from None
    return samples
