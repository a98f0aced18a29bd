"""A WAV file as bytes, always the same ones for the same samples."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 44


def wav_bytes(samples: NDArray[np.int16], rate: int) -> bytes:
    """Mono 16-bit PCM: a 44-byte header and the samples, shape (n,), nothing else."""
    size = 2 * len(samples)
    fields = (b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16, b"data", size)
    return struct.pack("<4sI4s4sIHHIIHH4sI", *fields) + samples.astype("<i2", copy=False).tobytes()
