"""What features cost on a Cortex-M4F: an estimate in instructions, fitted to counts on the emulated processor.

The counts were made with GCC 12 at -Os on clips of music, for FFTs of 32 to 1024 points; the estimate is within 20 % of
each (tests/emulated/test_dsp.py holds it for the usual ones). The constants were fitted together and mean little one by
one. Instructions are not cycles: on the processor itself a load or a branch takes more than one.
"""

from __future__ import annotations

from math import log2

from ei_toolkit.eon.library.blocks import BlockCode

QUICK_POINT, SETTLED_POINT = 4.6, 23.0  # for each point and level of an FFT, in float and in DoubleFloat
SAMPLE, EMPHASISED_SAMPLE = 8, 16  # read from the signal's callback, padded, emphasised
FEATURE = 165  # logarithm, bound, and rounding as the model's input
BAND_POINT, SETTLED_BAND_POINT = 7, 20  # summing bins in bands, for each point of the FFT
COSINE = 16  # for each band and coefficient of a DCT
NORMALISED = 1000  # a coefficient normalised over a sliding window
SCALED = 50  # a feature that is only scaled; twice where it is scaled by the range of a window
TWICE = 0.002  # chance of a feature to be undecided, and its frame to be computed twice


def window_instructions(block: BlockCode) -> int:
    """Instructions for the features of one window."""
    return round(block.cut.count * FRAME[block.type](block))


def _spectrogram(block: BlockCode) -> float:
    quick = QUICK_POINT * _levels(block) + SAMPLE * block.fft_length
    if block.normalises:
        return quick + 2 * SCALED * block.bins
    again = SETTLED_POINT * _levels(block) + FEATURE * block.bins
    return quick + FEATURE * block.bins + min(1, TWICE * block.bins) * again


def _mfe(block: BlockCode) -> float:
    again = SETTLED_POINT * _levels(block) + SETTLED_BAND_POINT * block.fft_length + FEATURE * block.bands
    return _bands(block) + min(1, TWICE * block.bands) * again


def _mfcc(block: BlockCode) -> float:
    return _bands(block) + block.bins * (COSINE * block.bands + NORMALISED * block.normalises)


def _raw(block: BlockCode) -> float:
    return (SAMPLE + SCALED) * block.bins


FRAME = {"spectrogram": _spectrogram, "mfe": _mfe, "mfcc": _mfcc, "raw": _raw}


def _bands(block: BlockCode) -> float:
    points = QUICK_POINT * _levels(block) + BAND_POINT * block.fft_length
    return points + EMPHASISED_SAMPLE * block.cut.used + FEATURE * block.bands


def _levels(block: BlockCode) -> float:
    return block.fft_length * log2(block.fft_length)
