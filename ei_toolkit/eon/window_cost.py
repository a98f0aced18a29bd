"""Estimate what the level and the features of one window cost on a Cortex-M4F: time, and RAM of the blocks."""

from __future__ import annotations

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import Settings
from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.eon.library.blocks import BlockCode, block_code
from ei_toolkit.eon.library.cost import level_instructions, window_instructions, window_ram_bytes
from ei_toolkit.eon.profile import CLOCK_HZ, latency_ms


def features_ms(settings: Settings, clock_hz: int = CLOCK_HZ) -> float:
    """Estimate the milliseconds of the level and the features of one window on a Cortex-M4F at `clock_hz`.

    Raises ConfigurationError for a parameter that the block does not accept.
    """
    instructions = level_instructions(_samples(settings)) + sum(map(window_instructions, _blocks(settings)))
    return latency_ms(instructions, "float32") * CLOCK_HZ / clock_hz


def features_ram_bytes(settings: Settings) -> int:
    """Return the bytes of RAM that the processing blocks need for their own arrays. Raises as `features_ms`."""
    return window_ram_bytes(_blocks(settings))


def _blocks(settings: Settings) -> list[BlockCode]:
    samples, rate = _samples(settings), float(settings.slice.sample_rate)
    wanted = [
        LibraryDspBlock(number, block.type, block.implementation_version, block.params)
        for number, block in enumerate(settings.impulse.dsp, 1)
    ]
    return [block_code(block, samples, rate) for block in wanted]


def _samples(settings: Settings) -> int:
    return samples_in(settings.slice.window_ms, settings.slice.sample_rate)
