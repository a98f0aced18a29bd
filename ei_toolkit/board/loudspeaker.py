"""Play sound while a board records: through the loudspeaker of this computer, or a simulated one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.alignment import interpolate
from ei_toolkit.audio.effects.conditions import to_int16
from ei_toolkit.audio.effects.microphone import draw_microphone, simulate_microphone
from ei_toolkit.audio.effects.noise import add_noise, coloured
from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.verify.through_air import find_player, playing
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.errors import BoardError

Samples = NDArray[np.int16]
LEAD_S, TAIL_S = 0.5, 1.0  # of the recording before the sound and after it: latency of the loudspeaker, reverberation
LOUDSPEAKER_RATE_HZ = 48_000
NOISE_SNR_DB = 30.0  # of the simulated room


class SoundPath(Protocol):
    """What carries sound to the microphone of a board."""

    @property
    def rate(self) -> int:
        """Sample rate of the sound that is played, in Hz."""

    @property
    def drives_microphone(self) -> bool:
        """Whether the microphone records only what is played. A real one discards its first sound."""

    def recorded_samples(self, played: int) -> int:
        """Return the length of the recording, at 16 kHz, of so many played samples."""

    def playing(self, samples: Samples) -> AbstractContextManager[None]:
        """Play int16 samples, shape (n,), until the end of the block at the latest."""


def sound_path(
    microphone: MicStream | None, environ: Mapping[str, str], room: int | None = None, drift_ppm: float = 0.0
) -> SoundPath:
    """Return the loudspeaker of this computer for a real microphone, which is None, else a simulated one."""
    return Loudspeaker(environ) if microphone is None else SimulatedSound(microphone, room, drift_ppm)


@dataclass(frozen=True)
class Loudspeaker:
    """The loudspeaker of this computer, through sounddevice if it is installed, else through a player program."""

    environ: Mapping[str, str]
    rate: int = LOUDSPEAKER_RATE_HZ
    drives_microphone: bool = False

    def recorded_samples(self, played: int) -> int:
        """Return the length of the recording: the sound, and LEAD_S and TAIL_S around it."""
        return round((played / self.rate + LEAD_S + TAIL_S) * MICROPHONE_RATE_HZ)

    @contextmanager
    def playing(self, samples: Samples) -> Iterator[None]:
        """Play in the background. Raises BoardError if there is no loudspeaker, MissingToolError without a player."""
        device = _sounddevice()
        if device is None:
            with playing(find_player(self.environ), samples, self.rate):
                yield
            return
        try:
            device.play(samples, self.rate)
        except device.PortAudioError as error:
            raise BoardError(
                "the loudspeaker of this computer cannot be used", why=str(error),
                hint="Connect one and unmute it, or use a virtual board: --board emulated",
            ) from None  # fmt: skip
        try:
            yield
        finally:
            device.stop()


def _sounddevice() -> Any | None:
    """The module, an optional extra; None without it or without its library PortAudio."""
    try:
        import sounddevice  # imported here because it is optional, and opens the sound system
    except (ImportError, OSError):
        return None
    return sounddevice


@dataclass(frozen=True)
class SimulatedSound:
    """Sound for a virtual microphone: with a `room`, through a random loudspeaker and room of that number.

    `drift_ppm`: by how much the clock of the loudspeaker is slower than that of the microphone.
    """

    microphone: MicStream
    room: int | None = None
    drift_ppm: float = 0.0
    rate: int = MICROPHONE_RATE_HZ
    drives_microphone: bool = True

    def recorded_samples(self, played: int) -> int:
        """Return the length of the recording: the sound, and LEAD_S and TAIL_S around it."""
        return played + round((LEAD_S + TAIL_S) * self.rate)

    @contextmanager
    def playing(self, samples: Samples) -> Iterator[None]:
        """Stream the sound to the virtual microphone in the background."""
        arguments = (self.at_the_microphone(samples),)
        thread = threading.Thread(target=self.microphone.stream_pcm, args=arguments, kwargs={"restart": False})
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def at_the_microphone(self, samples: Samples) -> Samples:
        """Return the sound that arrives there, with the silence around it."""
        lead, tail = round(LEAD_S * self.rate), round(TAIL_S * self.rate)
        sound = np.concatenate([np.zeros(lead, np.int16), samples, np.zeros(tail, np.int16)])
        if self.room is not None:
            rng = np.random.default_rng([self.room, len(samples)])
            filtered = simulate_microphone(sound.astype(np.float32), self.rate, draw_microphone(rng))
            sound = to_int16(add_noise(filtered, coloured("pink", len(filtered), self.rate, rng), NOISE_SNR_DB))
        if self.drift_ppm:
            positions = np.arange(len(sound)) / (1 + self.drift_ppm * 1e-6)
            sound = to_int16(interpolate(sound.astype(np.float64), positions).astype(np.float32))
        return sound
