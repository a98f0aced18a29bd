"""Whether a decision is made before the next one is due: an estimate, for the Nano's 64 MHz.

The network's share comes from the compiler's cost model. A block's is its number of frames times what one frame took
on the emulated Cortex-M4F (MFE with FFT 512 and the spectrogram with FFT 64 were measured; the fit is within a third
of both), plus two passes over the window for its level.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import Settings
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.profile import estimate, latency_ms
from ei_toolkit.errors import BoardError, UnsupportedModelError

PER_BUTTERFLY = 10.0  # instructions per N log2 N of a frame's FFT
PER_SAMPLE = 55.0  # reading, levelling and emphasising one sample of a frame
PER_BIN = 20.0
PER_LEVEL_SAMPLE = 25.0


@dataclass(frozen=True)
class Budget:
    """Estimated milliseconds of one decision."""

    dsp_ms: float
    nn_ms: float

    @property
    def total_ms(self) -> float:
        """Both together."""
        return self.dsp_ms + self.nn_ms


def decision_budget(settings: Settings, tflite: bytes) -> Budget | None:
    """What one decision takes; None for a model whose cost is not known."""
    try:
        model = compile_model(tflite)
    except UnsupportedModelError:
        return None
    samples = samples_in(settings.slice.window_ms, settings.slice.sample_rate)
    instructions = PER_LEVEL_SAMPLE * samples
    for block in settings.impulse.dsp:
        instructions += _block_instructions(block.params, settings.slice.sample_rate, samples)
    dsp_ms = latency_ms(round(instructions), "float32")
    return Budget(dsp_ms, latency_ms(sum(estimate(model).steps), model.input.dtype))


def check_budget(settings: Settings, tflite: bytes) -> Budget | None:
    """Raises BoardError for a model that would not keep up with [board] hop_ms."""
    budget = decision_budget(settings, tflite)
    if budget is not None and budget.total_ms > settings.board.hop_ms:
        raise BoardError(
            f"a decision would take {budget.total_ms:.0f} ms, and one is due every {settings.board.hop_ms} ms",
            why=f"an estimate: DSP {budget.dsp_ms:.0f} ms, network {budget.nn_ms:.0f} ms at 64 MHz",
            hint=f"Set [board] hop_ms = {math.ceil(budget.total_ms / 100) * 100} or more; or a longer frame_stride, "
            "fewer filters, int8. --force flashes it all the same.",
        )
    return budget


def _block_instructions(params: Mapping[str, Any], rate: int, samples: int) -> float:
    length, stride = (float(params.get(key, 0.02)) * rate for key in ("frame_length", "frame_stride"))
    fft = int(params.get("fft_length", 256))
    frames = max(1.0, (samples - length) / max(stride, 1.0) + 1)
    return frames * (PER_BUTTERFLY * fft * math.log2(fft) + PER_SAMPLE * min(length, fft) + PER_BIN * (fft / 2 + 1))
