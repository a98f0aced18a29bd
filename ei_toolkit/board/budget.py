"""Check that a decision is made before the next one is due: an estimate, for the Nano's 64 MHz.

The network's share comes from the compiler's cost model, the processing blocks' from the library's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import Settings
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.eon.library.blocks import block_code
from ei_toolkit.eon.library.cost import level_instructions, window_instructions
from ei_toolkit.eon.profile import estimate, latency_ms
from ei_toolkit.errors import BoardError, UnsupportedModelError


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
    """Estimate one decision; None for a model that the compiler does not support.

    Parameters that eitk.toml omits have the block's defaults, as in the library. Raises ConfigurationError for a
    parameter that the block does not accept.
    """
    try:
        model = compile_model(tflite)
    except UnsupportedModelError:
        return None
    samples = samples_in(settings.slice.window_ms, settings.slice.sample_rate)
    instructions = level_instructions(samples)
    for number, block in enumerate(settings.impulse.dsp, 1):
        wanted = LibraryDspBlock(number, block.type, block.implementation_version, block.params)
        instructions += window_instructions(block_code(wanted, samples, float(settings.slice.sample_rate)))
    dsp_ms = latency_ms(instructions, "float32")
    return Budget(dsp_ms, latency_ms(sum(estimate(model).steps), model.input.dtype))


def check_budget(settings: Settings, tflite: bytes) -> Budget | None:
    """Estimate one decision. Raises BoardError for one that takes longer than [board] hop_ms."""
    budget = decision_budget(settings, tflite)
    if budget is not None and budget.total_ms > settings.board.hop_ms:
        raise BoardError(
            f"a decision would take {budget.total_ms:.0f} ms, and one is due every {settings.board.hop_ms} ms",
            why=f"an estimate: DSP {budget.dsp_ms:.0f} ms, network {budget.nn_ms:.0f} ms at 64 MHz",
            hint=f"Set [board] hop_ms = {math.ceil(budget.total_ms / 100) * 100} or more; or a longer frame_stride, "
            "fewer filters, int8. --force flashes it all the same.",
        )
    return budget
