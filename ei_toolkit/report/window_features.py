"""A window file as samples, and as the features that the network is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.dataset.manifest import Window
from ei_toolkit.errors import DataError
from ei_toolkit.impulse import dsp
from ei_toolkit.report.project_summary import ProjectSummary


def window_features(facts: ProjectSummary, window: Window) -> npt.NDArray[np.float64]:
    """Features (frames, bins) of the first block. Raises DataError where the window cannot be read."""
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
