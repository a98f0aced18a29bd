"""What can be done with a whole clip before it is cut: peak at full scale, silence at both ends left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
FRAME, HOP = 2048, 512  # samples of a frame and between two frames, as by librosa's defaults
SILENT_BELOW_PEAK_DB = 60.0  # a frame that is weaker than the strongest one by more is silent


def full_scale(samples: Samples) -> Samples:
    """Return a signal with its peak at full scale; a silent one stays as it is."""
    peak = np.abs(samples.astype(np.int32)).max(initial=0)
    return np.clip(np.rint(samples * (32767 / peak)), -32768, 32767).astype(np.int16) if peak else samples


def without_silent_ends(samples: Samples) -> Samples:
    """Return a signal between its `sound_ends`."""
    first, end = sound_ends(samples)
    return samples[first:end]


def sound_ends(samples: Samples) -> tuple[int, int]:
    """Return the first sample of the sound of a signal and the one behind it, as `librosa.effects.trim` finds them.

    The sound begins with the first frame that is not silent, and ends with the last one. A signal without sound is
    left as it is.
    """
    if not samples.any():
        return 0, len(samples)
    sums = np.concatenate([[0], np.cumsum(np.square(samples, dtype=np.float64))])
    middles = np.arange(0, len(samples) + 1, HOP)
    energy = sums[np.minimum(middles + FRAME // 2, len(samples))] - sums[np.maximum(middles - FRAME // 2, 0)]
    loud = np.flatnonzero(energy > energy.max() * 10 ** (-SILENT_BELOW_PEAK_DB / 10))
    return int(loud[0]) * HOP, min(int(loud[-1] + 1) * HOP, len(samples))
