"""Room responses by the image-source method (Allen and Berkley, JASA 65, 1979), as spectra ready to multiply with.

A bank of rooms is enough: each is computed once in a process, when it is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SPEED_OF_SOUND = 343.0  # m/s
TAIL_SECONDS = 0.3
CROSSOVER_HZ = 2000.0  # above it walls absorb more
BANK = 64
Spectrum = NDArray[np.complex64]


@dataclass(frozen=True)
class Room:
    """A shoebox with one reflection factor of the walls for bass and one for treble; lengths in metres."""

    size: tuple[float, float, float]
    source: tuple[float, float, float]
    microphone: tuple[float, float, float]
    bass: float
    treble: float


def draw_room(number: int) -> Room:
    """Room `number` of the bank: 2.5–8 m wide, the microphone 0.3–2.5 m from the source."""
    rng = np.random.default_rng([0x726F6F6D, number])
    size = np.array([rng.uniform(2.5, 8), rng.uniform(2.5, 6), rng.uniform(2.3, 3.2)])
    source = rng.uniform(0.4, size - 0.4)
    direction = rng.standard_normal(3)
    microphone = source + direction / np.linalg.norm(direction) * rng.uniform(0.3, 2.5)
    inside = np.clip(microphone, 0.2, size - 0.2)
    bass = rng.uniform(0.6, 0.92)
    w, d, h = (float(x) for x in size)
    a, b, c = (float(x) for x in source)
    x, y, z = (float(x) for x in inside)
    return Room((w, d, h), (a, b, c), (x, y, z), float(bass), float(bass * rng.uniform(0.7, 0.95)))


def response(room: Room, sample_rate: int) -> NDArray[np.float64]:
    """Impulse response, shape (TAIL_SECONDS * sample_rate,), of unit energy; the direct sound comes first."""
    distance, order = _images(room)
    first = distance.min()
    delay = (distance - first) / SPEED_OF_SOUND * sample_rate
    n = round(TAIL_SECONDS * sample_rate)
    near = delay < n - 1
    delay, order, distance = delay[near], order[near], distance[near]
    bass, treble = (_taps(delay, factor**order / distance, n) for factor in (room.bass, room.treble))
    hz = np.fft.rfftfreq(n, 1 / sample_rate)
    low = 1 / (1 + (hz / CROSSOVER_HZ) ** 2)
    joined = np.fft.irfft(np.fft.rfft(bass) * low + np.fft.rfft(treble) * (1 - low), n)
    return joined / np.linalg.norm(joined)


@lru_cache(maxsize=BANK)
def room_spectrum(number: int, n: int, sample_rate: int) -> Spectrum:
    """Spectrum of room `number`'s response for windows of `n` samples, shape (n // 2 + 1,)."""
    impulse_response = response(draw_room(number), sample_rate)[:n]
    return np.fft.rfft(impulse_response, n).astype(np.complex64)


def _images(room: Room) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return distance and number of reflections of every image source whose sound arrives within the tail."""
    reach = TAIL_SECONDS * SPEED_OF_SOUND + float(np.linalg.norm(room.size))
    squares, orders = [], []
    for length, source, microphone in zip(room.size, room.source, room.microphone, strict=True):
        k = np.arange(-int(reach / (2 * length)) - 1, int(reach / (2 * length)) + 2)
        offsets = np.concatenate([2 * k * length + source - microphone, 2 * k * length - source - microphone])
        squares.append(offsets**2)
        orders.append(np.concatenate([np.abs(2 * k), np.abs(2 * k - 1)]))
    total = squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :]
    count = orders[0][:, None, None] + orders[1][None, :, None] + orders[2][None, None, :]
    arrives = total < reach**2
    return np.maximum(np.sqrt(total[arrives]), 0.1), count[arrives]


def _taps(delay: NDArray[np.float64], amplitude: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Sum the images at their delays, each shared between the two samples next to it."""
    whole = delay.astype(np.int64)
    part = delay - whole
    taps = np.zeros(n + 1)
    taps += np.bincount(whole, amplitude * (1 - part), n + 1)
    taps += np.bincount(whole + 1, amplitude * part, n + 1)
    return taps[:n]
