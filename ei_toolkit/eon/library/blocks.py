"""Processing blocks as C++: geometry, tables in float64, and the object that the runtime calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.eon.library.request import LibraryDspBlock
from ei_toolkit.eon.literals import array, double_literal, float_literal
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.dsp.framing import framing

RAW_PIECE = 256  # a raw window is copied in pieces of at most this many samples


@dataclass(frozen=True)
class Cut:
    """`count` frames of a window, `stride` samples apart; the first `used` samples of each are read."""

    used: int
    stride: int
    count: int

    def __str__(self) -> str:
        return f"{{{self.used}, {self.stride}, {self.count}}}"


@dataclass(frozen=True)
class BlockCode:
    """The C++ of one block: its tables and its object, with the sizes of its memory.

    `reach` are the samples before a frame that it reads; a block that `normalises` keeps the rows of a window.
    """

    id: int
    type: str
    cut: Cut
    bins: int
    constructor: str
    files: tuple[str, ...]
    fft_length: int = 0
    bands: int = 0
    tables: str = ""
    table_bytes: int = 0
    reach: int = 0
    normalises: bool = False

    @property
    def features(self) -> int:
        """Features of a window."""
        return self.cut.count * self.bins

    @property
    def kept(self) -> int:
        """Samples that a stream keeps."""
        return self.cut.used + self.reach

    @property
    def rows(self) -> int:
        """Values of a window that are kept until they are normalised."""
        return self.features if self.normalises else 0


@dataclass(frozen=True)
class Value:
    """One parameter of a block, as C++."""

    name: str
    kind: str
    literal: str


def block_code(block: LibraryDspBlock, window_samples: int, frequency: float) -> BlockCode:
    """Return the C++ of a block for windows of `window_samples`. Raises ConfigurationError for an invalid block."""
    if block.type not in CODE:
        known = ", ".join(CODE)
        raise ConfigurationError(f"the library has no C++ for the block {block.type!r}", hint=f"Blocks: {known}.")
    return CODE[block.type](block, window_samples, frequency)


def parameter_values(block: LibraryDspBlock) -> list[Value]:
    """Return all parameters of a block, for its configuration struct."""
    if block.type == "raw":
        return [Value("scale_axes", "float", float_literal(_raw_scale(block)))]
    kinds = {"int": "int", "float": "float", "boolean": "bool"}
    numbers = _numbers(block)
    known = dsp.describe(block.type).parameters
    return [Value(p.name, kinds[p.type], _literal(numbers[p.name], p.type)) for p in known]


def quarter_cosine(points: int) -> npt.NDArray[np.float64]:
    """Return cos(2 pi k / points) for k = 0 .. points / 4, from which all twiddle factors of an FFT follow."""
    table = np.cos(2 * np.pi * np.arange(points // 4 + 1) / points)
    table[-1] = 0.0
    return table


def whole_emphasis(coefficient: float) -> tuple[float, float]:
    """Return (gain, weight) with weight / gain = coefficient, as whole numbers where 16-bit samples stay exact."""
    ratio = Fraction(coefficient).limit_denominator(100)
    exact = float(ratio) == coefficient and abs(ratio.numerator) <= 100
    return (float(ratio.denominator), float(ratio.numerator)) if exact else (1.0, coefficient)


def _spectrogram(block: LibraryDspBlock, window_samples: int, frequency: float) -> BlockCode:
    p, version = _numbers(block), block.implementation_version
    cut, bins = _frames(block, window_samples, frequency)
    return BlockCode(
        block.id,
        block.type,
        cut,
        bins,
        _constructor(block, "Spectrogram", cut, p["fft_length"], version, float_literal(p["noise_floor_db"])),
        ("spectrogram.cpp", "spectrogram.h"),
        p["fft_length"],
        normalises=version < 3,
    )


def _mfe(block: LibraryDspBlock, window_samples: int, frequency: float) -> BlockCode:
    p = _numbers(block)
    cut, bins = _frames(block, window_samples, frequency)
    bank, table, table_bytes = _mel_bank(block, frequency, bins)
    emphasis = f"{{1.0f, {float_literal(0.98)}, 1}}"
    scale = 1 / (4 * p["fft_length"] * 2.0**30)  # includes the division of samples by 32768, which is exact
    floor = float_literal(p["noise_floor_db"])
    constructor = _constructor(block, "Mfe", cut, p["fft_length"], bank, emphasis, double_literal(scale), floor)
    files = ("mel.h", "mfe.cpp", "mfe.h")
    return BlockCode(
        block.id, block.type, cut, bins, constructor, files, p["fft_length"], bins, table, table_bytes, reach=1
    )


def _mfcc(block: LibraryDspBlock, window_samples: int, frequency: float) -> BlockCode:
    p = _numbers(block)
    cut, bins = _frames(block, window_samples, frequency)
    if p["num_filters"] > p["fft_length"] - 2 or p["pre_shift"] < 0:
        raise ConfigurationError(
            f"the library cannot have {p['num_filters']} filters for an FFT of {p['fft_length']} points, "
            f"pre_shift {p['pre_shift']}",
            hint="Use fewer filters, and a pre_shift of 1.",
        )
    bank, edges, edge_bytes = _mel_bank(block, frequency, p["num_filters"])
    dct = _tables(block, frequency)["dct"]
    cosines = array("float", f"kCosines{block.id}", map(float_literal, dct.flat))
    gain, weight = whole_emphasis(p["pre_cof"])
    shift = p["pre_shift"] if p["pre_cof"] else 0
    emphasis = f"{{{float_literal(gain)}, {float_literal(weight)}, {shift}}}"
    scale = double_literal(1 / (4 * p["fft_length"] * (gain**2 if shift else 1.0)))
    table = f"{{kCosines{block.id}, {bins}}}"
    return BlockCode(
        block.id,
        block.type,
        cut,
        bins,
        _constructor(block, "Mfcc", cut, p["fft_length"], bank, table, emphasis, scale, p["win_size"]),
        ("mel.h", "mfcc.cpp", "mfcc.h", "sliding.h"),
        p["fft_length"],
        p["num_filters"],
        edges + cosines,
        edge_bytes + 4 * dct.size,
        reach=shift,
        normalises=p["win_size"] > 0,
    )


def _raw(block: LibraryDspBlock, window_samples: int, frequency: float) -> BlockCode:
    piece = next(n for n in range(min(RAW_PIECE, window_samples), 0, -1) if window_samples % n == 0)
    cut = Cut(piece, piece, window_samples // piece)
    constructor = _constructor(block, "Raw", cut, float_literal(_raw_scale(block)))
    return BlockCode(block.id, block.type, cut, piece, constructor, ("raw.cpp", "raw.h"))


CODE: dict[str, Callable[[LibraryDspBlock, int, float], BlockCode]] = {
    "spectrogram": _spectrogram,
    "mfe": _mfe,
    "mfcc": _mfcc,
    "raw": _raw,
}


def _constructor(block: LibraryDspBlock, name: str, *arguments: object) -> str:
    return f"dsp::{name} kBlock{block.id}({', '.join(map(str, arguments))})"


def _frames(block: LibraryDspBlock, window_samples: int, frequency: float) -> tuple[Cut, int]:
    """Return frames and bins of a window, with the checks of training."""
    p, version = _numbers(block), block.implementation_version
    frames, bins = dsp.output_shape(block.type, window_samples, frequency, version, **block.params)
    found = framing(window_samples, frequency, p["frame_length"], p["frame_stride"], version)
    return Cut(min(found.length, p["fft_length"]), found.stride, frames), bins


def _mel_bank(block: LibraryDspBlock, frequency: float, bands: int) -> tuple[str, str, int]:
    """Return the initialiser of a MelBank, its table, and the table's bytes."""
    edges = _tables(block, frequency)["mel_edges"]
    table = array("uint16_t", f"kEdges{block.id}", map(str, edges))
    return f"{{kEdges{block.id}, {bands}}}", table, 2 * len(edges)


def _tables(block: LibraryDspBlock, frequency: float) -> dict[str, npt.NDArray[Any]]:
    return dsp.tables(block.type, frequency, block.implementation_version, **block.params)


def _numbers(block: LibraryDspBlock) -> dict[str, Any]:
    """Return all parameters of a block as numbers; omitted ones have their defaults."""
    numbers: dict[str, Callable[[Any], Any]] = {"int": lambda x: int(float(x)), "float": float, "boolean": str}
    known = dsp.describe(block.type).parameters
    return {p.name: numbers[p.type](block.params.get(p.name, p.default)) for p in known}


def _raw_scale(block: LibraryDspBlock) -> float:
    try:
        return float(block.params.get("scale_axes", 1))
    except (TypeError, ValueError):
        raise ConfigurationError(f"scale_axes = {block.params['scale_axes']!r} is not a number") from None


def _literal(value: float | str, kind: str) -> str:
    if kind == "boolean":
        return "true" if str(value).lower() in ("true", "1") else "false"
    return float_literal(float(value)) if kind == "float" else str(value)
