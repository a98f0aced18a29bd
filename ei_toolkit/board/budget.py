"""Estimate whether a board classifies a window before the next one is complete.

The cost of the network comes from the cost model of the compiler, the cost of the processing blocks from the library's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ei_toolkit.config import Settings
from ei_toolkit.config.units import classification_time
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.profile import CLOCK_HZ, estimate
from ei_toolkit.eon.window_cost import features_ms
from ei_toolkit.errors import BoardError, ConfigurationError, UnsupportedModelError


@dataclass(frozen=True)
class Budget:
    """Estimated milliseconds of one classification."""

    dsp_ms: float
    nn_ms: float

    @property
    def total_ms(self) -> float:
        """Features and network together."""
        return self.dsp_ms + self.nn_ms


def decision_budget(settings: Settings, tflite: bytes, clock_hz: int = CLOCK_HZ) -> Budget | None:
    """Estimate one classification on a Cortex-M4F at `clock_hz`; None for a model that the compiler does not support.

    Parameters that eitk.toml omits have the block's defaults, as in the library. Raises ConfigurationError for a
    parameter that the block does not accept.
    """
    try:
        model = compile_model(tflite)
    except UnsupportedModelError:
        return None
    scale = CLOCK_HZ / clock_hz
    return Budget(features_ms(settings, clock_hz), estimate(model).latency_ms * scale)


def known_features_ms(settings: Settings) -> float | None:
    """Return `features_ms`; None where eitk.toml has no block, or one that the library does not support."""
    try:
        return features_ms(settings) if settings.impulse.dsp else None
    except ConfigurationError:
        return None


def check_budget(settings: Settings, tflite: bytes, clock_hz: int) -> Budget | None:
    """Estimate one classification. Raises BoardError if it takes longer than [board] hop_ms."""
    budget = decision_budget(settings, tflite, clock_hz)
    if budget is not None and budget.total_ms > settings.board.hop_ms:
        raise BoardError(
            f"a classification takes {budget.total_ms:.0f} ms, longer than board.hop_ms = {settings.board.hop_ms}",
            why=f"estimate at {clock_hz / 1e6:g} MHz: {classification_time(budget.dsp_ms, budget.nn_ms)}",
            hint=f"Set [board] hop_ms = {math.ceil(budget.total_ms / 100) * 100} or more; or a longer frame_stride, "
            "fewer filters, int8. --force flashes it without this check.",
        )
    return budget
