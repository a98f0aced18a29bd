"""Sound and spectrograms as data URIs, so that the page needs no other file and no network."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.report.html.markup import Html, text

SHOWN_RANGE = (1.0, 99.5)  # percentiles that become the darkest and the brightest colour


def player(wav: Path, title: str) -> Html:
    """An audio player that carries its sound."""
    data = base64.b64encode(wav.read_bytes()).decode()
    label = text(title)
    return Html(f'<audio controls preload="none" aria-label="{label}" src="data:audio/wav;base64,{data}"></audio>')


def spectrogram_image(features: npt.NDArray[np.float64], title: str) -> Html:
    """Features (frames, bins) as a picture: time to the right, frequency upwards."""
    from matplotlib.image import imsave

    low, high = np.percentile(features, SHOWN_RANGE)
    png = io.BytesIO()
    imsave(png, features.T[::-1], cmap="magma", vmin=low, vmax=max(high, low + 1e-6), format="png")
    return image(png.getvalue(), title, "spectrogram")


def image(png: bytes, title: str, kind: str = "plot") -> Html:
    """A picture that carries its pixels."""
    data = base64.b64encode(png).decode()
    return Html(f'<img class="{kind}" alt="{text(title)}" src="data:image/png;base64,{data}">')
