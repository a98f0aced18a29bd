"""Processing blocks as C++: geometry, tables in float64, and the object that the runtime calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit import dsp
from ei_toolkit.dsp.framing import Framing, framing
from ei_toolkit.eon.library.literals import array, double_literal, float_literal
from ei_toolkit.eon.library.request import LibraryDspBlock
from ei_toolkit.errors import ConfigurationError

COMMON_FILES = (
    "block.cpp",
    "block.h",
    "decibels.h",
    "emphasis.cpp",
    "emphasis.h",
    "features.h",
    "fft.h",
    "level.h",
    "source.h",
    "spectrum.cpp",
    "spectrum.h",
    "stream.cpp",
    "stream.h",
)


@dataclass(frozen=True)
class BlockCode:
    """One block, ready to be written: C++ of its tables and object, and what it needs of memory.

    `kept` are the samples that a stream keeps, `rows` the unnormalised values of a window (0 where there are none).
    """

    id: int
    type: str
    cut: Framing
    bins: int
    fft_length: int
    tables: str
    constructor: str
    files: tuple[str, ...]
    kept: int
    rows: int
    table_bytes: int

    @property
    def features(self) -> int:
        """Features of a window."""
        return self.cut.count * self.bins

    @property
    def used(self) -> int:
        """Samples of a frame that its FFT sees."""
        return min(self.cut.length, self.fft_length)


@dataclass(frozen=True)
class _Parts:
    """What differs between block types."""

    constructor: str
    files: tuple[str, ...]
    tables: str = ""
    table_bytes: int = 0
    reach: int = 0
    normalises: bool = False


def block_code(block: LibraryDspBlock, window_samples: int, frequency: float) -> BlockCode:
    """The C++ of a block for windows of `window_samples`. Raises ConfigurationError where the block makes no sense."""
    if block.type not in PARTS:
        known = ", ".join(PARTS)
        raise ConfigurationError(f"the library has no C++ for the block {block.type!r}", hint=f"Blocks: {known}.")
    version, p = block.implementation_version, parameters(block)
    frames, bins = dsp.output_shape(block.type, window_samples, frequency, version, **block.params)
    cut = framing(window_samples, frequency, p["frame_length"], p["frame_stride"], version)
    used = min(cut.length, p["fft_length"])
    parts = PARTS[block.type](block, frequency, f"{{{used}, {cut.stride}, {cut.count}}}", p)
    return BlockCode(
        id=block.id,
        type=block.type,
        cut=cut,
        bins=bins,
        fft_length=p["fft_length"],
        tables=parts.tables,
        constructor=parts.constructor,
        files=parts.files,
        kept=used + parts.reach,
        rows=frames * bins if parts.normalises else 0,
        table_bytes=parts.table_bytes,
    )


def parameters(block: LibraryDspBlock) -> dict[str, Any]:
    """All parameters of a block with their defaults, as numbers."""
    known = dsp.describe(block.type).parameters
    numbers = {"int": int, "float": float, "boolean": str}
    return {p.name: numbers[p.type](block.params.get(p.name, p.default)) for p in known}


def quarter_cosine(points: int) -> npt.NDArray[np.float64]:
    """cos(2 pi k / points) for k = 0 .. points / 4: all twiddles of an FFT follow from it."""
    table = np.cos(2 * np.pi * np.arange(points // 4 + 1) / points)
    table[-1] = 0.0
    return table


def _spectrogram(block: LibraryDspBlock, frequency: float, cut: str, p: dict[str, Any]) -> _Parts:
    version = block.implementation_version
    arguments = f"{cut}, {p['fft_length']}, {version}, {float_literal(p['noise_floor_db'])}"
    return _Parts(
        f"dsp::Spectrogram kBlock{block.id}({arguments})", ("spectrogram.cpp", "spectrogram.h"), normalises=version < 3
    )


def _mfe(block: LibraryDspBlock, frequency: float, cut: str, p: dict[str, Any]) -> _Parts:
    edges, table = _mel_table(block, frequency)
    # MFE's samples are x / 32768: a power of two that goes into the scale. Its 0.98 is a float32.
    scale = 1 / (4 * p["fft_length"] * 2.0**30)
    bank, emphasis = f"{{kEdges{block.id}, {p['num_filters']}}}", f"{{1.0f, {float_literal(0.98)}, 1}}"
    arguments = (
        f"{cut}, {p['fft_length']}, {bank}, {emphasis}, {double_literal(scale)}, {float_literal(p['noise_floor_db'])}"
    )
    constructor = f"dsp::Mfe kBlock{block.id}({arguments})"
    return _Parts(constructor, ("mel.h", "mfe.cpp", "mfe.h"), table, 2 * len(edges), reach=1)


def _mfcc(block: LibraryDspBlock, frequency: float, cut: str, p: dict[str, Any]) -> _Parts:
    if p["num_filters"] > p["fft_length"] - 2:
        raise ConfigurationError(f"{p['num_filters']} filters are too many for an FFT of {p['fft_length']} points")
    edges, edge_table = _mel_table(block, frequency)
    dct = dsp.tables(block.type, frequency, block.implementation_version, **block.params)["dct"]
    cosine_table = array("float", f"kCosines{block.id}", map(float_literal, dct.flat))
    gain, weight = whole_emphasis(p["pre_cof"])
    shift = p["pre_shift"] if p["pre_cof"] else 0
    scale = 1 / (4 * p["fft_length"] * (gain**2 if shift else 1.0))
    arguments = ", ".join(
        (
            cut,
            str(p["fft_length"]),
            f"{{kEdges{block.id}, {p['num_filters']}}}",
            f"{{kCosines{block.id}, {p['num_cepstral']}}}",
            f"{{{float_literal(gain)}, {float_literal(weight)}, {shift}}}",
            double_literal(scale),
            str(p["win_size"]),
        )
    )
    return _Parts(
        f"dsp::Mfcc kBlock{block.id}({arguments})",
        ("mel.h", "mfcc.cpp", "mfcc.h", "sliding.h"),
        edge_table + cosine_table,
        2 * len(edges) + 4 * dct.size,
        reach=shift,
        normalises=p["win_size"] > 0,
    )


def _mel_table(block: LibraryDspBlock, frequency: float) -> tuple[npt.NDArray[np.int64], str]:
    edges = dsp.tables(block.type, frequency, block.implementation_version, **block.params)["mel_edges"]
    return edges, array("uint16_t", f"kEdges{block.id}", map(str, edges))


def whole_emphasis(coefficient: float) -> tuple[float, float]:
    """(gain, weight) with weight / gain = coefficient, whole numbers where that keeps 16-bit samples exact."""
    ratio = Fraction(coefficient).limit_denominator(100)
    exact = float(ratio) == coefficient and abs(ratio.numerator) <= 100
    return (float(ratio.denominator), float(ratio.numerator)) if exact else (1.0, coefficient)


PARTS: dict[str, Callable[[LibraryDspBlock, float, str, dict[str, Any]], _Parts]] = {
    "spectrogram": _spectrogram,
    "mfe": _mfe,
    "mfcc": _mfcc,
}
