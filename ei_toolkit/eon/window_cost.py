"""Estimate how long a Cortex-M4F takes for the level and the features of one window."""

from __future__ import annotations

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import Settings
from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.eon.library.blocks import block_code
from ei_toolkit.eon.library.cost import level_instructions, window_instructions
from ei_toolkit.eon.profile import CLOCK_HZ, latency_ms


def features_ms(settings: Settings, clock_hz: int = CLOCK_HZ) -> float:
    """Estimate the milliseconds of the level and the features of one window on a Cortex-M4F at `clock_hz`.

    Raises ConfigurationError for a parameter that the block does not accept.
    """
    samples = samples_in(settings.slice.window_ms, settings.slice.sample_rate)
    instructions = level_instructions(samples)
    for number, block in enumerate(settings.impulse.dsp, 1):
        wanted = LibraryDspBlock(number, block.type, block.implementation_version, block.params)
        instructions += window_instructions(block_code(wanted, samples, float(settings.slice.sample_rate)))
    return latency_ms(instructions, "float32") * CLOCK_HZ / clock_hz
