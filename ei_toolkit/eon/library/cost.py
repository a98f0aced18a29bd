"""What processing costs on a Cortex-M4F: memory, and instructions fitted to counts on the emulated processor.

The counts were made with GCC 12 at -Os on clips of music, for FFTs of 32 to 1024 points; the estimate is within 20 % of
each (tests/emulated/test_dsp.py verifies it for the usual ones). The constants were fitted together and mean little one
by one. Instructions are not cycles: on the processor itself a load or a branch takes more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from ei_toolkit.eon.library.blocks import BlockCode

FLOAT_FFT_POINT, DOUBLE_FFT_POINT = 4.6, 23.0  # for each point and level of an FFT, in float and in DoubleFloat
SAMPLE, EMPHASISED_SAMPLE = 8, 16  # read from the signal's callback, padded, emphasised
FEATURE = 165  # logarithm, bound, and rounding as the model's input
FLOAT_BAND_POINT, DOUBLE_BAND_POINT = 7, 20  # summing bins in bands, for each point of the FFT
COSINE = 16  # for each band and coefficient of a DCT
NORMALISED = 1000  # a coefficient normalised over a sliding window
SCALED = 50  # a feature that is only scaled; twice where it is scaled by the range of a window
REPEATED = (
    0.002  # chance that float cannot determine a feature's rounding, so that its frame is computed in DoubleFloat
)
LEVELLED_SAMPLE = 25  # two passes over a window: its level, then its gain

MIN_FFT_POINTS = 4  # length of the shortest twiddle table


def window_instructions(block: BlockCode) -> int:
    """Return the estimated instructions for the features of one window."""
    return round(block.cut.count * FRAME[block.type](block))


def level_instructions(window_samples: int) -> int:
    """Return the estimated instructions for bringing one window to its level."""
    return LEVELLED_SAMPLE * window_samples


def fft_points(blocks: Sequence[BlockCode]) -> int:
    """Return the length that the twiddle tables serve: the longest FFT, and at least 4."""
    return max(MIN_FFT_POINTS, *(block.fft_length for block in blocks))


def frame_floats(blocks: Sequence[BlockCode]) -> int:
    """Return the number of floats for the samples of a frame."""
    return max(fft_points(blocks), *(block.cut.used for block in blocks))


def spectrum_doubles(blocks: Sequence[BlockCode]) -> int:
    """Return the number of DoubleFloats for a spectrum.

    A column of `normalise`, one float for each frame, uses the same memory.
    """
    return max(fft_points(blocks), *(-(-block.cut.count // 2) for block in blocks))


def row_floats(blocks: Sequence[BlockCode]) -> int:
    """Return the number of floats for unnormalised rows, of the block that has most of them."""
    return max(block.rows for block in blocks)


def window_ram_bytes(blocks: Sequence[BlockCode]) -> int:
    """Return the static memory of one-shot feature extraction: a frame, its spectrum, unnormalised rows."""
    return 4 * frame_floats(blocks) + 8 * spectrum_doubles(blocks) + 4 * row_floats(blocks)


def _spectrogram(block: BlockCode) -> float:
    once = FLOAT_FFT_POINT * _levels(block) + SAMPLE * block.fft_length
    if block.normalises:
        return once + 2 * SCALED * block.bins
    again = DOUBLE_FFT_POINT * _levels(block) + FEATURE * block.bins
    return once + FEATURE * block.bins + min(1, REPEATED * block.bins) * again


def _mfe(block: BlockCode) -> float:
    again = DOUBLE_FFT_POINT * _levels(block) + DOUBLE_BAND_POINT * block.fft_length + FEATURE * block.bands
    return _bands(block) + min(1, REPEATED * block.bands) * again


def _mfcc(block: BlockCode) -> float:
    return _bands(block) + block.bins * (COSINE * block.bands + NORMALISED * block.normalises)


def _raw(block: BlockCode) -> float:
    return (SAMPLE + SCALED) * block.bins


FRAME = {"spectrogram": _spectrogram, "mfe": _mfe, "mfcc": _mfcc, "raw": _raw}


def _bands(block: BlockCode) -> float:
    points = FLOAT_FFT_POINT * _levels(block) + FLOAT_BAND_POINT * block.fft_length
    return points + EMPHASISED_SAMPLE * block.cut.used + FEATURE * block.bands


def _levels(block: BlockCode) -> float:
    return block.fft_length * log2(block.fft_length)
